"""What a model is compared with when it answers: the profile of its train rows, and golden rows drawn from that."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from evergreen.config.contract.columns import Column
from evergreen.data.validation import check
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model.compiled.golden import Golden, Scalar
from evergreen.learning.model.compiled.plan import PlanColumn
from evergreen.learning.model.compiled.profile import BINS, LEVELS, ColumnProfile, Profile
from evergreen.learning.model.compiled.reading import Reader, Unusual

SHOWN = 50  # categories
LEAST_ROWS = 5  # of a category that is shown
DRAWN, KEPT, SEED = 256, 32, 20_130_101
MISSING, UNSEEN = 0.12, 0.05
MICROSECONDS = 1_000_000
UNSEEN_CATEGORY = "never seen"


def profile_of(rows: pd.DataFrame, columns: Sequence[Column], estimates: Estimates) -> Profile:
    """Return the profile of typed train rows and of what the model says of them."""
    shown = {column.name: _column(rows[column.name], column) for column in columns if not column.pii}
    values = estimates.values if estimates.task != "multiclass" else estimates.values.max(axis=1)
    labels = None
    if estimates.task == "regression":
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
        edges = edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1.0])
    else:
        edges = np.linspace(0, 1, BINS + 1)
        if estimates.task == "multiclass":
            counted = np.bincount(estimates.values.argmax(axis=1), minlength=len(estimates.classes))
            labels = dict(zip(estimates.classes, (counted / len(values)).tolist(), strict=True))
    counts, _ = np.histogram(values, edges)
    return Profile(
        rows=len(rows),
        columns=shown,
        edges=tuple(edges.tolist()),
        shares=tuple((counts / len(values)).tolist()),
        labels=labels,
    )


def _column(values: pd.Series, column: Column) -> ColumnProfile:
    missing, there = float(values.isna().mean()), values.dropna()
    if column.type == "text" or there.empty:
        return ColumnProfile(missing)
    if column.type in ("category", "boolean"):
        counts = there.astype("str").str.lower() if column.type == "boolean" else there
        common = counts.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
        common = common[common >= LEAST_ROWS].head(SHOWN)
        return ColumnProfile(missing, shares={str(name): n / len(there) for name, n in common.items()})
    numbers = there.astype("int64") if column.type == "timestamp" else there
    return ColumnProfile(missing, quantiles=tuple(np.quantile(numbers.to_numpy(np.float64), LEVELS).tolist()))


def golden_of(
    profile: Profile,
    columns: Sequence[Column],
    asked: Sequence[PlanColumn],
    *,
    zone: str,
    answer: Callable[[pd.DataFrame], Estimates],
) -> Golden:
    """Return at most 32 made-up rows that keep the contract, and what `answer` says of them; the same every time.

    Parameters
    ----------
    columns, asked : what a row is asked with, in the order of a row's values.
    answer : is given rows typed by `check`.
    """
    rng = np.random.default_rng(SEED)
    draws = [_drawer(column, profile.columns.get(column.name), rng) for column in columns]
    names, reader = [column.name for column in columns], Reader(asked, zone=zone)
    drawn = [tuple(draw() for draw in draws) for _ in range(DRAWN)]
    rows = [row for row in dict.fromkeys(drawn) if _is_read(reader, row)][:KEPT]
    if not rows:
        return Golden(tuple(names), (), ())
    values = zip(names, zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame({name: pd.Series(each, dtype="object") for name, each in values})
    estimates = answer(check(frame, columns, zone=zone).kept)
    scale = (float(estimates.values.std()) or 1.0) if estimates.task == "regression" else 1.0
    said = [tuple(each) if isinstance(each, list) else each for each in estimates.values.tolist()]
    return Golden(tuple(names), tuple(rows), tuple(said), scale)


def _is_read(reader: Reader, row: Sequence[Scalar]) -> bool:
    try:
        reader.read(row, [])
    except Unusual:
        return False
    return True


def _drawer(column: Column, profile: ColumnProfile | None, rng: np.random.Generator) -> Callable[[], Scalar]:
    draw = _value(column, profile, rng)

    def drawn() -> Scalar:
        value, chance = draw(), float(rng.random())
        if column.nullable and chance < MISSING:
            return None
        is_open = column.type == "category" and (column.categories is None or column.open)
        return UNSEEN_CATEGORY if is_open and chance > 1 - UNSEEN else value

    return drawn


def _value(column: Column, profile: ColumnProfile | None, rng: np.random.Generator) -> Callable[[], Scalar]:
    """Return what draws a value: by the profile, or, of a personal column, by the contract alone."""
    if column.type == "text":
        return lambda: "some words"
    if column.type == "boolean":
        return lambda: bool(rng.random() < 0.5)
    if column.type == "category":
        shares = (profile and profile.shares) or dict.fromkeys(column.categories or ("some category",), 1.0)
        weights = np.array(list(shares.values())) / sum(shares.values())
        return lambda: list(shares)[int(rng.choice(len(shares), p=weights))]
    low = 0.0 if column.min is None else column.min
    quantiles = (profile and profile.quantiles) or (low, low + 1.0 if column.max is None else column.max)
    levels = np.linspace(0, 1, len(quantiles))

    def number() -> Any:
        value = float(np.interp(rng.random(), levels, quantiles))
        if column.type == "timestamp":
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value // MICROSECONDS)
            return moment.isoformat().replace("+00:00", "Z")
        return round(value) if column.type == "integer" else float(f"{value:.6g}")

    return number
