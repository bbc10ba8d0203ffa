"""`evergreen contract`: look at the data again, compare two contracts, or only read one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from cli.init import about_source, look
from cli.show import escape
from evergreen.base.files import write_bytes
from evergreen.config import consistency
from evergreen.config.contract.contract import Contract, Declared
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.proposal import drafts
from evergreen.proposal.revision import ContractDifference, compare, revise

PROPOSED = "contract.proposed.yaml"


def declared(settings: Settings, params_file: str, overrides: Sequence[str] = ()) -> tuple[Path, Contract, Params]:
    """Return the contract that a parameters file names, where it lies, and the parameters."""
    params = Params.load(settings.project / params_file, overrides)
    path = settings.project / "configs" / params.dataset / "contract.yaml"
    return path, Declared.read(path), params


def propose(settings: Settings, params_file: str, *, write: bool) -> tuple[dict[str, Any], ContractDifference]:
    """Return what a contract would be for the data as it is now, its text included, and how it differs."""
    path, contract, _ = declared(settings, params_file)
    table, is_typed = look(
        contract.source, settings, key=contract.key, missing=contract.missing, declared=contract.columns
    )
    revision = revise(contract, table, now=datetime.now(UTC), is_typed=is_typed)
    text = drafts.contract_text(revision.contract, revision.notes)
    target = path.with_name(PROPOSED)
    if write:
        write_bytes(target, text.encode())
    difference = compare(contract, revision.contract)
    return {
        "contract": str(path.relative_to(settings.project)),
        "proposed": str(target.relative_to(settings.project)) if write else None,
        "rows": table.rows + table.unreadable,
        "review": list(about_source(contract.source, table, contract.missing)),
        "difference": as_json(difference),
        "text": text,
    }, difference


def diff(old: Path, new: Path) -> ContractDifference:
    """Return how one contract file differs from another."""
    return compare(Declared.read(old), Declared.read(new))


def as_json(difference: ContractDifference) -> dict[str, Any]:
    """Return a difference as one JSON object; a changed field is the pair of its old and new value."""
    return {
        "added": list(difference.added),
        "dropped": list(difference.dropped),
        "changed": {name: {k: list(v) for k, v in fields.items()} for name, fields in difference.changed.items()},
        "table": {name: list(pair) for name, pair in difference.table.items()},
    }


def check(settings: Settings, params_file: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return what a contract declares; raises ConfigError with the line if it or the parameters do not hold."""
    path, contract, params = declared(settings, params_file, overrides)
    consistency.check(params, contract)
    return {
        "contract": str(path.relative_to(settings.project)),
        "params": params_file,
        "name": contract.name,
        "task": contract.task,
        "target": contract.target,
        "time": contract.time,
        "key": list(contract.key),
        "columns": len(contract.columns),
        "features": len(contract.features),
        "rules": _n_rules(contract),
    }


def _n_rules(contract: Contract) -> int:
    """Return how many rules are declared besides the types, which every column has."""
    rules = ("min", "max", "categories", "unique", "pattern", "max_null_share", "mean", "physical")
    of_columns = sum(
        sum(getattr(c, name) not in (None, False) for name in rules) + (not c.nullable) for c in contract.columns
    )
    table = (contract.key, contract.rows, contract.freshness_days, contract.time_order, contract.max_overlap)
    n_table = sum(value not in (None, False, ()) for value in table) + (contract.future_days is not None)
    return of_columns + n_table + len(contract.rules)


def show_proposal(result: dict[str, Any], difference: ContractDifference) -> None:
    """Print the proposed contract, or where it was written, and on stderr what it says differently."""
    typer.echo(f"Wrote {result['proposed']}" if result["proposed"] else result["text"])
    show_difference(difference, Console(stderr=True))


def show_difference(difference: ContractDifference, console: Console) -> None:
    """Print a difference, one line a change."""
    if difference.is_empty:
        console.print("The two contracts say the same.")
    for name, (old, new) in difference.table.items():
        console.print(escape(f"{name}: {_shown(old)} -> {_shown(new)}"), soft_wrap=True)
    for name in difference.added:
        console.print(f"[green]+ {escape(name)}[/]")
    for name in difference.dropped:
        console.print(f"[red]- {escape(name)}[/]")
    for name, fields in difference.changed.items():
        for field, (old, new) in fields.items():
            console.print(escape(f"  {name}.{field}: {_shown(old)} -> {_shown(new)}"), soft_wrap=True)


def _shown(value: Any) -> str:
    return "not given" if value is None else str(value)
