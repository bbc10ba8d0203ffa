"""Small tables through the validation layers: rows as text or values, typed as ingest types them."""

import functools
import warnings
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from evergreen.adapters import expectations
from evergreen.config.contract.contract import Contract
from evergreen.data import validation
from evergreen.data.datasets import IngestedItem
from evergreen.data.typed.schema import conform, from_pandas
from evergreen.data.validation import ROW_CODES, RuleResult, Validation

TODAY = date(2024, 4, 1)


def contract_of(*columns: dict[str, Any], **about: Any) -> Contract:
    """Return a contract of `columns`, each a nullable feature `x` unless it says otherwise, beside a target."""
    declared = [{"name": "x", "role": "feature", "nullable": True, **column} for column in columns]
    if not any(column["role"] == "feature" for column in declared):
        declared.append({"name": "other", "type": "number", "role": "feature", "nullable": True})
    if not any(column["role"] == "target" for column in declared):
        declared.append({"name": "y", "type": "boolean", "role": "target", "nullable": True})
    source = {"kind": "file", "path": "rows.csv"}
    start = {"name": "rows", "description": "", "source": source, "timezone": "UTC", "label_delay_days": 0}
    return Contract.model_validate({**start, "columns": declared, **about})


@dataclass(frozen=True)
class Run:
    """What a run of the streaming layer found, with kept and bad rows."""

    validation: Validation
    kept: pa.Table
    bad: pa.Table
    typed: pa.Table

    def results(self, code: str) -> list[RuleResult]:
        return [rule for rule in self.validation.rules if rule.code == code]

    def result(self, code: str) -> RuleResult:
        (found,) = self.results(code)
        return found

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """How many rows break each rule on rows, where any does."""
        return {(r.code, r.column): r.n_bad for r in self.validation.rules if r.code in ROW_CODES and r.n_bad}


def typed(rows: dict[str, Any] | pd.DataFrame, contract: Contract) -> pa.RecordBatch:
    """Return rows with the contract's types; columns that are not given are null."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame({k: pd.Series(v) for k, v in rows.items()})
    missing = {c.name: pd.Series([None] * len(frame), dtype="object") for c in contract.stored if c.name not in frame}
    frame = frame.assign(**missing)
    return conform(from_pandas(frame, contract.stored), contract.stored, zone=contract.timezone)


def stream(
    rows: Any,
    contract: Contract,
    *,
    today: date | None = TODAY,
    items: tuple[IngestedItem, ...] = (),
    size: int = 1_000,
    partitions: tuple[str, ...] = ("all",),
) -> Run:
    """Run the streaming layer on rows, in batches of `size`, in turn in each of the partitions."""
    whole = rows if isinstance(rows, pa.RecordBatch) else typed(rows, contract)
    batches = [whole.slice(begin, size) for begin in range(0, whole.num_rows, size)]
    names = [partitions[min(n, len(partitions) - 1)] for n in range(len(batches))]

    def scan(columns: Any) -> Any:
        return ((name, batch.select(list(columns))) for name, batch in zip(names, batches, strict=True))

    repeats = [validation.repeats(rule, scan) for rule in validation.unique_rules(contract)]
    passing = validation.Stream(contract, items=items, repeats=repeats, today=today)
    source = items[0].sha256 if items else "rows.csv"
    judged = [passing.take(source, batch) for batch in batches]
    found = passing.validation()
    assert found.rows == found.kept + found.quarantined == whole.num_rows
    kept = pa.Table.from_batches([j.kept for j in judged], validation.valid_schema(contract.stored))
    names_stored = [column.name for column in contract.stored]
    bad = pa.Table.from_batches([j.bad for j in judged if j.bad], validation.quarantine_schema(names_stored))
    assert (kept.num_rows, bad.num_rows) == (found.kept, found.quarantined)
    return Run(found, kept, bad, pa.Table.from_batches([j.typed for j in judged], whole.schema))


def both(rows: Any, contract: Contract, **about: Any) -> Run:
    """Run both layers, which must agree, and return ours."""
    run = stream(rows, contract, **about)
    expectations.agree(asked(run, contract), run.validation)
    return run


@functools.cache
def load() -> None:
    """Import Great Expectations, whose modules Python has deprecated in part."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expectations.load()


def asked(run: Run, contract: Contract, own: Any = (), **about: Any) -> expectations.Expectations:
    """Return what Great Expectations says of the rows of a run."""
    load()
    layer = expectations.Layer(
        contract, own=own, today=run.validation.today, rows=run.validation.rows,
        read=lambda names: run.typed.select(list(names)), **about,
    )  # fmt: skip
    for batch in run.typed.to_batches():
        layer.add("all", batch.num_rows, batch)
    return layer.close()


def item(**about: Any) -> IngestedItem:
    """Return an item named rows.csv."""
    return IngestedItem.model_validate({"name": "rows.csv", "size": 1, "sha256": "ab" * 32, "rows": 4, **about})
