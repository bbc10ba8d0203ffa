"""The commands of `evergreen degree`."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import By, Env, Json, ParamsFile, Why, emit, opened
from evergreen.config.contract.decision import Degree

if TYPE_CHECKING:
    from flows.degrees import Standing

app = typer.Typer(
    no_args_is_help=True, help="Who decides on what the model says: people, or the model where it is sure."
)


@app.command("show")
def show(env: Env = "local", params: ParamsFile = "params.yaml", as_json: Json = False) -> None:
    """Say who decides now, how much of it the model does, how often that is wrong, and what the next degree asks.

    Example: [bold]evergreen degree show[/bold]
    """
    from flows import degrees

    _tell(degrees.standing(opened(env, params)), as_json)


@app.command("raise")
def lift(
    by: By = None, reason: Why = None, env: Env = "local", params: ParamsFile = "params.yaml", as_json: Json = False
) -> None:
    """Leave more to the model, by one degree, if the present one has met its bar. A bar that is missed is recorded.

    Example: [bold]evergreen degree raise --by "Ada Lovelace" --reason "a month of assist"[/bold]
    """
    from evergreen.record.registry import people
    from flows import degrees

    person = people.person(by, reason)
    _tell(degrees.lift(opened(env, params), person), as_json)


@app.command("lower")
def lower(
    degree: Annotated[Degree, typer.Argument(metavar="DEGREE", help="human, shadow, assist, partial or auto.")],
    by: By = None,
    reason: Why = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Leave more to people, which needs no evidence, or begin with a degree where none holds yet.

    Example: [bold]evergreen degree lower assist --by "Ada Lovelace" --reason "a new tariff since Monday"[/bold]
    """
    from evergreen.record.registry import people
    from flows import degrees

    person = people.person(by, reason)
    _tell(degrees.lower(opened(env, params), degree, person), as_json)


@app.command("renew")
def renew(
    by: By = None, reason: Why = None, env: Env = "local", params: ParamsFile = "params.yaml", as_json: Json = False
) -> None:
    """Choose the champion's threshold again, by the contract as it is now; who decides stays as it is.

    Example: [bold]evergreen degree renew --by "Ada Lovelace" --reason "1 % is promised now"[/bold]
    """
    from evergreen.record.registry import people
    from flows import degrees

    person = people.person(by, reason)
    _tell(degrees.renew(opened(env, params), person), as_json)


def _tell(found: "Standing", as_json: bool) -> None:
    from cli import degrees

    emit(found.model_dump(mode="json"), as_json, lambda: degrees.show(found))
