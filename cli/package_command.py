"""The command `evergreen package`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import Env, Json, ParamsFile, emit

Version = Annotated[
    int | None, typer.Argument(metavar="[V]", help="A version's number; the champion by default.", min=1)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where the container's folder is written.", file_okay=False)
]
Edge = Annotated[
    Path | None, typer.Option("--edge", metavar="DIR", help="Write a bundle for the edge there too.", file_okay=False)
]


def package(
    version: Version = None,
    out: Out = None,
    edge: Edge = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Check a version's bento, build it if it is gone, and write the folder that its container is built from.

    Example: [bold]evergreen package 3 --out build --edge edge[/bold], then docker build build.
    """
    from cli import packages
    from evergreen.project import Project

    handed_on = packages.hand_on(Project.open(env, params), version, out=out, edge_to=edge)
    emit(handed_on, as_json, lambda: tell(handed_on))


def tell(handed_on: dict[str, Any]) -> None:
    """Print what was written, and what to do with it."""
    typer.echo("{model} version {version}: bento {bento}".format(**handed_on))
    typer.echo("Build its container: docker build --tag {image} {context}".format(**handed_on))
    if bundle := handed_on["edge"]:
        typer.echo("For the edge: python {path}/predict.py rows.jsonl --digest {digest}".format(**bundle))
