"""The command `evergreen report`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit


def report(
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="A past time or date, ISO 8601, UTC unless it says so.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the page there; default status.html in the home."),
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Write one page that says how things stand: who answers, how well, what is known of it, and what to do.

    Examples: [bold]evergreen report[/bold], then open the file it names;
    [bold]evergreen report --at 2026-05-03 --out then.html[/bold]
    """
    from cli import standing
    from cli.show import console, escape
    from evergreen.project import Project

    project = Project.open(env, params)
    found = standing.with_review(project, standing.found(project, at))
    page = out or project.settings.home / standing.PAGE
    if out or not as_json:
        standing.write(found, page)

    def show() -> None:
        standing.show(found)
        console.print(f"Page: {escape(str(page))}", soft_wrap=True, highlight=False)

    emit(found.model_dump(mode="json"), as_json, show)
