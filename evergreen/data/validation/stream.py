"""One pass over batches of typed rows: every rule on every row, the kept and the bad apart, and counts of both."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data import datasets
from evergreen.data.datasets import IngestedItem
from evergreen.data.typed.schema import ARROW, ROW, UNREADABLE, WHOLE_ROW
from evergreen.data.validation.keys import Repeats, repeats, unique_rules
from evergreen.data.validation.results import SAMPLES, Example, RuleResult, Validation, judged, shown
from evergreen.data.validation.rules import RowRule, row_rules
from evergreen.data.validation.tables import ColumnMeasures, Table

BATCH_ROWS = 32_768  # at a time: more take more memory and are no faster
SOURCE, NUMBER, CODES, RAW = "source", "row", "codes", "unreadable"  # what a row in quarantine has beside its values


@dataclass
class RuleTally:
    """How often a rule was asked and broken, and the first rows that break it."""

    rule: RowRule
    looked: int = 0
    n_bad: int = 0
    samples: list[Example] = field(default_factory=list)

    def note(self, item: str, batch: pa.RecordBatch, bad: pa.Array) -> None:
        """Count the rows of `batch` in which `bad` is true."""
        self.n_bad += bad.true_count
        if len(self.samples) < SAMPLES:
            for index in pc.indices_nonzero(bad)[: SAMPLES - len(self.samples)].to_pylist():
                values = [batch.column(name)[index].as_py() for name in self.rule.needs]
                self.add(item, batch.column(ROW)[index].as_py(), ", ".join(map(str, values)))

    def add(self, item: str, row: int, value: str) -> None:
        if len(self.samples) < SAMPLES:
            self.samples.append(Example(item=item, row=row, value=shown(value)))

    def result(self) -> RuleResult:
        rule = self.rule
        about = {"code": rule.code, "column": rule.column, "rule": rule.text, "severity": rule.severity}
        if not self.looked:
            return RuleResult(**about, outcome="not applicable", why="no row has a value there")
        return RuleResult(
            **about, outcome=judged(rule.severity, self.n_bad > 0), n_bad=self.n_bad, rows=self.looked,
            samples=tuple(self.samples),
        )  # fmt: skip


@dataclass(frozen=True)
class SiftedBatch:
    """A batch, judged. `typed`: the rows that could be read. `kept`: those that no rule sets aside. `bad`: the others,
    as text, with their codes; None when there are none. `codes`: by the row's place in the batch, of bad rows only.
    """

    typed: pa.RecordBatch
    kept: pa.RecordBatch
    bad: pa.RecordBatch | None = None
    codes: Mapping[int, str] = field(default_factory=dict)


class Pass:
    """Judges batches in the order of the scan that found `repeats`. `names`: of source items, by their digest."""

    def __init__(
        self, columns: Sequence[Column], rules: Sequence[RowRule], *, repeats: Sequence[Repeats] = (),
        names: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._columns = [column.name for column in columns]
        self._names = names or {}
        self._types = {
            c.name: RuleTally(RowRule("DQ002", c.name, f"of type {c.type}", "fail", (), _never)) for c in columns
        }
        self._whole = RuleTally(RowRule("DQ013", "", "readable", "fail", (), _never))
        self._row_tallies = [RuleTally(rule) for rule in rules]
        self._repeats = [(repeated, RuleTally(_as_rule(repeated), looked=repeated.looked)) for repeated in repeats]
        self._rows = self._kept = self._unreadable = 0

    @property
    def rows(self) -> int:
        return self._rows

    def named(self, source: str) -> str:
        """Return the name of a source item."""
        return self._names.get(source, source)

    def take(self, source: str, batch: pa.RecordBatch) -> SiftedBatch:
        """Judge the rows of a batch of one source item."""
        item = self.named(source)
        unreadable = batch.column(UNREADABLE)
        codes: dict[int, list[str]] = {}
        places: npt.NDArray[np.int64] | None = None  # of the typed rows in the batch, where some are not
        typed = batch
        if unreadable.null_count < batch.num_rows:
            codes = self._note_unreadable(item, batch)
            places = pc.indices_nonzero(unreadable.is_null()).to_numpy().astype(np.int64)
            typed = batch.filter(unreadable.is_null())
        for tally in (*self._types.values(), self._whole):
            tally.looked += batch.num_rows
        for code, bad in self._broken(item, typed, places, batch.num_rows):
            for index in pc.indices_nonzero(bad).to_numpy():
                codes.setdefault(int(index if places is None else places[index]), []).append(code)
        self._rows += batch.num_rows
        self._kept += batch.num_rows - len(codes)
        if not codes:
            return SiftedBatch(typed, typed.select(self._columns))
        is_bad = np.zeros(batch.num_rows, dtype=bool)
        is_bad[list(codes)] = True
        spelled = {place: " ".join(sorted(set(codes[place]))) for place in sorted(codes)}
        return SiftedBatch(
            typed=typed,
            kept=batch.filter(pa.array(~is_bad)).select(self._columns),
            bad=self._set_aside(item, batch.filter(pa.array(is_bad)), list(spelled.values())),
            codes=spelled,
        )

    def _broken(
        self, item: str, typed: pa.RecordBatch, places: npt.NDArray[np.int64] | None, n: int
    ) -> list[tuple[str, pa.Array]]:
        broken = []
        for tally in self._row_tallies:
            looked, bad = tally.rule.find(typed)
            tally.looked += looked
            if bad is not None:
                tally.note(item, typed, bad)
                broken.append((tally.rule, bad))
        for repeated, tally in self._repeats:
            first, last = np.searchsorted(repeated.positions, [self._rows, self._rows + n])
            if first < last:
                at = repeated.positions[first:last] - self._rows
                mask = np.zeros(typed.num_rows, dtype=bool)
                mask[at if places is None else np.searchsorted(places, at)] = True
                bad = pa.array(mask)
                tally.note(item, typed, bad)
                broken.append((tally.rule, bad))
        return [(rule.code, bad) for rule, bad in broken if rule.severity == "fail"]

    def _note_unreadable(self, item: str, batch: pa.RecordBatch) -> dict[int, list[str]]:
        codes: dict[int, list[str]] = {}
        column = batch.column(UNREADABLE)
        for index in pc.indices_nonzero(column.is_valid()).to_pylist():
            row, texts = batch.column(ROW)[index].as_py(), json.loads(column[index].as_py())
            self._unreadable += 1
            tallies = [self._whole] if WHOLE_ROW in texts else [self._types[n] for n in texts if n in self._types]
            for tally in tallies:
                tally.n_bad += 1
                tally.add(item, row, texts[tally.rule.column or WHOLE_ROW])
            codes[index] = sorted({tally.rule.code for tally in tallies}) or ["DQ002"]
        return codes

    def _set_aside(self, item: str, bad: pa.RecordBatch, codes: list[str]) -> pa.RecordBatch:
        """Return bad rows as text; what could not be read stands where it came."""
        texts = [json.loads(text) if text else {} for text in bad.column(UNREADABLE).to_pylist()]
        spelled = []
        for name in self._columns:
            values = bad.column(name).cast(pa.string())
            if any(name in note for note in texts):
                raw = pa.array([note.get(name) for note in texts], pa.string())
                values = pc.coalesce(raw, values)
            spelled.append(values)
        about = [
            pa.array([item] * len(codes), pa.string()),
            bad.column(ROW),
            pa.array(codes, pa.string()),
            pa.array([note.get(WHOLE_ROW) for note in texts], pa.string()),
        ]
        return pa.RecordBatch.from_arrays([*spelled, *about], schema=quarantine_schema(self._columns))

    def results(self) -> list[RuleResult]:
        """Return the results of the rules on rows, by column in the order of the contract."""
        tallies = [*self._types.values(), self._whole, *self._row_tallies, *(tally for _, tally in self._repeats)]
        return [tally.result() for tally in tallies]

    def validation(self, rules: Sequence[RuleResult], *, table: Table | None = None) -> Validation:
        """Return what was found, with `rules` as results."""
        return Validation(
            rows=self._rows,
            kept=self._kept,
            quarantined=self._rows - self._kept,
            unreadable=self._unreadable,
            rules=tuple(rules),
            last_time=table.last if table else None,
            today=table.today if table else None,
        )


class Stream:
    """Judges a dataset by its contract, batch by batch, and then the table as a whole."""

    def __init__(
        self, contract: Contract, *, items: Sequence[IngestedItem], repeats: Sequence[Repeats], today: date | None
    ) -> None:
        names = {item.sha256: item.name for item in items}
        rules = row_rules(contract, today=today)
        self._pass = Pass(contract.stored, rules, repeats=repeats, names=names)
        self._table = Table(contract, items, today, measured=[ColumnMeasures(column) for column in contract.stored])

    @classmethod
    def of_dataset(cls, contract: Contract, path: Path, ref: DatasetRef, *, today: date | None) -> "Stream":
        """Return the stream for a dataset version in the folder `path`, which is read once for values that repeat.

        Raises
        ------
        IntegrityError if the version is not whole.
        """
        scan = partial(datasets.scan, path, ref, max_rows=BATCH_ROWS)
        return cls(
            contract,
            repeats=[repeats(rule, scan) for rule in unique_rules(contract)],
            items=datasets.read_manifest(path, ref.sha256).items,
            today=today,
        )

    def take(self, source: str, batch: pa.RecordBatch) -> SiftedBatch:
        """Judge the rows of a batch of the source item with this digest."""
        judged_rows = self._pass.take(source, batch)
        typed, item = judged_rows.typed, self._pass.named(source)
        for measured in self._table.measured:
            measured.take(typed.column(measured.column.name), item, typed.column(ROW))
        if self._table.contract.time:
            newest = pc.max(judged_rows.kept.column(self._table.contract.time)).as_py()
            if newest is not None and (self._table.last is None or newest > self._table.last):
                self._table.last = newest
        return judged_rows

    def validation(self) -> Validation:
        """Judge the columns and the table, and return all that was found."""
        self._table.rows = self._pass.rows
        return self._pass.validation([*self._pass.results(), *self._table.results()], table=self._table)


def valid_schema(columns: Sequence[Column]) -> pa.Schema:
    """Return the schema of kept rows."""
    return pa.schema([(column.name, ARROW[column.type]) for column in columns])


def quarantine_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema of rows in quarantine: values as text, where they came from, and why they are there.

    Where the table has a column of the same name, what is added is named with an underscore before it.
    """
    values = [(name, pa.string()) for name in names]
    about = [(SOURCE, pa.string()), (NUMBER, pa.int64()), (CODES, pa.string()), (RAW, pa.string())]
    return pa.schema([*values, *((f"_{name}" if name in names else name, kind) for name, kind in about)])


def _as_rule(repeated: Repeats) -> RowRule:
    rule = repeated.rule
    return RowRule(rule.code, ", ".join(rule.columns), "unique", rule.severity, rule.columns, _never)


def _never(_: pa.RecordBatch) -> tuple[int, None]:
    return 0, None
