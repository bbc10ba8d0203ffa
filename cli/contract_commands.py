"""The commands of `evergreen contract`."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import Env, Json, Overrides, ParamsFile, emit

app = typer.Typer(no_args_is_help=True, help="Look at a contract: against its data, another one, or alone.")


@app.command("propose")
def propose(
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    write: Annotated[
        bool, typer.Option("--write", help="Put it beside the contract, as contract.proposed.yaml.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Profile the source again and print the contract with what the data breaks renewed; decisions of people stay.

    Example: [bold]evergreen contract propose --params configs/tumours/params.yaml --write[/bold]
    """
    from cli import contracts
    from evergreen.config.settings import Settings

    result, difference = contracts.propose(Settings.load(env), params, write=write)
    emit(result, as_json, lambda: contracts.show_proposal(result, difference))


@app.command("diff")
def diff(
    old: Annotated[Path, typer.Argument(metavar="A", help="A contract file.")],
    new: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Show what contract B says differently from contract A: columns added (+), dropped (-) and changed.

    Example: [bold]evergreen contract diff configs/tumours/contract.yaml configs/tumours/contract.proposed.yaml[/bold]
    """
    from cli import contracts, show

    difference = contracts.diff(old, new)
    emit(contracts.as_json(difference), as_json, lambda: contracts.show_difference(difference, show.console))


@app.command("check")
def check(
    env: Env = "local", params: ParamsFile = "params.yaml", overrides: Overrides = None, as_json: Json = False
) -> None:
    """Read the contract and the parameters, without data, and say what they declare; a fault is named with its line.

    Example: [bold]evergreen contract check --params configs/tumours/params.yaml[/bold]
    """
    from cli import contracts, show
    from evergreen.config.settings import Settings

    declared = contracts.check(Settings.load(env), params, overrides or ())
    emit(declared, as_json, lambda: show.summary("The contract holds together", declared))
