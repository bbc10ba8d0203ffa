"""Values that must not repeat: which rows share theirs with another, in memory of eight bytes a row."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Severity
from evergreen.config.contract.contract import Contract
from evergreen.data.datasets import row_hashes
from evergreen.data.typed.schema import UNREADABLE, to_pandas
from evergreen.data.validation.rules import severity_of

# Batches of the asked columns with the partition that they lie in, the same in the same order each time.
Scan = Callable[[Sequence[str]], Iterable[tuple[str, pa.RecordBatch]]]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class UniqueRule:
    """Columns whose values, together, name a row. `parted`: rows that repeat each other lie in one partition."""

    code: str
    columns: tuple[str, ...]
    severity: Severity
    parted: bool


@dataclass(frozen=True)
class Repeats:
    """Which rows break a rule: `positions` in the scan, ascending. `looked`: the rows that have any value there."""

    rule: UniqueRule
    looked: int = 0
    positions: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def unique_rules(contract: Contract) -> list[UniqueRule]:
    """Return the table's key and the columns that are declared unique."""
    rules = [
        UniqueRule("DQ010", (c.name,), severity_of("DQ010", c), c.name == contract.time)
        for c in contract.stored
        if c.unique
    ]
    if contract.key:
        severity = contract.severity.get("DQ006", "fail")
        rules.append(UniqueRule("DQ006", contract.key, severity, contract.time in contract.key))
    return rules


def repeats(rule: UniqueRule, scan: Scan) -> Repeats:
    """Return the rows that repeat another's values: every copy of them, for which one is true is not known here.

    Hashes are sorted first, eight bytes a row, of one partition at a time where that is enough. Only rows whose hash
    is there twice are looked at again, by their values: two values of one hash are no repetition. A row without any
    value repeats none, and one with an unreadable value is not asked.
    """
    looked = 0

    def of_one(batches: Iterable[tuple[str, pa.RecordBatch]]) -> npt.NDArray[np.uint64]:
        nonlocal looked
        hashes = [row_hashes(batch, rule.columns)[_asked(batch, rule.columns)] for _, batch in batches]
        looked += sum(map(len, hashes))
        return _twice(hashes)

    candidates = [of_one(batches) for batches in _groups(scan(_needed(rule)), parted=rule.parted)]
    wanted = np.unique(np.concatenate(candidates)) if candidates else np.empty(0, dtype=np.uint64)
    return Repeats(rule, looked, _confirmed(rule, scan, wanted) if len(wanted) else Repeats(rule).positions)


def _needed(rule: UniqueRule) -> list[str]:
    return [*rule.columns, UNREADABLE]


def _groups(
    batches: Iterable[tuple[str, pa.RecordBatch]], *, parted: bool
) -> Iterator[Iterable[tuple[str, pa.RecordBatch]]]:
    if parted:
        yield from (group for _, group in groupby(batches, key=lambda pair: pair[0]))
    else:
        yield batches


def _asked(batch: pa.RecordBatch, names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which rows are readable and have a value in any of the columns."""
    asked: npt.NDArray[np.bool_] = batch.column(UNREADABLE).is_null().to_numpy(zero_copy_only=False)
    if all(batch.column(name).null_count for name in names):
        has_value = [batch.column(name).is_valid().to_numpy(zero_copy_only=False) for name in names]
        asked = asked & np.logical_or.reduce(has_value)
    return asked


def _twice(hashes: list[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Return the hashes that are there more than once; the list is emptied to make room."""
    together = np.empty(sum(map(len, hashes)), dtype=np.uint64)
    end = len(together)
    while hashes:
        last = hashes.pop()
        together[end - len(last) : end] = last
        end -= len(last)
    together.sort()
    again = together[1:][together[1:] == together[:-1]]
    repeated: npt.NDArray[np.uint64] = again[np.append(True, again[1:] != again[:-1])[: len(again)]]
    return repeated


def _confirmed(rule: UniqueRule, scan: Scan, wanted: npt.NDArray[np.uint64]) -> Positions:
    """Return the positions of the rows whose hash is wanted and whose values are there more than once."""
    frames: list[pd.DataFrame] = []
    positions: list[Positions] = []
    begin = 0
    for _, batch in scan(_needed(rule)):
        hashes = row_hashes(batch, rule.columns)
        nearest = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
        indices = np.flatnonzero((wanted[nearest] == hashes) & _asked(batch, rule.columns))
        if len(indices):
            frames.append(to_pandas(pc.take(batch.select(list(rule.columns)), pa.array(indices))))
            positions.append(indices.astype(np.int64) + begin)
        begin += batch.num_rows
    repeated: npt.NDArray[np.bool_] = pd.concat(frames, ignore_index=True).duplicated(keep=False).to_numpy()
    together: Positions = np.concatenate(positions)
    return together[repeated]
