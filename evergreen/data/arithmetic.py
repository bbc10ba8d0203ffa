"""Which two columns together make a number exactly: their sum, difference, product or ratio.

Such columns are consequences of the number, or make it: `casual + registered` is the count of a day, `revenue - cost`
the profit. Each alone may say little.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]
Numbers = Mapping[str, Array]

FEWEST, FEWEST_CHANGED = 50, 30
AGREEING = 0.99
MOST_DECIMALS, EXACT = 6, 1e-9
# What rounding explains must be small beside the target's own spread, or everything near it would do.
MOST_ROUNDED = 0.1
PROBES, FIRST_PROBES, BLOCK = 48, 3, 200
MOST_COLUMNS, MOST_CANDIDATES = 400, 2_000


class Made(NamedTuple):
    """The target is `left` `sign` `right`, in all rows but at most one in a hundred."""

    left: str
    sign: str
    right: str
    is_rounded: bool

    @property
    def text(self) -> str:
        """The relation as a person writes it."""
        return f"{self.left} {self.sign} {self.right}"


@dataclass(frozen=True)
class _Operation:
    sign: str
    of: Callable[[Array, Array], Array]
    is_symmetric: bool


OPERATIONS = (
    _Operation("+", np.add, True),
    _Operation("-", np.subtract, False),
    _Operation("*", np.multiply, True),
    _Operation("/", np.divide, False),
)


def made_of(columns: Numbers, target: Array) -> tuple[Made, ...]:
    """Return the pairs of columns that make `target`, the exact ones first.

    Parameters
    ----------
    columns, target : shape (n,) each, NaN where a value is missing. Pairs are judged on the rows that have all three,
        at least 50 and half of those with a target.

    Notes
    -----
    Each side has to change what the other gives in 30 rows. Values that were rounded are given half a unit of their
    last decimal, as far as that is at most a tenth of the target's standard deviation. Of more than 400 columns, those
    that go with the target most are looked at. Of 300 clean tables with a number as target (correlated columns, skewed,
    counted and rounded; the target a noisy sum of two), none had a pair.

    Examples
    --------
    >>> a, b = np.arange(60.0), np.arange(60.0) ** 2
    >>> [pair.text for pair in made_of({"a": a, "b": b, "c": a % 7}, a + b)]
    ['a + b']
    """
    known = np.isfinite(target)
    spread = float(np.std(target[known])) if known.any() else 0.0
    if known.sum() < FEWEST or not np.isfinite(spread) or spread == 0:
        return ()
    names = [name for name, values in columns.items() if np.isfinite(values[known]).sum() >= FEWEST]
    if len(names) < 2:
        return ()
    names = _nearest(names, columns, target, known)
    values = np.stack([columns[name][known] for name in names])
    task = _Task(names, values, target[known], np.array([_unit(row) for row in values]), _unit(target[known]), spread)
    found = [made for operation in OPERATIONS for made in _pairs(task, operation)]
    return tuple(sorted(found, key=lambda made: made.is_rounded))


@dataclass(frozen=True)
class _Task:
    """Columns as rows of `values`, all rows with a target; `units`: of their last decimals, 0 for not rounded."""

    names: Sequence[str]
    values: Array
    target: Array
    units: Array
    unit: float
    spread: float

    def allowed(self, operation: _Operation, pair: "_Sides", target: Any) -> tuple[Array, Array]:
        """Return how far a result may be from the target: by floats alone, and by rounding too."""
        left, right = pair.values
        largest = np.maximum(np.abs(left), np.abs(right)) if operation.sign in "+-" else 0.0
        exact = EXACT * np.maximum(largest, np.abs(target))
        of_left, of_right = pair.units
        if operation.sign in "+-":
            moved = of_left + of_right
        elif operation.sign == "*":
            moved = np.abs(right) * of_left + np.abs(left) * of_right
        else:
            moved = (of_left + np.abs(left / right) * of_right) / np.abs(right)
        most = 2 * MOST_ROUNDED * self.spread
        own = self.unit if self.unit <= most else 0.0
        rounded = np.where(self.unit + moved <= most, self.unit + moved, own) / 2
        return exact, np.maximum(rounded * (1 + EXACT) + exact, exact)


class _Sides(NamedTuple):
    """The values and units of the left and the right side, of shapes that broadcast."""

    values: tuple[Array, Array]
    units: tuple[Array, Array]


def _pairs(task: _Task, operation: _Operation) -> list[Made]:
    with np.errstate(all="ignore"):
        left, right = _candidates(task, operation)
        judged = (_judged(task, operation, int(a), int(b)) for a, b in zip(left, right, strict=True))
        return [made for made in judged if made]


def _candidates(task: _Task, operation: _Operation) -> tuple[Array, Array]:
    """Return the pairs that a few rows do not speak against, by position; a missing value says nothing."""
    probes, everyone = _probes(task), np.arange(len(task.names))
    found = []
    for begin in range(0, len(everyone), BLOCK):
        block = everyone[begin : begin + BLOCK]
        against = _against(task, operation, probes[:FIRST_PROBES], (block[:, None], everyone[None, :]))
        apart = block[:, None] < everyone[None, :] if operation.is_symmetric else block[:, None] != everyone[None, :]
        rows, columns = np.nonzero((against <= 1) & apart)
        found.append((block[rows], columns))
    left, right = (np.concatenate([pair[side] for pair in found]) for side in (0, 1))
    against = _against(task, operation, probes[:FIRST_PROBES], (left, right))
    for probe in probes[FIRST_PROBES:]:
        against = against + _against(task, operation, [probe], (left, right))
        left, right, against = left[against <= 1], right[against <= 1], against[against <= 1]
    return left[:MOST_CANDIDATES], right[:MOST_CANDIDATES]


def _against(task: _Task, operation: _Operation, rows: Sequence[int], pair: tuple[Array, Array]) -> Array:
    """Return how many of some rows each pair is off in."""
    against: Array = np.zeros(np.broadcast(*pair).shape, np.int64)
    units = task.units[pair[0]], task.units[pair[1]]
    for row in rows:
        values, target = (task.values[pair[0], row], task.values[pair[1], row]), task.target[row]
        off = np.abs(operation.of(*values) - target)
        against += off > task.allowed(operation, _Sides(values, units), target)[1]
    return against


def _probes(task: _Task) -> list[int]:
    """Return rows with few missing values, spread over the target's range, those far from its median first."""
    fullest = np.argsort(-np.isfinite(task.values).sum(axis=0), kind="stable")[: 8 * PROBES]
    by_target = fullest[np.argsort(-np.abs(task.target[fullest] - np.median(task.target)), kind="stable")]
    chosen = by_target[np.unique(np.linspace(0, len(by_target) - 1, PROBES).astype(int))]
    return [int(row) for row in chosen]


def _judged(task: _Task, operation: _Operation, left: int, right: int) -> Made | None:
    a, b = task.values[left], task.values[right]
    result = operation.of(a, b)
    known = np.isfinite(result)
    if known.sum() < max(FEWEST, len(result) / 2):
        return None
    a, b, result, target = a[known], b[known], result[known], task.target[known]
    sides = _Sides((a, b), (task.units[left], task.units[right]))
    changed = (result != a, result != b if operation.is_symmetric else a != 0)
    if min(side.sum() for side in changed) < FEWEST_CHANGED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    for allowed, is_rounded in zip(task.allowed(operation, sides, target), (False, True), strict=True):
        fits = np.abs(result - target) <= allowed
        if min(fits.mean(), *(fits[side].mean() for side in changed)) >= AGREEING:
            return Made(task.names[left], operation.sign, task.names[right], is_rounded)
    return None


def _nearest(names: list[str], columns: Numbers, target: Array, known: Array) -> list[str]:
    """Return the columns that go with the target most, in their order, where there are too many to pair all."""
    if len(names) <= MOST_COLUMNS:
        return names
    own = target[known] - target[known].mean()
    goes = []
    with np.errstate(all="ignore"):
        for name in names:
            values = columns[name][known]
            values = np.nan_to_num(values - np.nanmean(values))
            goes.append(abs(float(values @ own)) / float(np.sqrt(values @ values)))
    chosen = np.sort(np.argsort(-np.nan_to_num(np.array(goes)), kind="stable")[:MOST_COLUMNS])
    return [names[position] for position in chosen]


def _unit(values: Array) -> float:
    """Return the unit of the last decimal of numbers that were rounded to at most 6; 0 for those that were not."""
    finite = values[np.isfinite(values)]
    for decimals in range(MOST_DECIMALS + 1):
        scaled = finite * 10.0**decimals
        if (np.abs(scaled - np.round(scaled)) <= EXACT * np.maximum(np.abs(scaled), 1)).all():
            return 10.0**-decimals
    return 0.0


def numbers_of(rows: pd.DataFrame, names: Sequence[str]) -> Numbers:
    """Return columns of numbers as floats, NaN where a value is missing."""
    return {name: rows[name].to_numpy(dtype=float, na_value=np.nan) for name in names}
