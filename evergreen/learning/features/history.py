"""Features of the past: what a row's group did before, as of the row's time and never with what came later."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from evergreen.base import memory
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams, History
from evergreen.learning.features import derived

Frame = pd.DataFrame
Array = np.ndarray[Any, Any]
KNOWN_LATE = ("target", "leakage", "ignore")  # of an ignored column nobody has said when it is known
MICROSECONDS_PER_DAY = 86_400 * 10**6
BYTES_PER_ROW, BYTES_PER_VALUE = 400, 16  # while rows are sorted and counted
NOTHING = {"min": np.inf, "max": -np.inf}  # what changes no least or greatest value


def needed(contract: Contract, params: FeatureParams) -> tuple[str, ...]:
    """Return the columns that `PastRows` reads, in the contract's order; none without history."""
    named = {name for history in params.history.values() for name in (*history.by, history.of)}
    return tuple(c.name for c in contract.columns if params.history and (c.name in named or c.role == "time"))


def days_back(contract: Contract, params: FeatureParams) -> float:
    """Return how many days before a row its features may look back on: 0 without history, infinity for a lag."""
    windows = [history.window_days for history in params.history.values()]
    days = [window for window in windows if window is not None]
    if len(days) < len(windows):
        return math.inf
    # A day more: a day of the clock may have 25 hours.
    return max(days) + contract.label_delay_days + 1 if days else 0


class PastRows:
    """The rows that later ones look back on, kept from batch to batch for as long as one can need them.

    For a row at time T, a feature of `of` sees the rows of its group whose time lies strictly before T; those before
    T - `label_delay_days` where `of` is the target, or known only with it. An aggregate sees the last `window_days` of
    that, and leaves missing values out; a lag counts them. Rows of one time are taken in the order of the value. Where
    no row is seen, the feature is missing, and a count 0; where a row does not tell its group or its time, everything
    is missing, and no row sees it.
    """

    def __init__(self, contract: Contract, params: FeatureParams) -> None:
        self._contract = contract
        self.columns = needed(contract, params)
        self._history = params.history
        self._delays = {
            column.name: contract.label_delay_days * MICROSECONDS_PER_DAY if column.role in KNOWN_LATE else 0
            for column in contract.columns
        }
        self._kept: Frame | None = None
        self._newest = np.iinfo(np.int64).min

    def derive(self, rows: Frame) -> Frame:
        """Return rows with one float64 column for each history feature, their order and index as they came.

        Batches come in the order of time: none holds a row before the last one of those that came earlier. How rows are
        cut into batches changes no bit of a feature.

        Raises
        ------
        ResourceError if the rows that are looked back on do not fit into memory.
        """
        if not self._history:
            return rows
        time = self._contract.time
        assert time is not None
        timed = rows[time].notna().to_numpy()
        made = {name: np.full(len(rows), np.nan) for name in self._history}
        if timed.any():
            came = self._typed(rows.loc[timed, list(self.columns)].reset_index(drop=True), time)
            if came[time].min() < self._newest:
                raise ValueError("a batch holds a row before the last one of the batches that came earlier")
            self._newest = came[time].max()
            known = came if self._kept is None else pd.concat([self._kept, came], ignore_index=True)
            memory.require(
                (BYTES_PER_ROW + BYTES_PER_VALUE * len(made)) * len(known),
                f"looking back on {len(known)} rows of '{self._contract.name}'",
                next_step="Shorten window_days in features.history, free memory, or give the process more of it.",
            )
            features, keep = self._look_back(known, known[time].to_numpy())
            self._kept = known[keep]
            for name in self._history:
                made[name][timed] = features[name][-len(came) :]
        return rows.assign(**made)

    def _typed(self, rows: Frame, time: str) -> Frame:
        """Return rows with the time in microseconds and what is aggregated as finite float64."""
        instants = pd.to_datetime(rows[time], utc=True, format="ISO8601")
        named = dict.fromkeys(history.of for history in self._history.values() if history.of)
        return rows.assign(
            **{time: instants.dt.as_unit("us").astype("int64")},
            **{of: derived.finite(derived.numbers(rows[of])) + 0.0 for of in named},  # -0.0 is 0.0
        )

    def _look_back(self, known: Frame, times: Array) -> tuple[dict[str, Array], Array]:
        """Return the features of all rows, and which rows a later one may look back on."""
        made, keep = {}, np.zeros(len(known), dtype=bool)
        oldest = times.max() - max(
            (history.window_days or 0) * MICROSECONDS_PER_DAY + self._delay(history)
            for history in self._history.values()
        )
        for (by, of), named in _together(self._history).items():
            groups = known.groupby(list(by)).ngroup().fillna(-1).to_numpy(np.int64) if by else np.zeros_like(times)
            values = known[of].to_numpy() if of else np.zeros(len(known))
            order = np.lexsort((values, times, groups))
            past = _Sorted(groups[order], times[order], values[order], delay=self._delay(named[0][1]))
            for name, history in named:
                made[name] = np.empty(len(known))
                made[name][order] = np.where(past.groups < 0, np.nan, past.feature(history))
            most = max(history.lag or 0 for _, history in named)
            keep[order] |= (past.groups >= 0) & (np.arange(len(known)) >= past.n_before(oldest) - most)
        return made, keep

    def _delay(self, history: History) -> int:
        return self._delays[history.of] if history.of else 0


class _Sorted:
    """Rows by group, time and value."""

    def __init__(self, groups: Array, times: Array, values: Array, *, delay: int) -> None:
        self.groups, self._times, self._values, self._delay = groups, times, values, delay
        self._end = self.n_before(times - delay)

    def n_before(self, moments: "Array | np.int64") -> Array:
        """Return how many rows lie before each row's moment, strictly, in its group or in a group before it."""
        n = len(self.groups)
        # The sort is stable, so a moment goes before the rows of the same time.
        asked = np.concatenate([np.broadcast_to(moments, n), self._times])
        order = np.lexsort((asked, np.concatenate([self.groups, self.groups])))
        is_row = order >= n
        counts = np.empty(n, dtype=np.int64)
        counts[order[~is_row]] = np.cumsum(is_row)[~is_row]
        return counts

    def feature(self, history: History) -> Array:
        if history.lag is not None:
            place = self._end - history.lag
            seen = place >= np.searchsorted(self.groups, self.groups)
            lagged: Array = np.where(seen, self._values[np.where(seen, place, 0)], np.nan)
            return lagged
        assert history.window_days is not None
        return self._aggregated(str(history.aggregate), history.window_days * MICROSECONDS_PER_DAY)

    @np.errstate(all="ignore")  # what is no number is missing in the end
    def _aggregated(self, aggregate: str, window: int) -> Array:
        """Return an aggregate of the known values in each row's window, in microseconds.

        Time is divided into blocks as long as the window, which so lies in two of them: the end of one and the
        beginning of the next. Either part is summed up from the border between them. Nothing is subtracted, and no row
        outside the window has a part in it, so that rounding does not depend on which rows are there.
        """
        until = self._times - self._delay
        begin, border = self.n_before(until - window), self.n_before(until // window * window)
        known = np.concatenate([[0], np.cumsum(~np.isnan(self._values))])
        n_early, n_late = known[border] - known[begin], known[self._end] - known[border]
        n: Array = (n_early + n_late).astype("float64")
        if aggregate == "count":
            return n
        blocks, nothing = [self.groups, self._times // window], NOTHING.get(aggregate, 0.0)
        onwards = _running(aggregate, self._values, blocks)
        backwards = _running(aggregate, self._values[::-1], [block[::-1] for block in blocks])
        late = {name: np.where(n_late, running[self._end - 1], nothing) for name, running in onwards.items()}
        begin = np.minimum(begin, len(self._times) - 1)  # of an empty part it may lie behind the last row
        early = {name: np.where(n_early, running[::-1][begin], nothing) for name, running in backwards.items()}
        if aggregate in NOTHING:
            combined = (np.minimum if aggregate == "min" else np.maximum)(early[aggregate], late[aggregate])
        elif aggregate == "std":
            apart = np.where(n_early * n_late, late["sum"] / n_late - early["sum"] / n_early, 0.0)
            spread = early["spread"] + late["spread"] + apart**2 * n_early * n_late / n
            combined = np.sqrt(spread / (n - 1))
        else:
            combined = (early["sum"] + late["sum"]) / (n if aggregate == "mean" else 1)
        aggregated: Array = np.where((n > 0) & np.isfinite(combined), combined, np.nan)
        return aggregated


def _running(aggregate: str, values: Array, blocks: list[Array]) -> dict[str, Array]:
    """Return what an aggregate needs of the known values of each row's block, up to the row and with it."""
    known = ~np.isnan(values)

    def so_far(how: str, numbers: Array) -> Array:
        return np.asarray(getattr(pd.Series(numbers).groupby(blocks, sort=False), how)())

    if aggregate in NOTHING:
        return {aggregate: so_far(f"cum{aggregate}", np.where(known, values, NOTHING[aggregate]))}
    sums = {"sum": so_far("cumsum", np.where(known, values, 0.0))}
    if aggregate == "std":  # Welford, Technometrics 4 (1962) 419
        means = sums["sum"] / np.maximum(so_far("cumsum", known.astype("float64")), 1.0)
        earlier = np.nan_to_num(so_far("shift", means))
        more = np.where(known, (values - earlier) * (values - means), 0.0)
        sums["spread"] = so_far("cumsum", np.maximum(more, 0.0))
    return sums


def _together(
    declared: Mapping[str, History],
) -> dict[tuple[tuple[str, ...], str | None], list[tuple[str, History]]]:
    """Return the features by what their rows are sorted by."""
    together = defaultdict(list)
    for name, history in declared.items():
        together[history.by, history.of].append((name, history))
    return dict(together)
