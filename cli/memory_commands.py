"""The commands that say what was: a version with its proof, in one file that anybody can check."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import EvergreenError, IntegrityError, printable

if TYPE_CHECKING:
    from evergreen.record.registry.verification import Verified


def register(app: typer.Typer) -> None:
    """Make these commands of `evergreen` itself."""
    app.command()(export)
    app.command()(verify)


def export(
    version: Annotated[int, typer.Argument(metavar="V", help="The version's number.", min=1)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; what is there is replaced.")],
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """Write a version with its proof into one file: the model, its verdict, and the rows that it rests on.

    Example: [bold]evergreen export 3 flights-3.evergreen[/bold]
    """
    import hashlib

    from cli import cards
    from evergreen.base.files import write_bytes
    from evergreen.project import Project
    from evergreen.record.registry import bundle
    from evergreen.record.registry.card import model_card

    project = Project.open(env, params)
    ledger = project.ledger()
    bundle.exportable(ledger, project.name, version)
    content = bundle.export(
        ledger,
        project.workspace,
        project.name,
        version,
        files=model_card.files(cards.card_of(project, version)),
        signing_key=project.settings.signing_key,
    )
    write_bytes(file, content)
    digest = hashlib.sha256(content).hexdigest()
    written = {"file": str(file), "version": version, "bytes": len(content), "digest": digest}
    emit(written, as_json, lambda: typer.echo(f"{file}: version {version}, {len(content):,} bytes\ndigest {digest}"))


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `evergreen export` wrote.")],
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="PUB.pem", help="A public key, or a folder of them, that must have signed it."),
    ] = None,
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="DIGEST", help="What the file's digest was said to be.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a version's proof offline: every byte, the verdict from its rows, and the model's answers.

    It asks no server and needs no project. What it finds is named; it ends with 7 if there is anything.

    Example: [bold]evergreen verify flights-3.evergreen --key team.pem[/bold]
    """
    from evergreen.record.registry import verification

    verified = verification.verify_file(file, key=key, digest=digest, scratch=_scratch())
    emit(verified.model_dump(mode="json"), as_json, lambda: _show(file, verified))
    if not verified.ok:
        raise typer.Exit(IntegrityError.exit_code)


def _scratch() -> Path | None:
    """Return a folder for what is unpacked: in the state of the project around here; None without one."""
    from evergreen.config.settings import Settings

    try:
        folder = Settings.load().home / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
    except (EvergreenError, OSError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _show(file: Path, verified: "Verified") -> None:
    what = f"version {verified.version} of '{verified.model}'" if verified.model else "no readable version"
    unchecked = "there, and not checked: name a key with --key" if verified.signed else "none"
    typer.echo(f"{printable(str(file))}: {what}")
    typer.echo(f"digest {verified.digest}")
    typer.echo(f"signature {f'of {verified.signed_by}' if verified.signed_by else unchecked}")
    for finding in verified.findings:
        typer.echo(f"  {finding.where}: {finding.what}")
    if verified.ok:
        typer.echo("ok: every byte is as it was written, and the verdict follows from the rows")
    else:
        typer.echo(f"not as it was written: {len(verified.findings)} findings")
