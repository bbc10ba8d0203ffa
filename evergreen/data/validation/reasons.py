"""Rows judged one by one, for whoever has to tell each of them why it is refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import UNREADABLE, WHOLE_ROW
from evergreen.data.validation.rules import RowRule, column_rules

LONGEST_VALUE, LONGEST_RULE = 80, 200  # characters that a reason shows


@dataclass(frozen=True)
class Judged:
    """What was said of n rows, in their order.

    `keeps`: whether a row breaks no rule whose severity is fail. `codes` and `why`: of those that do, the codes of the
    rules, apart by spaces, and a reason for each, apart by semicolons; of others empty texts.
    """

    keeps: pa.Array
    codes: pa.Array
    why: pa.Array


@dataclass
class _Found:
    """The rules that some of the rows break: where each code is broken, and the reasons with where they hold."""

    n_rows: int
    codes: dict[str, pa.Array] = field(default_factory=dict)
    reasons: list[tuple[pa.Array, pa.Array]] = field(default_factory=list)

    def add(self, code: str, bad: pa.Array, reasons: pa.Array) -> None:
        before = self.codes.get(code)
        self.codes[code] = bad if before is None else pc.or_(before, bad)
        self.reasons.append((bad, reasons))


class RowJudge:
    """Applies the rules on single values of columns that rows are refused by, as `check` does.

    Types come first: of a row with a value of another type no other rule is asked.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._types = {column.name: _kind(column) for column in columns}
        self._rules = [rule for rule in column_rules(columns) if rule.severity == "fail"]

    def judge(self, typed: pa.RecordBatch) -> Judged:
        """Judge rows that `conform` has typed."""
        found = _Found(typed.num_rows)
        unreadable = typed.column(UNREADABLE)
        readable = unreadable.is_null() if unreadable.null_count < typed.num_rows else None
        if readable is not None:
            self._note_unreadable(unreadable, found)
        for rule in self._rules:
            _, bad = rule.find(typed)
            if bad is not None and readable is not None:
                bad = pc.and_(bad, readable)
            if bad is not None and bad.true_count:
                found.add(rule.code, bad, _reasons(rule, typed))
        return _judged(found)

    def _note_unreadable(self, unreadable: pa.Array, found: _Found) -> None:
        notes = [json.loads(text) if text else {} for text in unreadable.to_pylist()]
        for name in (WHOLE_ROW, *self._types):
            raw = pa.array([note.get(name) for note in notes], pa.string())
            if raw.null_count == len(raw):
                continue
            shown = pc.fill_null(pc.utf8_slice_codeunits(raw, 0, LONGEST_VALUE), "")
            if name == WHOLE_ROW:
                found.add("DQ013", raw.is_valid(), _joined("the row cannot be read: ", shown, ""))
            else:
                found.add("DQ002", raw.is_valid(), _joined(f"{name}: ", shown, f" is not of type {self._types[name]}"))


def _reasons(rule: RowRule, typed: pa.RecordBatch) -> pa.Array:
    if rule.code == "DQ003":
        return pa.scalar(f"{rule.column}: it is missing", pa.string())
    text = rule.text if len(rule.text) <= LONGEST_RULE else f"{rule.text[:LONGEST_RULE]}…"
    values = pc.utf8_slice_codeunits(typed.column(rule.column).cast(pa.string()), 0, LONGEST_VALUE)
    return pc.fill_null(_joined(f"{rule.column}: ", values, f" is not {text}"), "")


def _kind(column: Column) -> str:
    """Return the type of a column, and how its texts are spelled where they are in a way of their own."""
    if isinstance(column.spelling, NumberSpelling):
        return f"{column.type}, spelled like {column.spelling.of('12.5' if column.type == 'number' else '12')}"
    if column.spelling is not None:
        spelled = column.spelling if isinstance(column.spelling, str) else " or ".join(column.spelling)
        return f"{column.type}, spelled as {spelled}"
    return f"{column.type}, told by {', '.join(column.parts)}" if column.parts else column.type


def _joined(before: str, values: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(before, values, after, "")


def _judged(found: _Found) -> Judged:
    if not found.codes:
        empty = pa.repeat(pa.scalar("", pa.string()), found.n_rows)
        return Judged(keeps=pa.repeat(pa.scalar(True), found.n_rows), codes=empty, why=empty)
    ordered = sorted(found.codes.items())
    codes = _listed([(bad, pa.scalar(code)) for code, bad in ordered], " ")
    return Judged(keeps=pc.equal(codes, ""), codes=codes, why=_listed(found.reasons, "; "))


def _listed(parts: list[tuple[pa.Array, pa.Array]], between: str) -> pa.Array:
    """Return for each row the texts of the parts that are true there, one after the other."""
    # Not with null_handling="skip": Arrow 25 leaves a row out then if all of its texts are null.
    texts = [pc.if_else(there, _joined("", text, between), "") for there, text in parts]
    return pc.utf8_slice_codeunits(pc.binary_join_element_wise(*texts, ""), 0, -len(between))
