"""A column that is one value for longer than the reference makes likely."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evergreen.decisions.drift.faults.shares import FEW_ROWS
from evergreen.decisions.drift.faults.stretches import Floats, Whole, patient
from evergreen.decisions.drift.faults.verdict import Fault
from evergreen.decisions.drift.profile.profile import FINITE, INFINITE, LEAST, MOST, Profile

LIKELY = 1e-5  # a run that the reference makes less likely than this is a fault
RESTS, MOSTLY = 0.05, 0.5  # of the reference's days; of its rows, where a single day will do
LEAST_Q = 0.1  # no value of the reference is taken to be rarer: six equal rows at least


Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Run:
    start: int
    end: int
    value: float


def find_constant(name: str, reference: Profile, window: Profile) -> Fault | None:
    """Return the fault of the longest run of days on which all values that are there are one, if it is not likely.

    Notes
    -----
    For a run of L days every stretch of the reference that may excuse it (`stretches.patient`) is asked how likely it
    makes the run: the product of q ** n over its days and the rows that fall to each, where q is the share of rows that
    had the value on that day, or the most that it can have been: the share of its cell, and of numbers at most
    1 - E(x - value)² / max (x - value)². Days on which the reference was constant itself at one value make it certain.
    A value at which the reference rests is never a fault, as no snow: how long a season lasts is not known. It rests at
    one if it is constant at it on a twentieth of its days, or on one if half of all rows have it, and on three times as
    many as by chance.
    A run of a single day counts in a window of one day only: a day may have few rows, or rows alike.
    """
    present = window.counts[name][:, :-1].sum(axis=1)
    unlikely = [
        run
        for run in _runs(_single_values(name, window), present)
        if run.end - run.start >= min(2, len(present)) and not _likely(run, name, reference, present)
    ]
    if not unlikely:
        return None
    run = max(unlikely, key=lambda run: int(present[run.start : run.end].sum()))
    n, since = int(present[run.start : run.end].sum()), window.days[run.start]
    return Fault(
        column=name,
        kind="constant",
        evidence=f"all of {n:,} values from {since} to {window.days[run.end - 1]} are {_shown(run, name, reference)}; "
        f"no {patient(run.end - run.start, len(reference.days))} days in a row of the reference make that likely",
        share=n / int(window.counts[name].sum()),
        since=since,
    )


def _single_values(name: str, profile: Profile) -> Floats:
    """Return the one value of each day, of categories its cell; NaN where there are several or none."""
    if name in profile.moments:
        moments = profile.moments[name]
        least, most = moments[:, LEAST], moments[:, MOST]
        single = (moments[:, FINITE] > 0) & (least == most) & (moments[:, INFINITE] == 0)
        return np.asarray(np.where(single, least, np.nan))
    counts = profile.counts[name][:, :-2]  # what is in the cell of other values need not be one value
    single = (counts.max(axis=1, initial=0) == profile.counts[name][:, :-1].sum(axis=1)) & counts.any(axis=1)
    return np.asarray(np.where(single, counts.argmax(axis=1) if counts.shape[1] else np.nan, np.nan), dtype=np.float64)


def _runs(values: Floats, present: Whole) -> list[_Run]:
    """Return the runs of days at one value; days without values do not end one."""
    runs: list[_Run] = []
    open_run: _Run | None = None
    for day in np.flatnonzero(present):
        value = float(values[day])
        if open_run and value == open_run.value:
            open_run = _Run(open_run.start, int(day) + 1, value)
            runs[-1] = open_run
        elif np.isnan(value):
            open_run = None
        else:
            open_run = _Run(int(day), int(day) + 1, value)
            runs.append(open_run)
    return runs


def _likely(run: _Run, name: str, reference: Profile, present: Whole) -> bool:
    there = reference.counts[name][:, :-1].sum(axis=1) > 0
    before = reference.counts[name][there]
    if not there.any():
        return True
    length = patient(run.end - run.start, len(before))
    chunks = np.array([part.sum() for part in np.array_split(present[run.start : run.end], length)])
    q = np.clip(_shares(run.value, name, reference, there), LEAST_Q, 1.0)
    logs = np.lib.stride_tricks.sliding_window_view(np.log(q), length) @ chunks
    single = np.lib.stride_tricks.sliding_window_view(_single_values(name, reference)[there], length)
    rows = np.lib.stride_tricks.sliding_window_view(before[:, :-1].sum(axis=1), length).sum(axis=1)
    itself = (single == single[:, :1]).all(axis=1) & (rows >= FEW_ROWS)
    return bool(logs.max() > np.log(LIKELY) or itself.any() or _rests(run.value, name, reference, there))


def _rests(value: float, name: str, reference: Profile, there: Flags) -> bool:
    n = reference.counts[name][there][:, :-1].sum(axis=1)
    shares = _shares(value, name, reference, there)
    resting = int(((_single_values(name, reference)[there] == value) & (n >= FEW_ROWS)).sum())
    usual = float((shares * n).sum() / n.sum())
    chance = float((usual**n).sum())
    return resting >= max(1, 3 * chance, 0 if usual >= MOSTLY else RESTS * len(n))


def _shares(value: float, name: str, reference: Profile, there: Flags) -> Floats:
    counts = reference.counts[name][there][:, :-1].astype(np.float64)
    n = counts.sum(axis=1)
    edges = reference.bins[name].edges
    cell = int(value) if edges is None else int(np.searchsorted(edges, value, side="left"))
    shares = counts[:, cell] / n
    if name in reference.moments:
        origin = reference.bins[name].origin
        at = np.float64(value) - origin
        shares = np.minimum(shares, _most_at(at, reference.moments[name][there], origin))
    pooled = float((shares * n).sum() / n.sum())
    return np.asarray(np.where(n >= FEW_ROWS, shares, (shares * n + FEW_ROWS * pooled) / (n + FEW_ROWS)))


def _most_at(value: np.float64, moments: Floats, origin: float) -> Floats:
    """Return the largest share of rows of each day that may have had a value, given from the origin as all here is."""
    n, total, squares, least, most = moments[:, : MOST + 1].T
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total, least, most = total - n * origin, least - origin, most - origin
        spread = squares / n - 2 * value * total / n + value**2
        furthest = np.maximum(np.abs(least - value), np.abs(most - value)) ** 2
        bound = np.where(furthest > 0, 1 - spread / furthest, 1.0)
    bound = np.where((value < least) | (value > most), 0.0, bound)
    return np.asarray(np.where(n > 0, np.clip(np.nan_to_num(bound, nan=1.0), 0, 1), 0.0))


def _shown(run: _Run, name: str, reference: Profile) -> str:
    categories = reference.bins[name].categories
    return f"{run.value:.6g}" if categories is None else f"'{categories[int(run.value)]}'"
