"""What one column of an unseen table holds, taken in batch by batch, in memory that rows do not add to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.data.typed.numbers import NUMBER
from evergreen.data.typed.times import OFFSET, TIME
from evergreen.data.typed.values import as_read
from evergreen.proposal.sketches import Distinct, Moments, counted, hashes_of_numbers, hashes_of_texts
from evergreen.proposal.spellings.told import Told

Array = np.ndarray[Any, Any]
MOST_COUNTED = 1_000
MOST_STRAYS = 50
FIRST_TRIED = 50
UTC = pa.timestamp("us", "UTC")
STARTS_AS_DATE = r"^\s*\d{4}-\d\d"
DIGITS = r"^[+-]?\d+$"
LEADING_ZERO = r"^[+-]?0\d"
EXACT = 2.0**53
BEYOND_INT64 = 2.0**63


@dataclass
class ColumnProfile:
    """What one column holds. Numbers of values, unless it says otherwise; `present` of them are not null.

    `numbers`, `whole`, `times`: those that read as a number, as one written in digits alone, and as a time in ISO 8601;
    `with_offset`: times that say their offset from UTC. `huge`: whole numbers beyond int64. `counts`: of
    each value as text, None once there are more than `MOST_COUNTED`. `strays`: a few values that are of another kind
    than most around them. `rising`: every value is a number above the one before it. `illegible`: values, not among
    those present, that no declared type holds, such as bytes that are no text. `physical`: the type in a typed source,
    and `plain` the one that it is read as; None for text. `told`: how the texts are to be read; if that was done,
    `as_came` holds what they were before.
    """

    name: str
    physical: pa.DataType | None = None
    plain: pa.DataType | None = None
    nulls: int = 0
    present: int = 0
    numbers: int = 0
    whole: int = 0
    huge: int = 0
    infinite: int = 0
    leading_zeros: int = 0
    times: int = 0
    with_offset: int = 0
    spaced: int = 0
    illegible: int = 0
    rising: bool = True
    last: float = -np.inf
    counts: dict[str, int] | None = field(default_factory=dict)
    strays: dict[str, int] = field(default_factory=dict)
    range: Moments = field(default_factory=Moments)
    instants: Moments = field(default_factory=Moments)
    lengths: Moments = field(default_factory=Moments)
    distinct: Distinct = field(default_factory=Distinct)
    told: Told | None = None
    as_came: "ColumnProfile | None" = None

    @property
    def rows(self) -> int:
        return self.present + self.nulls + self.illegible

    @property
    def null_share(self) -> float:
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def is_text(self) -> bool:
        """Whether its values are texts, of whatever type these are in the source."""
        return self.plain is None or pa.types.is_string(self.plain)

    def add(self, values: pa.Array, read: pa.Array | None = None) -> None:
        """Take in the next values of the column; `read` are they as `as_read` gives them, where that was done."""
        came, missing = values.type, values.null_count
        values = as_read(values) if read is None else read
        kind = values.type
        if not (pa.types.is_string(came) or pa.types.is_large_string(came) or pa.types.is_null(came)):
            self.physical, self.plain = came, kind
        self.illegible += values.null_count - missing
        self.nulls -= values.null_count - missing
        if pa.types.is_floating(kind):
            values = pc.if_else(pc.fill_null(pc.is_nan(values), True), pa.scalar(None, kind), values)
        self.nulls += values.null_count
        values = values.drop_null()
        self.present += len(values)
        if len(values) == 0:
            return
        if pa.types.is_string(kind):
            self._add_texts(values)
        elif pa.types.is_timestamp(kind):
            self._add_times(values.cast(pa.timestamp("us", kind.tz), safe=False))
        elif pa.types.is_boolean(kind):
            self.rising = False
            self._count(*counted(values.cast(pa.string())))
        else:
            self._add_numbers(values.to_numpy(zero_copy_only=False))
            if self.counts is not None:
                different, counts = counted(values)
                self._tally(_spelled(different) if len(different) <= MOST_COUNTED else None, counts)

    def _add_texts(self, texts: pa.Array) -> None:
        counts: Array | None = None
        if self.counts is not None or self.distinct.n < self.rows // 8:
            different, counts = counted(texts)
            self._tally(different.to_pylist() if len(different) <= MOST_COUNTED else None, counts)
            if len(different) * 4 < len(texts):
                texts, self.rising = different, False
            else:
                counts = None
        parsed = _all_numbers(texts)
        if parsed is not None:
            self._add_numbers(parsed, counts, texts)
        elif not self._add_all_times(texts, counts):
            self._add_mixed(texts, counts)

    def _add_mixed(self, texts: pa.Array, counts: Array | None) -> None:
        """Take in texts of which some are neither numbers nor times."""
        weights = np.ones(len(texts), np.int64) if counts is None else counts
        self.rising = False
        if (broken := pc.match_substring(texts, "\0")).true_count:
            n = _weighed(broken, weights)
            self.illegible, self.present = self.illegible + n, self.present - n
            weights, texts = weights[pc.invert(broken).to_numpy(zero_copy_only=False)], texts.filter(pc.invert(broken))
        trimmed = pc.utf8_trim_whitespace(texts)
        blank = pc.equal(trimmed, "").to_numpy(zero_copy_only=False)
        if blank.any():
            self._take_for_nulls(int(weights[blank].sum()))
            texts, trimmed, weights = texts.filter(pa.array(~blank)), trimmed.filter(pa.array(~blank)), weights[~blank]
        is_number = pc.match_substring_regex(trimmed, NUMBER).to_numpy(zero_copy_only=False)
        if is_number.any():
            numeric = trimmed.filter(pa.array(is_number))
            # Among words, digits are letters: of hexadecimal ids, 10e1 and 100 are two.
            lost = 2 * int(is_number.sum()) < len(texts)
            self._add_numbers(numeric.cast(pa.float64()).to_numpy(), weights[is_number], numeric, lost=lost)
            texts, trimmed, weights = (
                part.filter(pa.array(~is_number)) if isinstance(part, pa.Array) else part[~is_number]
                for part in (texts, trimmed, weights)
            )
        dated = pc.match_substring_regex(trimmed, STARTS_AS_DATE).to_numpy(zero_copy_only=False)
        if dated.any():
            candidates = trimmed.filter(pa.array(dated))
            times = pd.to_datetime(candidates.to_pandas(), format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")
            is_time = times.notna().to_numpy() & pc.match_substring_regex(candidates, TIME).to_numpy(
                zero_copy_only=False
            )
            offset = pc.match_substring_regex(candidates, OFFSET).to_numpy(zero_copy_only=False) & is_time
            self.times += int(weights[dated][is_time].sum())
            self.with_offset += int(weights[dated][offset].sum())
            micros = times[is_time].astype("int64").to_numpy()
            self.instants.add(micros.astype(float), weights[dated][is_time])
        self.distinct.add(hashes_of_texts(texts), weights)
        self.lengths.add(pc.utf8_length(texts).to_numpy().astype(float), weights)
        self.spaced += _weighed(pc.match_substring(trimmed, " "), weights)
        if 2 * (self.numbers + self.times) > self.present:
            strays, counts = counted(trimmed.filter(pa.array(~dated)).slice(0, 10 * MOST_STRAYS))
            for text, count in zip(strays.to_pylist(), counts.tolist(), strict=True):
                if text in self.strays or len(self.strays) < MOST_STRAYS:
                    self.strays[text] = self.strays.get(text, 0) + count

    def _take_for_nulls(self, n: int) -> None:
        """Count so many values as missing that were taken in: cells of nothing but spaces."""
        self.nulls += n
        self.present -= n
        if self.counts is not None:
            self.counts = {text: count for text, count in self.counts.items() if text.strip()}

    def _add_numbers(
        self, values: Array, counts: Array | None = None, texts: pa.Array | None = None, *, lost: bool = False
    ) -> None:
        """Take in numbers, and how they were written if that may matter.

        `lost`: as numbers, different texts may look the same.
        """
        weights = np.ones(len(values), np.int64) if counts is None else counts
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            self.infinite += int(weights[~finite].sum())
            whole = np.zeros(len(values), bool)
            whole[finite] = np.floor(values[finite]) == values[finite]
            if texts is not None and (large := whole & (np.abs(values) >= EXACT)).any():
                # 1e300 is a measure; only digits alone are a number that lost some of them.
                large &= pc.match_substring_regex(texts, DIGITS).to_numpy(zero_copy_only=False)
                self.huge += int(weights[large & (np.abs(values) >= BEYOND_INT64)].sum())
                lost = lost or bool(large.any())
            if texts is not None and whole[finite].all():
                self.leading_zeros += _weighed(pc.match_substring_regex(texts, LEADING_ZERO), weights)
            if texts is not None and whole.any():  # 5.0 was written by somebody who has fractions
                whole &= pc.match_substring_regex(texts, DIGITS).to_numpy(zero_copy_only=False)
            self.whole += int(weights[whole].sum())
            if not finite.all():
                values, weights = values[finite], weights[finite]
                texts = texts.filter(pa.array(finite)) if texts is not None else None
        else:
            self.whole += len(values) if counts is None else int(weights.sum())
            if values.dtype.kind == "u":
                self.huge += int(weights[values >= np.uint64(BEYOND_INT64)].sum())
        self.numbers += int(weights.sum())
        if self.rising and len(values):
            self.rising = bool(values[0] > self.last) and bool((values[1:] > values[:-1]).all())
            self.last = values[-1].item()
        hashes = hashes_of_texts(texts) if lost and texts is not None else hashes_of_numbers(values)
        self.distinct.add(hashes, None if counts is None else weights)
        self.range.add(values.astype(np.float64, copy=False), None if counts is None else weights)

    def _add_all_times(self, texts: pa.Array, counts: Array | None) -> bool:
        """Take in texts that are all times, all with or all without an offset; return False if they are not."""
        for kind in (UTC, pa.timestamp("us")):
            times = _cast(texts, kind)
            if times is not None:
                self._add_times(times, counts)
                return True
        return False

    def _add_times(self, times: pa.Array, counts: Array | None = None) -> None:
        n = len(times) if counts is None else int(counts.sum())
        self.times += n
        self.with_offset += n if times.type.tz else 0
        micros = times.cast(pa.int64()).to_numpy()
        self.rising = False
        self.distinct.add(hashes_of_numbers(micros), counts)
        self.instants.add(micros.astype(float), counts)
        if self.physical is not None and self.counts is not None:
            different, seen = counted(times)
            self._tally(different.cast(pa.string()).to_pylist() if len(different) <= MOST_COUNTED else None, seen)

    def _count(self, different: pa.Array, counts: Array) -> None:
        self.distinct.add(hashes_of_texts(different), counts)
        self._tally(different.to_pylist(), counts)

    def _tally(self, values: Sequence[str] | None, counts: Array) -> None:
        if self.counts is None or values is None:
            self.counts = None
            return
        for value, count in zip(values, counts.tolist(), strict=True):
            self.counts[value] = self.counts.get(value, 0) + count
        if len(self.counts) > MOST_COUNTED:
            self.counts = None

    def merge(self, later: "ColumnProfile") -> None:
        """Take in what was seen of the same column in rows that come after these."""
        for name in ("nulls", "present", "numbers", "whole", "huge", "infinite", "leading_zeros",
                     "times", "with_offset", "spaced", "illegible"):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.physical, self.plain = self.physical or later.physical, self.plain or later.plain
        self.rising = self.rising and later.rising and self.last < later.range.low
        self.last = max(self.last, later.last)
        if later.counts is None:
            self.counts = None
        else:
            self._tally(list(later.counts), np.array(list(later.counts.values()), np.int64))
        self.strays = dict(list({**later.strays, **self.strays}.items())[:MOST_STRAYS])
        for mine, theirs in ((self.range, later.range), (self.instants, later.instants), (self.lengths, later.lengths)):
            mine.merge(theirs)
        self.distinct.merge(later.distinct)


def _all_numbers(texts: pa.Array) -> Array | None:
    """Return texts as int64, or as float64 where these do not do; None unless all are numbers."""
    numbers = _cast(texts, pa.int64())
    if numbers is not None and pc.equal(numbers.cast(pa.string()), texts).true_count == len(texts):
        return np.asarray(numbers)
    numbers = _cast(texts, pa.float64())
    return None if numbers is None else np.asarray(numbers)


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return texts as another type, None unless all of them are; a few are tried first, because failing is slow."""
    try:
        texts.slice(0, FIRST_TRIED).cast(kind)
        return texts.cast(kind)
    except pa.ArrowInvalid:
        return None


def _spelled(numbers: pa.Array) -> list[str]:
    return [str(int(v)) if float(v).is_integer() else str(v) for v in numbers.to_pylist()]


def _weighed(mask: pa.Array, weights: Array) -> int:
    return int(weights[mask.to_numpy(zero_copy_only=False)].sum())
