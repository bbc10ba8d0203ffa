"""The commands of `evergreen rollout`: a version comes into service by degrees."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import By, Direct, Env, Json, Overrides, ParamsFile, Version, Why, emit, opened

if TYPE_CHECKING:
    from evergreen.project import Project
    from evergreen.record.rollouts import Rollout

app = typer.Typer(no_args_is_help=True, help="Bring a version into service by degrees: a shadow, shares, all of it.")


@app.command("start")
def start(
    version: Version,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="STEPS", help="As shadow,5,25,50,100. Default: rollout.plan of the parameters."),
    ] = None,
    by: By = None,
    reason: Why = None,
    direct: Direct = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Begin to bring a registered version into service by degrees.

    Example: [bold]evergreen rollout start 4 --plan shadow,5,25,50,100 --by Ada --reason "more routes"[/bold]
    """
    from evergreen.record.registry import people

    person, project = people.person(by, reason), opened(env, params, overrides)
    from flows import rollout

    began = rollout.begin(project, version, plan=plan, by=person.by, reason=person.reason, direct=direct)
    _tell(project, began, as_json)


@app.command("status")
def status(
    env: Env = "local", params: ParamsFile = "params.yaml", overrides: Overrides = None, as_json: Json = False
) -> None:
    """Say where the rollout stands, and what each check says now; without one, how the last one ended.

    Example: [bold]evergreen rollout status[/bold]
    """
    from cli import rollouts

    project = opened(env, params, overrides)
    found = rollouts.standing(project)
    emit(found, as_json, lambda: rollouts.show(found))


@app.command("advance")
def advance(
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Take the next step now, whatever the checks say; from there they decide again.

    Example: [bold]evergreen rollout advance --by Ada --reason "the shift is the new routes"[/bold]
    """
    _decide("advance", by, reason, opened(env, params), as_json)


@app.command("hold")
def hold(
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Stay at this step until somebody advances or aborts it; what shows harm still takes the version out.

    Example: [bold]evergreen rollout hold --by Ada --reason "not over the holidays"[/bold]
    """
    _decide("hold", by, reason, opened(env, params), as_json)


@app.command("abort")
def abort(
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Give all of the traffic back to the champion, and end the rollout.

    Example: [bold]evergreen rollout abort --by Ada --reason "a doubt about the data"[/bold]
    """
    _decide("abort", by, reason, opened(env, params), as_json)


def _decide(what: str, by: str | None, reason: str | None, project: "Project", as_json: bool) -> None:
    from evergreen.record.registry import people

    person = people.person(by, reason)
    from flows import rollout

    done = {"advance": rollout.advance, "hold": rollout.hold, "abort": rollout.abort}[what](project, person)
    _tell(project, done, as_json)


def _tell(project: "Project", done: "Rollout", as_json: bool) -> None:
    from cli import rollouts

    found: dict[str, Any] = rollouts.told(done)
    emit({"model": project.name, **found}, as_json, lambda: typer.echo(rollouts.line(found)))
