"""The commands of `evergreen labels`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import ConfigError, DataError

app = typer.Typer(no_args_is_help=True, help="What came true: bring labels in, and ask for some.")


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, JSON lines or Parquet.")],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Bring labels from a file into the prediction log; the same file again brings nothing.

    Columns: prediction_id or the contract's key, and the target; known_at, by and label_propensity if there are any.
    Rows that cannot be taken are set aside with their reasons. It ends with 3 if there are such rows and no others.

    Example: [bold]evergreen labels add claims.csv[/bold]
    """
    from cli import labels
    from evergreen.project import Project
    from flows import upkeep

    added = upkeep.add_labels(Project.open(env, params), file)
    emit(added.model_dump(mode="json"), as_json, lambda: labels.show(added))
    if added.refused and not added.taken and not added.known:
        raise typer.Exit(DataError.exit_code)


@app.command("ask")
def ask(
    file: Annotated[Path, typer.Argument(metavar="OUT", help="A .csv or .parquet file that is not there yet.")],
    share: Annotated[float, typer.Option("--share", metavar="SHARE", help="Of all predictions; above 0, 1 at most.")],
    window: Annotated[
        str | None, typer.Option("--window", metavar="PERIOD", help="Of events then: YYYY-MM, or FROM..TO, without TO.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Of events then or later; UTC.")] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Choose predictions at random and write a file to fill their labels in; asking again chooses the same ones.

    Example: [bold]evergreen labels ask --share 0.02 --window 2026-05 may.csv[/bold]
    """
    from cli import labels, predictions
    from evergreen.project import Project

    if not 0 < share <= 1 or (window and since):
        raise ConfigError(
            "LOG013",
            "--window and --since exclude each other" if window and since else f"a share of {share} of all predictions",
            where="command line",
            next_step="Name a share above 0 and at most 1, such as 0.02, and a month or a time or neither.",
        )
    project = Project.open(env, params)
    start, end = labels.events_of(project, window) if window else (predictions.instant(since), None)
    result = labels.ask(project, file, share=share, start=start, end=end)
    emit(result, as_json, lambda: labels.show_asked(result))
