"""The split that the gate needs: which rows tuning may read, and which only the gate does."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from evergreen.base.errors import DataError
from evergreen.base.values import Value, digest_of
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features.ordering import in_order, row_hashes
from evergreen.learning.features.rowwise import local_time

Frame = pd.DataFrame
Array = np.ndarray[Any, Any]


class Split(Value):
    """How the gate's rows were set apart.

    `end`: the day after the last row's local day. `rule`: the digest of what decides the side of a row in a table
    without time; two splits of one rule agree on every row that both have. Each is None where the other applies.
    `gate_digest`: the sha256 of the table that only the gate reads.
    """

    end: date | None
    rule: str | None
    gate_digest: str


@dataclass(frozen=True)
class Cut:
    """Which side a row lies on.

    With time, the last `test_days` local days are test, and `embargo_days` before them are in neither. Without, a row
    is a test row when the hash of its group (of its key, or of all its features, where there is none) and the seed
    lies below `test_share`: its side depends on the row alone, so equal rows stay together, and no row changes sides
    as a table grows. A row that does not tell its group stands alone.

    Parameters
    ----------
    last : the greatest time of a labelled row; None for a table without time.
    """

    contract: Contract
    params: FeatureParams
    seed: int
    last: datetime | None

    @property
    def last_day(self) -> pd.Timestamp:
        """The local day of the last labelled row, without a zone."""
        assert self.last is not None
        return pd.Timestamp(self.last).tz_convert(self.contract.timezone).tz_localize(None).normalize()

    @property
    def first_test(self) -> pd.Timestamp:
        """The first local day of the test rows, without a zone."""
        return self.last_day - timedelta(days=(self.params.test_days or 0) - 1)

    def sides(self, rows: Frame) -> tuple[Array, Array]:
        """Return which rows are train rows, and which are test rows; shape (n,) each."""
        if self.contract.time is None:
            is_test = _hash_shares(rows, self.contract, self.seed) < (self.params.test_share or 0)
            return ~is_test, is_test
        days = _local_days(rows, self.contract)
        before = self.first_test - timedelta(days=self.params.embargo_days)
        return (days < before).to_numpy(), (days >= self.first_test).to_numpy()

    def described(self, *, gate_digest: str) -> Split:
        """Return what is kept of the split."""
        if self.contract.time is not None:
            return Split(end=self.last_day.date() + timedelta(days=1), rule=None, gate_digest=gate_digest)
        group = self.contract.with_role("group")
        deciding = () if group and not group[0].nullable else _identity(self.contract)
        by = [(column.name, column.type) for column in (*group, *deciding)]
        return Split(end=None, rule=digest_of([self.seed, self.params.test_share, by]), gate_digest=gate_digest)


@dataclass
class SplitTally:
    """What the rows' target holds on either side, counted as they pass, in order."""

    cut: Cut
    n_rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("all", "train", "test"), 0))
    counts: dict[str, dict[Any, int]] = field(default_factory=lambda: {"all": {}, "train": {}, "test": {}})
    first: pd.Timestamp | None = None

    def take(self, rows: Frame, is_train: Array, is_test: Array) -> None:
        """Count labelled rows, the sides of which are given."""
        contract = self.cut.contract
        if contract.time is not None and self.first is None and len(rows):
            self.first = _local_days(rows.head(1), contract).iloc[0]
        for side, values in (
            ("all", rows[contract.target]),
            ("train", rows.loc[is_train, contract.target]),
            ("test", rows.loc[is_test, contract.target]),
        ):
            known = values.dropna()
            self.n_rows[side] += len(values) if side == "all" else len(known)
            if contract.task == "regression":  # the ends tell whether it varies
                known = pd.Series([known.min(), known.max()] if len(known) else [])
            counts = self.counts[side]
            for value, n_found in known.value_counts(sort=False).items():
                counts[value] = counts.get(value, 0) + n_found

    def require_labels(self) -> None:
        """Raise DataError unless a row has a target, and either side what can be learnt from and judged."""
        contract, params = self.cut.contract, self.cut.params
        if not self.n_rows["all"]:
            raise no_labels(contract)
        lacking = self._lacking()
        if not lacking:
            return
        if contract.time is None:
            about = f"{self.n_rows['train']} train and {self.n_rows['test']} test rows"
            where = f"features.test_share = {params.test_share}"
        else:
            span = "" if self.first is None else f", data runs from {self.first.date()} to {self.cut.last_day.date()}"
            about, where = f"cutoff {self.cut.first_test.date()}{span}", f"features.test_days = {params.test_days}"
        raise DataError(
            "DQ009",
            f"{lacking}; {about}",
            where=where,
            next_step=f"Change {where.partition(' ')[0]}, or bring more rows.",
        )

    def _lacking(self) -> str:
        """Return what a side needs and does not have, as half a sentence; empty when nothing is lacking."""
        target, n_all, everything = self.cut.contract.target, self.n_rows["all"], self.counts["all"]
        if not everything:
            return "no labels"
        if self.cut.contract.task == "regression":
            if len(everything) == 1:
                return f"column '{target}', the target, is {next(iter(everything)):g} in all {n_all} rows"
            constant = [side for side in ("train", "test") if len(self.counts[side]) < 2]
            varying = f"column '{target}', the target, does not vary in the"
            return f"{varying} {self.n_rows[constant[0]]} labelled {constant[0]} rows" if constant else ""
        if len(everything) == 1:
            return f"column '{target}', the target, has the one class {next(iter(everything))} in {n_all} rows"
        for side, least in (("train", 2), ("test", 1)):
            for name, n_found in sorted(everything.items(), key=lambda item: -item[1]):
                if (n_side := self.counts[side].get(name, 0)) < least:
                    return f"class {name} has {n_side} {side} rows of {n_found} in all, at least {least} needed"
        return ""


def split(rows: Frame, contract: Contract, params: FeatureParams, *, seed: int) -> tuple[Frame, Frame]:
    """Return train and test rows, in an order that does not depend on that of `rows`: by time, key, and content.

    Raises
    ------
    DataError if a class has no test row or fewer than 2 train rows, or a side's numeric target does not vary.
    """
    if rows.empty:
        raise no_labels(contract)
    ordered = in_order(rows, contract)
    cut = Cut(contract, params, seed, _last(ordered, contract))
    is_train, is_test = cut.sides(ordered)
    tally = SplitTally(cut)
    tally.take(ordered, is_train, is_test)
    tally.require_labels()
    return ordered[is_train].reset_index(drop=True), ordered[is_test].reset_index(drop=True)


def require_sides(rows: Frame, contract: Contract, params: FeatureParams, *, seed: int) -> None:
    """Raise what `split` raises of these rows; which rows are on a side does not depend on their order."""
    if rows.empty:
        raise no_labels(contract)
    cut = Cut(contract, params, seed, _last(rows, contract))
    tally = SplitTally(cut)
    tally.take(rows, *cut.sides(rows))
    tally.require_labels()


def no_labels(contract: Contract) -> DataError:
    """Return the error of a table without a labelled row."""
    return DataError(
        "DQ007",
        f"no labelled rows to split: column '{contract.target}', the target, has no value",
        where=contract.name,
        next_step="Widen ingest.start and ingest.end, or check the target column.",
    )


def check_overlap(train: Array, test: Array, contract: Contract) -> str:
    """Return what is to be said of test rows that are among the train rows too, by their features; empty if nothing.

    Parameters
    ----------
    train, test : `row_hashes` of the features.

    Raises
    ------
    DataError if their share is above the contract's `max_overlap`, unless its severity for DQ020 is warn.
    """
    if contract.max_overlap is None:
        return ""
    known = np.isin(test, train)
    share = float(known.mean())
    if share <= contract.max_overlap:
        return ""
    what = f"{int(known.sum())} of {len(test)} test rows ({share:.1%}) have the features of a train row"
    if contract.severity.get("DQ020") == "warn":
        return what
    raise DataError(
        "DQ020",
        f"{what}; {contract.max_overlap:.1%} are allowed",
        where=f"contract '{contract.name}', max_overlap",
        next_step="Remove repeated rows from the source, or name what tells them apart in the contract.",
    )


def _last(rows: Frame, contract: Contract) -> datetime | None:
    return None if contract.time is None else local_time(rows, contract).max()


def _local_days(rows: Frame, contract: Contract) -> "pd.Series[pd.Timestamp]":
    return local_time(rows, contract).dt.tz_localize(None).dt.normalize()


def _identity(contract: Contract) -> Sequence[Column]:
    """Return the columns that tell a row that stands alone from others."""
    return tuple(column for column in contract.columns if column.name in contract.key) or contract.features


def _hash_shares(rows: Frame, contract: Contract, seed: int) -> Array:
    """Return a number in [0, 1) for each row, uniform over rows that differ."""
    salt = np.uint64(int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big"))
    hashes = row_hashes(rows, contract.with_role("group") or _identity(contract))
    if contract.group is not None and (alone := rows[contract.group].isna().to_numpy()).any():
        hashes = np.where(alone, row_hashes(rows, _identity(contract)), hashes)
    mixed: Array = pd.util.hash_array(hashes ^ salt)
    return mixed / 2.0**64
