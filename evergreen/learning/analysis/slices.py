"""Slices: on which values of which columns a model is worth least, and whether that is more than chance."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from evergreen.config.objectives import GATE_METRIC
from evergreen.learning.analysis.values import Slice, Slices
from evergreen.learning.evaluation import intervals
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.intervals import Contributions

Array = npt.NDArray[Any]

BINS = 5  # of a number, of equal mass
MOST_VALUES = 10  # a number with no more of them is looked at value by value
WORST = 10


def slices(
    table: pd.DataFrame,
    labels: Array,
    estimates: Estimates,
    *,
    columns: Sequence[str],
    declared: Sequence[str],
    min_rows: int,
    confidence: float,
) -> Slices:
    """Return the slices of `declared` columns, and the worst of those of `columns` and `declared` together.

    Parameters
    ----------
    table : the test rows, in the order of `labels`, shape (n,), none missing, and of `estimates`.
    min_rows : slices of fewer rows are not looked at, because the worst of many small ones is chance. One of all rows
        is none, but listed where it is declared.

    Notes
    -----
    A slice is compared with the rows outside it, which are independent of it: a normal test of two means of
    contributions, as in `intervals`, one-sided, times the number of slices that were looked at.
    """
    compared = estimates.compared
    whole = _contributions(labels, compared, estimates)
    looked_at: list[tuple[Slice, Array]] = []
    n_small = 0
    for column in dict.fromkeys([*declared, *columns]):
        for value, inside in parts(table[column]):
            if len(inside) < min_rows:
                n_small += 1
                continue
            looked_at.append(
                (
                    _slice(
                        column,
                        value,
                        inside=inside,
                        labels=labels,
                        estimates=estimates,
                        whole=whole,
                        confidence=confidence,
                    ),
                    inside,
                )
            )
    scored = [(part, rows) for part, rows in looked_at if part.score is not None and part.rows < len(table)]
    scored.sort(key=lambda pair: pair[0].score or 0.0)

    def with_chance(part: Slice, inside: Array) -> Slice:
        chance = _chance(inside, labels, estimates)
        return part.model_copy(update={"chance": None if chance is None else min(1.0, chance * len(scored))})

    return Slices(
        metric=GATE_METRIC[estimates.task],
        looked_at=len(scored),
        too_small=n_small,
        worst=tuple(with_chance(part, rows) for part, rows in scored[:WORST]),
        declared=tuple(with_chance(part, rows) for part, rows in looked_at if part.column in declared),
    )


def parts(values: pd.Series) -> Iterator[tuple[str, Array]]:
    """Yield each part of a column: its name, and the positions of its rows, ascending."""
    kinds = pd.api.types
    ordered = kinds.is_datetime64_any_dtype(values) or (
        kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values)
    )
    if ordered and values.nunique() > MOST_VALUES:
        codes, names = _bins(values)
    else:
        codes, unique = pd.factorize(values, sort=True)
        names = [f"{value:.12g}" if isinstance(value, float) else str(value) for value in unique]
    order = np.argsort(codes, kind="stable")
    # Missing values have the code -1, and so come first.
    missing, *known = np.split(order, np.searchsorted(codes[order], range(len(names))))
    yield from zip(names, known, strict=True)
    if len(missing):
        yield "missing", missing


def _bins(values: pd.Series) -> tuple[Array, list[str]]:
    """Return the bin of each row, -1 where the value is missing, and the bins' names.

    A bin ends at a value that occurs, so a number that is nearly always the same is cut where it is another.
    """
    known = values.dropna()
    top = known.max()
    cuts = known.quantile(np.linspace(0, 1, BINS + 1)[1:-1], interpolation="lower")
    edges = pd.Index(cuts.where(cuts < top, known[known < top].max()).unique())
    codes = np.full(len(values), -1)
    codes[values.notna()] = edges.searchsorted(known, side="left")
    ends = [str(edge) if isinstance(edge, pd.Timestamp) else f"{edge:.6g}" for edge in edges]
    if len(set(ends)) < len(ends):
        ends = list(map(str, edges))
    return codes, [f"up to {ends[0]}", *(f"above {a} up to {b}" for a, b in pairwise(ends)), f"above {ends[-1]}"]


def _contributions(labels: Array, compared: Array, estimates: Estimates) -> Contributions | None:
    few = intervals.too_few(estimates.task, labels)
    return None if few else intervals.contributions(estimates.task, labels, compared)


def _slice(
    column: str,
    value: str,
    *,
    inside: Array,
    labels: Array,
    estimates: Estimates,
    whole: Contributions | None,
    confidence: float,
) -> Slice:
    kept = labels[inside]
    within = _contributions(kept, estimates.compared[inside], estimates)
    low, high = intervals.interval(estimates.task, kept, within, confidence=confidence) if within else (None, None)
    return Slice(
        column=column,
        value=value,
        rows=len(inside),
        score=within and within.value,
        low=low,
        high=high,
        difference=within.value - whole.value if within and whole else None,
        chance=None,
    )


def _chance(inside: Array, labels: Array, estimates: Estimates) -> float | None:
    """Return the one-sided p-value of a slice that is worse than the rows outside it; None with too few of either."""
    outer = np.delete(np.arange(len(labels)), inside)
    sides = [
        (labels[rows], _contributions(labels[rows], estimates.compared[rows], estimates)) for rows in (inside, outer)
    ]
    (_, within), (_, outside) = sides
    if within is None or outside is None:
        return None
    error = np.sqrt(sum(_variance(kept, contributions, estimates) for kept, contributions in sides if contributions))
    return float(stats.norm.sf((outside.value - within.value) / error)) if error > 0 else None


def _variance(labels: Array, contributions: Contributions, estimates: Estimates) -> float:
    one_sided = stats.norm.cdf(1)  # the interval at this level is one standard error to either side
    if estimates.task == "regression":
        low, _ = intervals.interval("regression", labels, contributions, confidence=2 * one_sided - 1)
        return float((contributions.value - low) ** 2)
    return intervals.half_width(contributions.groups, confidence=2 * one_sided - 1) ** 2
