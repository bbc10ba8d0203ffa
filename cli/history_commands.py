"""The commands that remember: history, why, diff, lineage, reproduce, hold and gc."""

from typing import Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import IntegrityError

Version = Annotated[str, typer.Argument(metavar="V", help="A version: its number, or champion.")]


def history(
    everything: Annotated[
        bool, typer.Option("--all", help="Also windows, gates, and what tasks noted of their work.")
    ] = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """List what was decided, by whom and why: promotions, rollbacks, approvals, refusals, retrainings. Newest last.

    Example: [bold]evergreen history[/bold]
    """
    from cli import recall, show_registry
    from evergreen.project import Project

    found = recall.events(Project.open(env, params), everything=everything)
    entries = [event.model_dump(mode="json") for event in found]
    emit({"entries": entries}, as_json, lambda: show_registry.events(found))


def why(
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ANYTHING",
            help="A version, champion, refusal, verdict, a window such as 2013-04, an entry such as '#17', "
            "or the beginning of a candidate's key or a model's digest.",
        ),
    ],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Walk from a version, a verdict or a window back to what led to it.

    Examples: [bold]evergreen why champion[/bold]; [bold]evergreen why refusal[/bold]
    """
    from cli import recall, show_registry
    from evergreen.project import Project

    found = recall.why(Project.open(env, params), asked)
    told = {"asked": asked, "causes": [cause.model_dump(mode="json") for cause in found]}
    emit(told, as_json, lambda: show_registry.causes(found))


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version: its number, or champion.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one.")] = "champion",
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show how version B differs from version A: parameters, data, code, and metrics with their intervals.

    Example: [bold]evergreen diff 2 3[/bold]
    """
    from cli import recall, show_registry
    from evergreen.project import Project

    found = recall.difference(Project.open(env, params), before, after)
    emit(found.model_dump(mode="json"), as_json, lambda: show_registry.difference(found))


def lineage(
    asked: Annotated[
        str,
        typer.Argument(
            metavar="X",
            help="A version; or a source's file, or the beginning of a digest of data or code, or a commit.",
        ),
    ],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show what a version was made from, or which versions were made from a file, a dataset, code or a commit.

    Examples: [bold]evergreen lineage 3[/bold]; [bold]evergreen lineage data/orders.csv[/bold]
    """
    from cli import recall, show_registry
    from evergreen.project import Project

    found = recall.line_of(Project.open(env, params), asked)
    emit(found.model_dump(mode="json"), as_json, lambda: show_registry.lineage(found))


def reproduce(
    version: Version = "champion", env: Env = "local", params: ParamsFile = "params.yaml", as_json: Json = False
) -> None:
    """Train a version again in a scratch place, from its code, data and parameters, and say what differs.

    Ends with 7 where anything does.

    Example: [bold]evergreen reproduce champion[/bold]
    """
    from cli import reproduction, show_registry
    from evergreen.project import Project

    found = reproduction.reproduce(Project.open(env, params), version)
    emit(found.model_dump(mode="json"), as_json, lambda: show_registry.reproduction(found))
    if not found.same:
        raise typer.Exit(IntegrityError.exit_code)


def hold(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT", help="A version, or the beginning of a digest: of a candidate, a model, a dataset."
        ),
    ],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who holds it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Keep the artifacts of a candidate, or a dataset version, from [bold]evergreen gc[/bold].

    Example: [bold]evergreen hold 8781b16c --by ann --reason "audit of May"[/bold]
    """
    from cli import holding, show
    from evergreen.project import Project

    held = holding.hold(Project.open(env, params), what, by=by, reason=reason)
    emit(held, as_json, lambda: show.summary("Held", held))


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    days: Annotated[int, typer.Option("--older-than", metavar="DAYS", min=1, help="Leave what is younger.")] = 1,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Delete artifacts, datasets and packages that nothing names any more: no version, proof, window, hold or next run.

    Example: [bold]evergreen gc --dry-run[/bold]
    """
    from cli import show_registry
    from evergreen.project import Project
    from flows import upkeep

    found = upkeep.sweep(Project.open(env, params), days=days, dry_run=dry_run)
    told = {
        "unnamed": [one.model_dump(mode="json") for one in found],
        "bytes": sum(one.size for one in found),
        "deleted": not dry_run,
    }
    emit(told, as_json, lambda: show_registry.unnamed(found, deleted=not dry_run))


def register(app: typer.Typer) -> None:
    """Add the commands to the main ones."""
    for command in (history, why, diff, lineage, reproduce, hold, gc):
        app.command()(command)
