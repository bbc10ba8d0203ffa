"""Streams of visits whose truth is known: nothing changes, what comes changes, what it means changes, or how often.

Two columns, `pages` and `minutes`, each lie about -1 or 1, and the logit of a visitor's return is linear in them. Every
day has a shock of its own in both and in the logit, which forgets slowly, and weekends are unlike other days: rows of a
day belong together, and no model knows why.
"""

from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

FIRST: Final = date(2023, 1, 1)
Array = npt.NDArray[np.float64]
SHARE = 0.4  # of visitors who return
SLOPE = 2.0  # of the logit: that of two normal classes at -1 and 1
LOGIT = float(np.log(SHARE / (1 - SHARE)))


class Stream(NamedTuple):
    """Rows in order: the day of each, from 0 on, its columns (n, 2), and whether the visitor returned."""

    day: npt.NDArray[np.int64]
    columns: Array
    returned: npt.NDArray[np.bool_]


class Days(NamedTuple):
    """What rows of a day share, (n,) of each row: how far a change has come, in [0, 1], and the shocks of its day."""

    far: Array
    logit: Array
    columns: Array


Kind = Callable[[Days, Array, np.random.Generator], tuple[Array, npt.NDArray[np.bool_]]]


def none(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Nothing changes."""
    return drawn, _returned(drawn[:, 0], days, rng)


def inputs(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Everybody stays longer and sees more, and it means what it meant: p(x) alone."""
    moved = drawn + days.far[:, None] * np.array([1.0, 3.0])
    return moved, _returned(moved[:, 0], days, rng)


def harder(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """More visitors are of the doubtful kind, and no model would know more of them: p(x) alone, and it harms."""
    moved = drawn * np.stack([1 - 0.5 * days.far, np.ones_like(days.far)], axis=1)
    return moved, _returned(moved[:, 0], days, rng)


def concept(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """What told who returns tells half of it, and the other column the rest: the rows look as they did."""
    turned = days.far * np.pi / 3
    return drawn, _returned(np.cos(turned) * drawn[:, 0] + np.sin(turned) * drawn[:, 1], days, rng)


def prior(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """More visitors return, and those who do look as before: the logit moves by a constant and nothing else."""
    more = SHARE + (0.8 - SHARE) * days.far
    returned = rng.random(len(drawn)) < 1 / (1 + np.exp(-np.log(more / (1 - more)) - days.logit))
    pages = np.where(returned, 1.0, -1.0) + rng.normal(size=len(drawn)) + days.columns[:, 0]
    return np.stack([pages, drawn[:, 1]], axis=1), returned


def noise(days: Days, drawn: Array, rng: np.random.Generator) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Nothing tells any more who returns: harm that no training ends."""
    told = _returned(drawn[:, 0], days, rng)
    return drawn, np.where(days.far > 0, rng.random(len(drawn)) < SHARE, told)


KINDS: Final[dict[str, tuple[Kind, float]]] = {  # and over how many windows the change goes on
    "none": (none, 0),
    "inputs": (inputs, 0),
    "harder": (harder, 0),
    "sudden": (concept, 0),
    "gradual": (concept, 6),
    "prior": (prior, 0),
    "noise": (noise, 0),
}


def stream(
    kind: str, *, days: int, a_day: int, change: int, window: int = 30, shock: float = 0.3, seed: int = 0
) -> Stream:
    """Return the rows of so many days.

    Parameters
    ----------
    change : the day on which it begins, from 0 on; it goes on for some windows of `window` days, by kind.
    shock : standard deviation of what rows of a day have in common, in the logit and in each column.
    """
    rng = np.random.default_rng([seed, sum(kind.encode())])
    made, windows = KINDS[kind]
    day = np.repeat(np.arange(days), a_day)
    over = max(windows * window, 1)
    shocks = _shocks(days, shock, rng)[day]
    weekend = (np.arange(days) % 7 >= 5)[day]
    far = np.clip((day - change + (windows == 0)) / over, 0.0, 1.0)
    side = np.where(rng.random((len(day), 2)) < SHARE, 1.0, -1.0)
    drawn = side + rng.normal(size=side.shape) + shocks[:, 1:] + 0.2 * weekend[:, None]
    columns, returned = made(Days(far, shocks[:, 0] + 0.2 * weekend, shocks[:, 1:]), drawn, rng)
    return Stream(day, columns, returned)


def visits_of(found: Stream) -> pd.DataFrame:
    """Return the rows as a source of visits holds them, evenly over each day."""
    place = pd.Series(found.day).groupby(found.day).cumcount().to_numpy()
    a_day = np.bincount(found.day)[found.day]
    seconds = found.day * 86_400 + place * 86_400 // a_day
    return pd.DataFrame(
        {
            "at": pd.Timestamp(FIRST, tz="UTC") + pd.to_timedelta(seconds, unit="s"),
            "visit": np.arange(len(found.day)),
            "minutes": found.columns[:, 1],
            "pages": found.columns[:, 0],
            "returned": found.returned,
        }
    )


def _shocks(days: int, size: float, rng: np.random.Generator, memory: float = 0.3) -> Array:
    """Return what the logit and the columns of each day have in common, shape (days, 3)."""
    shocks = rng.normal(size=(days, 3))
    for at in range(1, days):
        shocks[at] = memory * shocks[at - 1] + np.sqrt(1 - memory**2) * shocks[at]
    return size * shocks


def _returned(seen: Array, days: Days, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    return rng.random(len(seen)) < 1 / (1 + np.exp(-SLOPE * seen - LOGIT - days.logit))
