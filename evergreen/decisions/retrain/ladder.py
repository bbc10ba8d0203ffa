"""The repair ladder: what would help a champion, measured side by side, and the cheapest of it that helps enough."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

Name = Literal["threshold", "recalibration", "boosting", "refit", "search"]
Window = Literal["all", "recent"]
Array = npt.NDArray[np.float64]
RUNGS: tuple[Name, ...] = ("threshold", "recalibration", "boosting", "refit", "search")  # the cheapest first
TRAININGS: tuple[Name, ...] = ("boosting", "refit", "search")  # what fits a model; the others adjust its answers
ALPHA = 0.025  # on either side of an interval
BLOCKS = 3  # of the newest days, and of so many before them, that refits are asked about one after the other


class Prequential(Value):
    """What refits gained over blocks of days, each of them fitted on what was known before its block (Dawid, 1984).

    `gain`: the champion's mean loss minus theirs on `days` days, with the 97.5 % interval from `low` to `high`.
    """

    days: int
    gain: float
    low: float
    high: float


class Rung(Value):
    """A repair, and what it does for the champion on rows that neither has seen.

    `window`: the history that it is made of, all or since the change; None where it has none. `loss`: its mean loss;
    `gain`: the champion's minus its own, with the 95 % interval by day from `low` to `high`. `prequential`: the same
    over more days, where there are enough that the champion has not seen; the interval of `gain` is one of 97.5 % then,
    so that both hold together in 95 %. `restores`: whether the upper end of its loss is within the promise; None where
    nobody can tell. `why_not`: why it could not be made or measured, and then it has no figures; `failed`: whether that
    is an error, and not that it does not apply.
    """

    name: Name
    window: Window | None = None
    loss: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    prequential: Prequential | None = None
    restores: bool | None = None
    seconds: float = 0.0
    why_not: str | None = None
    failed: bool = False

    @property
    def is_training(self) -> bool:
        """Whether it fits a model."""
        return self.name in TRAININGS

    @property
    def surely(self) -> float | None:
        """The least that it gains; None where nobody can tell."""
        return least_gain(self.gain, self.low, self.prequential)


class Probed(Value):
    """What was tried for a champion on the newest labelled rows that it has not seen, the cheapest first.

    `rows`, `days`: how many there are of these; `champion_loss`: its mean loss on them. `gain`, `low`, `high`: of the
    best refit; None where nobody can tell. `since`: the first day of what counts as recent; None where nothing does.
    `broken`: whether the champion's promise is, and its last days are not back under it. `failed`: whether no refit
    could be measured for an error, and not because too little is known.
    """

    evidence: str
    failed: bool = False
    rows: int = 0
    days: int = 0
    champion_loss: float | None = None
    rungs: tuple[Rung, ...] = ()
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    since: date | None = None
    broken: bool = False

    @property
    def prequential(self) -> Prequential | None:
        """What refits on all rows gain over more days; None where nobody can tell."""
        return next((rung.prequential for rung in self.rungs if rung.prequential), None)

    @property
    def surely(self) -> float | None:
        """The least that a refit gains; None where nobody can tell."""
        return least_gain(self.gain, self.low, self.prequential)


def least_gain(gain: float | None, low: float | None, prequential: Prequential | None) -> float | None:
    """Return what is gained at least: on the newest days, or over more, if anything is gained on the newest too."""
    over_more = prequential.low if prequential and gain is not None and gain > 0 else None
    return max((each for each in (low, over_more) if each is not None), default=None)


def measured(
    rung: Rung, theirs: Array, ours: Array, by: Sequence[Clusters], promise: Promise, *, more: Prequential | None = None
) -> Rung:
    """Return a rung with its figures.

    Parameters
    ----------
    theirs, ours : shape (n,), the losses of the champion and of the repair on the same rows, in [0, 1].
    by : which rows belong together; of several ways the one that is surest of least counts.
    more : what refits like it gained over more days.
    """
    gain, half = _interval(theirs - ours, by, ALPHA / 2 if more else ALPHA)
    loss, reach = _interval(ours, by, ALPHA)
    known = np.isfinite(half)
    can_tell = np.isfinite(reach) and promise.at_most < 1
    return rung.model_copy(
        update={
            "loss": loss,
            "gain": gain,
            "low": gain - half if known else None,
            "high": gain + half if known else None,
            "prequential": more,
            "restores": bool(loss + reach <= promise.at_most) if can_tell else None,
        }
    )


def prequential(gains: Array, by: Sequence[Clusters]) -> Prequential | None:
    """Return what was gained over blocks of days; None where nobody can tell.

    Parameters
    ----------
    gains : shape (n,), of each row the champion's loss minus that of the refit that came before its block.
    by : as of `measured`, the days first.
    """
    gain, half = _interval(gains, by, ALPHA / 2)
    return Prequential(days=by[0].n, gain=gain, low=gain - half, high=gain + half) if np.isfinite(half) else None


def _interval(values: Array, by: Sequence[Clusters], alpha: float) -> tuple[float, float]:
    """Return the mean, and how far off it may be on either side, with probability `alpha` of more."""
    mean = float(values.mean())
    around = (values - mean) / len(values)
    return mean, max(clustered_error(around, clusters).half_width(alpha) for clusters in by)


def evidence_of(rungs: Sequence[Rung], best: Rung | None, *, rows: int, days: int) -> str:
    """Return what was measured, in a sentence; `best`: the refit that gained most, None where none could be made."""
    on = f"on {rows:,} rows of {days} days that the champion has not seen"
    if best is None:
        why = next((rung.why_not for rung in rungs if rung.name == "refit" and rung.why_not), "no days")
        return f"no refit could be measured {on}: {why}"
    between = "" if best.low is None else f" [{best.low:.4f}, {best.high:.4f}]"
    than = "less" if (best.gain or 0) > 0 else "more"
    found = [f"a refit on {best.window} rows loses {abs(best.gain or 0):.4f} {than}{between} than the champion {on}"]
    found += [
        f"over {more.days} days, each block of them by a refit that came before, {more.gain:+.4f} "
        f"[{more.low:.4f}, {more.high:.4f}]"
        for more in (rung.prequential for rung in rungs)
        if more
    ]
    others = [f"{rung.name} {rung.gain:+.4f}" for rung in rungs if rung is not best and rung.gain is not None]
    found += [f"beside it, {', '.join(others)}"] if others else []
    return "; ".join(found)


def choose(probed: Probed, promise: Promise, *, min_gain: float) -> Rung | None:
    """Return the rung that is worth its price; None where none is, or nothing could be measured.

    Where the promise is broken, and the newest loss is above it: the cheapest that restores it. Where none does, or it
    is kept, the best is looked for among those whose gain is surely above `min_gain` of the champion's loss, and the
    cheapest is taken that is as good on the same rows but for `min_gain`; how sure that one's own gain is, is the
    gate's question. Where the promise is broken and nothing that was measured helps, a search.

    Examples
    --------
    >>> promised = Promise(loss="error", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="")
    >>> curve = Rung(name="recalibration", loss=0.19, gain=0.02, low=0.01, high=0.03, restores=False)
    >>> refit = Rung(name="refit", window="all", loss=0.12, gain=0.09, low=0.07, high=0.11, restores=True)
    >>> probed = Probed(evidence="", champion_loss=0.21, broken=True, rungs=(curve, refit))
    >>> choose(probed, promised, min_gain=0.01).name
    'refit'
    """
    if probed.champion_loss is None:
        return None
    broken = probed.broken and probed.champion_loss > promise.at_most
    restoring = [rung for rung in probed.rungs if rung.restores and _gain(rung) > 0]
    if broken and restoring:
        return _best_of_cheapest(restoring)
    matters = min_gain * probed.champion_loss
    worth = [rung for rung in probed.rungs if rung.surely is not None and rung.surely > matters]
    if worth:
        best = max(map(_gain, worth))
        return _best_of_cheapest([rung for rung in probed.rungs if _gain(rung) >= best - matters])
    return next((rung for rung in probed.rungs if rung.name == "search"), None) if broken else None


def _best_of_cheapest(ladder: Sequence[Rung]) -> Rung:
    """Return the cheapest rung, on the history on which it gains most."""
    cheapest = min((rung.name for rung in ladder), key=RUNGS.index)
    return max((rung for rung in ladder if rung.name == cheapest), key=_gain)


def _gain(rung: Rung) -> float:
    return rung.gain if rung.gain is not None else -np.inf


def after(rung: Rung, probed: Probed) -> Rung | None:
    """Return the next rung of the ladder that could be made, for one that the gate refused; None above the last."""
    higher = [other for other in probed.rungs if RUNGS.index(other.name) > RUNGS.index(rung.name)]
    made = [other for other in higher if other.why_not is None or other.name == "search"]
    return _best_of_cheapest(made) if made else None
