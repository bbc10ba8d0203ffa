"""The command `evergreen card`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.options import Env, Json, ParamsFile, emit

Version = Annotated[int, typer.Argument(metavar="V", help="The number of a version.")]


def card(
    version: Version,
    annex_iv: Annotated[
        bool, typer.Option("--annex-iv", help="The evidence under the headings of Annex IV of the EU's AI Act.")
    ] = False,
    cyclonedx: Annotated[
        bool, typer.Option("--cyclonedx", help="A CycloneDX 1.6 bill of materials instead, as JSON.")
    ] = False,
    form: Annotated[
        Literal["markdown", "html"] | None, typer.Option("--format", help="Of the page; html where --out ends so.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead of stdout.")] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Show the card of a version: what it is, what it may be used for, and on what evidence it answers.

    Example: [bold]evergreen card 3 --format html --out card.html[/bold]
    """
    from cli import cards
    from evergreen.base.files import write_bytes
    from evergreen.project import Project

    kind = cards.kind(annex_iv=annex_iv, cyclonedx=cyclonedx, form=form, out=out)
    found = cards.card_of(Project.open(env, params), version)
    text = cards.rendered(found, kind)
    if out:
        write_bytes(out, text.encode())
    emit(found.model_dump(mode="json"), as_json, lambda: typer.echo(f"Written to {out}" if out else text, nl=bool(out)))
