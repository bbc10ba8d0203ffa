"""What people decide about versions: `evergreen approve`, `reject`, `promote`, `rollback`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AllowDirty, By, Direct, Env, Json, Overrides, ParamsFile, Reason, Version, Why, emit, opened
from evergreen.base.errors import ConfigError

if TYPE_CHECKING:
    from evergreen.project import Project

app = typer.Typer()


@app.command()
def approve(
    version: Version,
    by: By = None,
    reason: Why = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Who and why, from a file that is committed in git.")
    ] = None,
    write_file: Annotated[
        bool, typer.Option("--write-file", help="Approve nothing; write the file to fill in and to review.")
    ] = False,
    direct: Direct = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Bring a version that waits for a person into service: by the plan of the rollout, or to all traffic at once.

    Example: [bold]evergreen approve 4 --by "Ada Lovelace" --reason "the slices look right"[/bold]
    """
    from evergreen.record.registry import people

    project = opened(env, params)
    if write_file:
        from cli import approvals

        path = approvals.write(project, version)
        emit({"file": str(path)}, as_json, lambda: typer.echo(str(path)))
        return
    if file is not None:
        from cli import approvals

        if by is not None or reason is not None:
            raise ConfigError(
                "CFG071",
                "the file says who approves, and why",
                where="command line",
                next_step="Leave out --by and --reason, or --file.",
            )
        person = approvals.read(project, version, file)
    else:
        person = people.person(by, reason)
    from flows import promotion

    promotion.approve(project, version, person, direct=direct)
    _tell_champion(project, as_json)


@app.command()
def reject(
    version: Version,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Say that a version must never come into service, or back into it.

    Example: [bold]evergreen reject 4 --by "Ada Lovelace" --reason "worse for night flights"[/bold]
    """
    from evergreen.record.registry import people

    person, project = people.person(by, reason), opened(env, params)
    from flows import promotion

    promotion.reject(project, version, person)
    told = {"model": project.name, **person.told(version)}
    emit(told, as_json, lambda: typer.echo(f"{project.name} version {version} was rejected"))


@app.command()
def promote(
    version: Annotated[int | None, typer.Argument(metavar="V", help="The version's number.", min=1)] = None,
    by: By = None,
    reason: Reason = None,
    new_lineage: Annotated[bool, typer.Option("--new-lineage", help="Compare with no champion before.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ENV", help="Into this environment's registry, if its gate agrees.")
    ] = None,
    direct: Direct = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    allow_dirty: AllowDirty = False,
    as_json: Json = False,
) -> None:
    """Bring a registered version into service, here or in another environment, or begin a new lineage.

    With --to the version is copied there by its digests and judged by the gate there against the champion there; both
    ledgers keep where it went and came from.

    A new lineage: the candidate of these parameters is judged as the first of its model is. For a target, classes or
    columns that changed so much that the champion cannot be compared any more.

    Examples: [bold]evergreen promote 4 --by "Ada Lovelace" --reason "the outage had another cause"[/bold]

    [bold]evergreen promote 4 --to production --by "Ada Lovelace" --reason "a week on staging"[/bold]

    [bold]evergreen promote --new-lineage --reason "delays count from 30 minutes on"[/bold]
    """
    if new_lineage == (version is not None):
        raise ConfigError(
            "CFG055",
            "promote brings a version into service, or begins a new lineage: say which of them",
            where="command line",
            next_step="evergreen promote V --by NAME --reason TEXT, or evergreen promote --new-lineage --reason TEXT.",
        )
    if to is not None and version is None:
        raise ConfigError(
            "CFG071",
            "--to takes a version into another environment: a new lineage begins where it is trained",
            where="command line",
            next_step=f"evergreen promote V --to {to} --by NAME --reason TEXT, or leave out --to.",
        )
    if version is None:
        _begin_lineage(env, params, overrides or [], allow_dirty=allow_dirty, reason=reason, as_json=as_json)
        return
    if overrides or allow_dirty:
        raise ConfigError(
            "CFG071",
            "a version is what it is: --set and --allow-dirty belong to a training",
            where="command line",
            next_step="Leave them out.",
        )
    from evergreen.record.registry import people

    person = people.person(by, reason)
    if to is not None:
        from cli import sending

        sending.tell(sending.send(version, person, env=env, to=to, params=params), as_json)
        return
    project = opened(env, params)
    from flows import promotion

    promotion.promote(project, version, person, direct=direct)
    _tell_champion(project, as_json)


def _begin_lineage(
    env: str, params: str, overrides: list[str], *, allow_dirty: bool, reason: str | None, as_json: bool
) -> None:
    from cli import training
    from evergreen.project import Project

    if not (reason or "").strip():
        raise ConfigError(
            "CFG070",
            "reason is missing or blank",
            where="command line",
            next_step='Say why the model begins anew: --reason "why".',
        )
    project = Project.open(env, params, overrides, allow_dirty=allow_dirty)
    training.tell(training.train(project, reason=reason, new_lineage=True), as_json)


@app.command()
def rollback(
    to: Annotated[
        int | None, typer.Option("--to", metavar="V", help="To this version; by default the one before.", min=1)
    ] = None,
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Bring the version that was champion before back into service, with all that belongs to it.

    Example: [bold]evergreen rollback --by "Ada Lovelace" --reason "answers are late since Monday"[/bold]
    """
    from evergreen.record.registry import people

    person, project = people.person(by, reason), opened(env, params)
    from flows import promotion

    promotion.rollback(project, person, to=to)
    _tell_champion(project, as_json)


def _tell_champion(project: "Project", as_json: bool) -> None:
    from cli import recall, show_registry

    found = recall.standing(project, None)
    emit(found.told(), as_json, lambda: show_registry.standing(found, at=None))
