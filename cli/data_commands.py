"""The commands of `evergreen data`."""

from typing import Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit

app = typer.Typer(no_args_is_help=True, help="Look at the dataset versions that were ingested.")


@app.command("ls")
def ls(env: Env = "local", params: ParamsFile = "params.yaml", as_json: Json = False) -> None:
    """List the dataset's versions, oldest first.

    Example: [bold]evergreen data ls --params configs/tumours/params.yaml[/bold]
    """
    from cli import data
    from evergreen.project import Project

    manifests = data.listed(Project.open(env, params))
    emit({"versions": [data.summary(manifest) for manifest in manifests]}, as_json, lambda: data.show_list(manifests))


@app.command("show")
def show(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The beginning of its digest.")] = "latest",
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show a version: its columns, its rows by month, and the files and queries that it came from.

    Example: [bold]evergreen data show 8781b16c[/bold]
    """
    from cli import data
    from evergreen.project import Project

    path, manifest = data.found(Project.open(env, params), version)
    result = {"path": path, **manifest.model_dump(mode="json"), **data.summary(manifest)}
    emit(result, as_json, lambda: data.show_version(path, manifest))


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The beginning of a version's digest.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another one.")] = "latest",
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show what changed from version A to version B: columns, files, and rows by month.

    Example: [bold]evergreen data diff 8781b16c latest[/bold]
    """
    from cli import data
    from evergreen.data import datasets
    from evergreen.project import Project

    project = Project.open(env, params)
    difference = datasets.diff(data.found(project, before)[1], data.found(project, after)[1])
    emit(difference.model_dump(mode="json"), as_json, lambda: data.show_difference(difference))
