"""Profiles of parts made into that of the whole."""

from collections.abc import Sequence

import numpy as np

from evergreen.decisions.drift.profile.profile import (
    FINITE,
    INFINITE,
    LEAST,
    MOST,
    NOTHING,
    SQUARES,
    SUM,
    Counts,
    Floats,
    Profile,
)  # fmt: skip

SUMMED = (FINITE, SUM, SQUARES, INFINITE)


def merge(first: Profile, *others: Profile) -> Profile:
    """Return the profile of all rows of several profiles on the same cells.

    In which order and in which groups does not matter: counts, least and most are exact, sums off by rounding alone.
    A column that is lost in one is lost; of several reasons the first by the alphabet is told.

    Raises
    ------
    ValueError if the cells differ.
    """
    parts = (first, *others)
    for other in others:
        if other.bins.keys() != first.bins.keys() or not all(
            of.equals(other.bins[name]) for name, of in first.bins.items()
        ):
            raise ValueError("profiles on different cells cannot be merged: profile both on the same bins")
    lost = {name: min(part.lost[name] for part in parts if name in part.lost)
            for name in first.bins if any(name in part.lost for part in parts)}  # fmt: skip
    days = sorted({day for part in parts for day in part.days})
    at = {day: position for position, day in enumerate(days)}
    where = [np.array([at[day] for day in part.days], np.intp) for part in parts]
    kept = [name for name in first.bins if name not in lost]
    return Profile(
        bins=first.bins,
        days=tuple(days),
        rows=_summed([part.rows for part in parts], where, len(days)),
        counts={name: _summed([part.counts[name] for part in parts], where, len(days)) for name in kept},
        moments={
            name: _moments([part.moments[name] for part in parts], where, len(days))
            for name in kept
            if first.bins[name].is_numeric
        },
        lost=lost,
        undated=sum(part.undated for part in parts),
    )


def _summed(parts: Sequence[Counts], where: Sequence[Counts], n: int) -> Counts:
    together = np.zeros((n, *parts[0].shape[1:]), np.int64)
    for part, at in zip(parts, where, strict=True):
        together[at] += part
    return together


def _moments(parts: Sequence[Floats], where: Sequence[Counts], n: int) -> Floats:
    together = np.tile(np.array(NOTHING), (n, 1))
    with np.errstate(over="ignore", invalid="ignore"):  # sums of numbers near the end of float64
        for part, at in zip(parts, where, strict=True):
            for of in SUMMED:
                together[at, of] += part[:, of]
            together[at, LEAST] = np.minimum(together[at, LEAST], part[:, LEAST])
            together[at, MOST] = np.maximum(together[at, MOST], part[:, MOST])
    return together
