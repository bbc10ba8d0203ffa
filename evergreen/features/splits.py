"""The split that the gate needs: which rows tuning may read, and which only the gate does."""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from evergreen.artifacts import Value, digest_of
from evergreen.contract import Column, Contract
from evergreen.errors import DataError
from evergreen.features.rowwise import local_time, typed
from evergreen.params import FeatureParams

Frame = pd.DataFrame


class Split(Value):
    """How the gate's rows were set apart.

    `end`: the day after the last row's local day. `rule`: the digest of what decides the side of a row in a table
    without time; two splits of one rule agree on every row that both have. Each is None where the other applies.
    """

    end: date | None
    rule: str | None


def split(rows: Frame, contract: Contract, params: FeatureParams, *, seed: int) -> tuple[Frame, Frame]:
    """Return train and test rows, in an order that does not depend on that of `rows`: by time, key, and content.

    With time, the last `test_days` local days are test, and `embargo_days` before them are in neither. Without, a row
    is a test row when the hash of its key (of all its features, where there is no key) and the seed lies below
    `test_share`: its side depends on the row alone, so equal rows stay together, and no row changes sides as a table
    grows.

    Raises
    ------
    DataError if a class has no test row or fewer than 2 train rows, or a side's numeric target does not vary.
    """
    if rows.empty:
        raise DataError(
            "DQ007",
            "no labelled rows to split",
            where=contract.name,
            next_step="Widen ingest.start and ingest.end, or check the target column.",
        )
    rows = _in_order(rows, contract)
    if contract.time is None:
        is_test = _hash_shares(rows, contract, seed) < (params.test_share or 0)
        train, test = rows[~is_test], rows[is_test]
        about, where = f"{len(train)} train and {len(test)} test rows", f"features.test_share = {params.test_share}"
    else:
        days = local_time(rows, contract).dt.date
        first_test = days.max() - timedelta(days=(params.test_days or 0) - 1)
        train = rows[days < first_test - timedelta(days=params.embargo_days)]
        test = rows[days >= first_test]
        about = f"cutoff {first_test}, data runs from {days.min()} to {days.max()}"
        where = f"features.test_days = {params.test_days}"
    lacking = _lacking(rows, train, test, contract)
    if lacking:
        raise DataError(
            "DQ009",
            f"{lacking}; {about}",
            where=where,
            next_step=f"Change {where.partition(' ')[0]}, or bring more rows.",
        )
    return train.reset_index(drop=True), test.reset_index(drop=True)


def check_overlap(train: Frame, test: Frame, contract: Contract) -> str:
    """Return what is to be said of test rows that are among the train rows too, by their features; empty if nothing.

    Raises
    ------
    DataError if their share is above the contract's `max_overlap`, unless its severity for DQ020 is warn.
    """
    if contract.max_overlap is None:
        return ""
    known = np.isin(_hashes(test, contract.features), _hashes(train, contract.features))
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


def describe_split(rows: Frame, contract: Contract, params: FeatureParams, *, seed: int) -> Split:
    """Return what is kept of the split of `rows`."""
    if contract.time is not None:
        return Split(end=local_time(rows, contract).max().date() + timedelta(days=1), rule=None)
    by = [(column.name, column.type) for column in _hashed(contract)]
    return Split(end=None, rule=digest_of([seed, params.test_share, by]))


def _hashed(contract: Contract) -> Sequence[Column]:
    """Return the columns that decide the side of a row in a table without time."""
    return tuple(column for column in contract.columns if column.name in contract.key) or contract.features


def _hash_shares(rows: Frame, contract: Contract, seed: int) -> "np.ndarray[Any, Any]":
    """Return a number in [0, 1) for each row, uniform over rows that differ."""
    salt = np.uint64(int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big"))
    mixed: np.ndarray[Any, Any] = pd.util.hash_array(_hashes(rows, _hashed(contract)) ^ salt)
    return mixed / 2.0**64


def _hashes(rows: Frame, columns: Sequence[Column]) -> "np.ndarray[Any, Any]":
    """Return a hash of each row's values in `columns`, the same whatever types the table stores them in."""
    exact = pd.DataFrame({column.name: _exact(rows[column.name], column) for column in columns})
    hashes: np.ndarray[Any, Any] = pd.util.hash_pandas_object(exact, index=False).to_numpy()
    return hashes


def _exact(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "integer":  # 64 bits do not fit a float
        return values.astype("Int64")
    exact = typed(values, column)
    return exact if exact.dtype == "str" else exact + 0.0  # -0.0 is 0.0


def _in_order(rows: Frame, contract: Contract) -> Frame:
    known = [column for column in contract.columns if column.name in rows]
    by = [*([contract.time] if contract.time else []), *contract.key, "_hash"]  # no column's name begins so
    ordered = rows.assign(_hash=_hashes(rows, known)).sort_values(by, kind="stable", ignore_index=True)
    return ordered.drop(columns="_hash")


def _lacking(rows: Frame, train: Frame, test: Frame, contract: Contract) -> str:
    """Return what a side needs and does not have, as half a sentence; empty when nothing is lacking."""
    sides = (("train", train[contract.target].dropna(), 2), ("test", test[contract.target].dropna(), 1))
    if contract.task == "regression":
        for side, values, _ in sides:
            if values.nunique() < 2:
                return f"the target does not vary in the {len(values)} labelled {side} rows"
        return ""
    classes = rows[contract.target].value_counts()
    if len(classes) < 2:
        return f"the target has the one class {classes.index[0]} in {len(rows)} rows" if len(classes) else "no labels"
    for side, values, least in sides:
        counts = values.value_counts()
        for name, n_rows in classes.items():
            if (found := int(counts.get(name, 0))) < least:
                return f"class {name} has {found} {side} rows of {n_rows} in all, at least {least} needed"
    return ""
