"""The commands of `evergreen predictions`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import Unavailable

app = typer.Typer(no_args_is_help=True, help="Look after the prediction log: what was answered, and what came back.")
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Received then or later; ISO 8601, UTC.")]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Received before then.")]


@app.command("roll")
def roll(
    days: Annotated[
        int | None, typer.Option("--days", min=1, help="Keep so many days; the setting prediction_days if left out.")
    ] = None,
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Bring closed segments into the Parquet table, and take out what is older than is kept.

    Example: [bold]evergreen predictions roll --days 365[/bold]
    """
    from cli import predictions
    from evergreen.config.settings import Settings
    from flows import upkeep

    result = upkeep.roll(Settings.load(env), days=days)
    emit(result, as_json, lambda: predictions.show(result, "Rolled"))


@app.command("show")
def show(
    prediction_id: Annotated[str | None, typer.Argument(metavar="ID", help="A prediction's id.")] = None,
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Show a prediction with what came back about it; or, without an id, how many there are of which day.

    Example: [bold]evergreen predictions show[/bold]
    """
    from cli import predictions
    from evergreen.config.settings import Settings

    result = predictions.found(Settings.load(env), prediction_id)
    emit(result, as_json, lambda: predictions.show(result, prediction_id or "Prediction log"))


@app.command("forget")
def forget(
    key: Annotated[
        list[str], typer.Option("--key", metavar="COL=VALUE", help="Whom to forget; repeat it for several columns.")
    ],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Take a subject out of the log, and name the model versions that learned from it.

    It ends with 5 while rows of it stand in a segment that a service still writes: run it again after the hour.

    Example: [bold]evergreen predictions forget --key patient=4711[/bold]
    """
    from cli import predictions
    from evergreen.project import Project

    result = predictions.forget(Project.open(env, params), key)
    emit(result, as_json, lambda: predictions.show(result, "Forgotten"))
    if result["waiting"]:
        raise typer.Exit(Unavailable.exit_code)


@app.command("import")
def take(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The log of an edge bundle.")],
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Bring the log of an edge bundle into this one; again brings only what is new.

    Example: [bold]evergreen predictions import /media/edge-7/predictions[/bold]
    """
    from cli import predictions
    from evergreen.config.settings import Settings
    from evergreen.record.predictions import importing

    result = importing.take(Settings.load(env).predictions, folder).model_dump()
    emit(result, as_json, lambda: predictions.show(result, "Imported"))


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .parquet or .csv file; what is there is replaced.")],
    since: Since = None,
    until: Until = None,
    env: Env = "local",
    as_json: Json = False,
) -> None:
    """Write predictions, each with what came back about it and counts, into one file.

    Example: [bold]evergreen predictions export may.parquet --since 2026-05-01 --until 2026-06-01[/bold]
    """
    from cli import predictions
    from evergreen.config.settings import Settings

    bounds = {"since": predictions.instant(since), "until": predictions.instant(until)}
    result = predictions.export(Settings.load(env), file, **bounds)
    emit(result, as_json, lambda: predictions.show(result, "Exported"))
