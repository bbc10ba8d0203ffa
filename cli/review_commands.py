"""The commands of `evergreen review`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import ConfigError, DataError, LostRace

app = typer.Typer(no_args_is_help=True, help="Rows that the model refers to people: see them, and answer them.")
Ordered = Annotated[
    Literal["oldest", "unsure"],
    typer.Option("--order", help="Oldest first, or those that the model is least sure of."),
]
Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Received then or later; ISO 8601, UTC.")]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Answer although somebody else has the row in hand, or it is answered.")
]


@app.command("list")
def rows(
    order: Ordered = "oldest",
    since: Since = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="So many rows; 20, in a file all.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write them to fill in, as .csv or .parquet."),
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show which rows wait for a person, or write them into a file to be filled in.

    Example: [bold]evergreen review list --csv monday.csv[/bold]
    """
    from cli import predictions, review
    from evergreen.project import Project

    most = limit if limit is not None or csv is not None else 20
    project = Project.open(env, params)
    result = review.listed(project, order=order, since=predictions.instant(since), limit=most, target=csv)
    emit(result, as_json, lambda: review.show_list(result))


@app.command("next")
def following(
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who takes it in hand.")],
    order: Ordered = "oldest",
    since: Since = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="ID", help="Not this one; may be repeated.")
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Take the next row in hand and show it; for 15 minutes nobody else is given it.

    Example: [bold]evergreen review next --by ann[/bold]
    """
    from cli import predictions, review
    from evergreen.project import Project

    project = Project.open(env, params)
    result = review.following(project, by=by, order=order, since=predictions.instant(since), skip=skip or ())
    emit(result, as_json, lambda: review.show_next(result, project.contract.target))


@app.command("answer")
def answer(
    prediction_id: Annotated[str | None, typer.Argument(metavar="ID", help="The prediction that is answered.")] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="VALUE", help="What is true, spelled as in the training data.")
    ] = None,
    decision: Annotated[
        str | None, typer.Option("--decision", metavar="WORD", help="What you decide without knowing what is true.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Instead: a filled file of `review list --csv`.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who answers; in a file, those without a name there.")
    ] = None,
    anyway: Anyway = False,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Answer a row, or the rows of a file; answers become labels and decisions in the prediction log.

    It ends with 6 where somebody else has the row in hand or answered it, and says who; of a file the other rows are
    kept.

    Example: [bold]evergreen review answer --file monday.csv --by ann[/bold]
    """
    from cli import review
    from evergreen.project import Project

    if (prediction_id is None) == (file is None) or (file is not None and (label or decision)):
        raise ConfigError(
            "LOG018",
            "it must be said which row is answered, and how: an ID with --label or --decision, or --file alone",
            where="command line",
            next_step="evergreen review answer ID --label VALUE --by NAME, or evergreen review answer --file FILE",
        )
    project = Project.open(env, params)
    if file is not None:
        told = review.many(project, file, by=by, anyway=anyway)
        emit(told, as_json, lambda: review.show_file(told))
        if told["held"]:
            raise typer.Exit(LostRace.exit_code)
        if told["refused"] and not told["taken"] and not told["known"]:
            raise typer.Exit(DataError.exit_code)
        return
    assert prediction_id is not None
    result = review.one(project, prediction_id, label=label, decision=decision, by=by or "", anyway=anyway)
    again = "It was kept before" if result["known"] else "Kept"
    emit(result, as_json, lambda: typer.echo(f"{again}: {prediction_id}"))
