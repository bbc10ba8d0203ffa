"""The loop on streams whose truth is known, without flows: many walks in the time that the real one takes for one.

A logistic regression stands for the champion; the promise, the harm watch, the ladder and its choice are the real ones,
and the gate lets pass what loses no more than the champion on the same rows, or cannot be told.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from concepts import FIRST, Stream, stream
from scipy import special
from sklearn.linear_model import LogisticRegression

from evergreen.decisions.drift.harm.days import Day, days_of
from evergreen.decisions.drift.harm.promise import Promise, promise_of
from evergreen.decisions.drift.harm.watch import Harm, watch
from evergreen.decisions.retrain.ladder import (
    BLOCKS,
    TRAININGS,
    Prequential,
    Probed,
    Rung,
    choose,
    measured,
    prequential,
)
from evergreen.learning.evaluation.clusters import Clusters
from tasks.probe import FEWEST_DAYS

TEST_DAYS, EMBARGO, HISTORY, WINDOW = 14, 1, 90, 30
Array = npt.NDArray[np.float64]


class Model(NamedTuple):
    """A champion: a linear logit and a map of it, and the day after the last that it has seen."""

    slopes: Array
    constant: float
    until: int

    def says(self, columns: Array) -> Array:
        """Return the probability of each row, shape (n,)."""
        return np.asarray(special.expit(columns @ self.slopes + self.constant))


class Seen(NamedTuple):
    """A window of a walk: what was found, and what was done about it; None where nothing was."""

    harm: Harm
    probed: Probed
    chosen: Rung | None
    done: str | None


def fitted(rows: Stream, first: int, end: int, *, until: int) -> Model:
    """Return the regression on the days of [first, end)."""
    some = (rows.day >= first) & (rows.day < end)
    made = LogisticRegression().fit(rows.columns[some], rows.returned[some])
    return Model(made.coef_[0], float(made.intercept_[0]), until)


def recalibrated(model: Model, rows: Stream, first: int, end: int, *, until: int) -> Model:
    """Return a model whose logit goes through one more line, fitted on the days of [first, end)."""
    some = (rows.day >= first) & (rows.day < end)
    logit = (rows.columns[some] @ model.slopes + model.constant)[:, None]
    made = LogisticRegression(C=np.inf).fit(logit, rows.returned[some])
    slope, offset = float(made.coef_[0, 0]), float(made.intercept_[0])
    return Model(slope * model.slopes, slope * model.constant + offset, until)


def walked(
    rows: Stream,
    *,
    windows: int,
    min_gain: float,
    cooldown: int,
    tolerance: float = 0.02,
    recent: int = 45,
    attempts: int = 3,
) -> Iterator[Seen]:
    """Yield each window of the stream: the champion is looked at at its end, and replaced if that is worth it."""
    champion = fitted(rows, 0, HISTORY - TEST_DAYS - EMBARGO, until=HISTORY)
    promise = _promise(champion, rows, tolerance)
    promoted, failed = -(10**6), 0
    changed: int | None = None
    for end in range(HISTORY + WINDOW, HISTORY + WINDOW * windows + 1, WINDOW):
        harm = watch(_days(champion, rows, champion.until, end - 1), promise)
        if harm.since and not harm.over:
            changed = _day(harm.since)
        since = changed if harm.since and not harm.over else end - recent if recent else None
        probed, models = probe(champion, rows, promise, end, since=since)
        broken = harm.verdict == "broken"
        limit = min_gain * (probed.champion_loss or 0)
        fires = broken or (probed.surely is not None and probed.surely > limit)
        probed = probed.model_copy(update={"broken": broken and not harm.over})
        chosen = choose(probed, promise, min_gain=min_gain) if fires else None
        trains = chosen is not None and chosen.name in TRAININGS
        held = (end - promoted < cooldown and trains) or failed >= attempts
        done = None
        if chosen and not held:
            done = chosen.name
            key = (chosen.name, chosen.window) if chosen.name != "search" else ("refit", "all")
            candidate = models.get(key) or models["refit", "all"]
            if _passes(candidate, champion, rows, end):
                champion, failed = candidate, 0
                promoted = end if trains else promoted
                promise = _promise(champion, rows, tolerance)
            else:
                done, failed = f"refused {done}", failed + 1
        elif not broken:
            failed = 0
        yield Seen(harm, probed, chosen, done)


def probe(
    champion: Model, rows: Stream, promise: Promise, end: int, *, since: int | None
) -> tuple[Probed, dict[tuple[str, str | None], Model]]:
    """Return what each rung would do on the last days, and the models of the rungs."""
    train_end = end - TEST_DAYS - EMBARGO
    test = (rows.day >= end - TEST_DAYS) & (rows.day < end - 1) & (rows.day >= champion.until)
    models: dict[tuple[str, str | None], Model] = {("refit", "all"): fitted(rows, 0, train_end, until=end)}
    if train_end - champion.until >= 5:
        models["recalibration", "all"] = recalibrated(champion, rows, champion.until, train_end, until=end)
    if since is not None and train_end - since >= 5:
        models["recalibration", "recent"] = recalibrated(
            champion, rows, max(since, champion.until), train_end, until=end
        )
        models["refit", "recent"] = fitted(rows, since, train_end, until=end)
    theirs, by = _lost(champion, rows, test), _clusters(rows.day[test])
    gained = theirs - _lost(models["refit", "all"], rows, test)
    more = _over_more_days(champion, rows, gained, end)
    rungs = [
        measured(
            Rung(name=name, window=window),
            theirs,
            _lost(model, rows, test),
            [by],
            promise,
            more=more if (name, window) == ("refit", "all") else None,
        )
        for (name, window), model in models.items()
    ]
    best = max((rung for rung in rungs if rung.name == "refit"), key=lambda rung: rung.gain or 0.0)
    return (
        Probed(
            evidence="",
            rows=int(test.sum()),
            days=by.n,
            champion_loss=float(theirs.mean()),
            rungs=(*rungs, Rung(name="search", why_not="slow")),
            gain=best.gain,
            low=best.low,
            high=best.high,
        ),
        models,
    )


def _over_more_days(champion: Model, rows: Stream, newest: Array, end: int) -> Prequential | None:
    """Return what refits gain over blocks of as many days, each fitted on the days before its block."""
    gains, some = [newest], (rows.day >= end - TEST_DAYS) & (rows.day < end - 1) & (rows.day >= champion.until)
    last = end - TEST_DAYS
    for _ in range(BLOCKS - 1):
        first = last - TEST_DAYS + 1
        block = (rows.day >= first) & (rows.day < last) & (rows.day >= champion.until)
        if len(np.unique(rows.day[block])) < FEWEST_DAYS:
            break
        refit = fitted(rows, 0, first - EMBARGO, until=first)
        gains.insert(0, _lost(champion, rows, block) - _lost(refit, rows, block))
        some, last = some | block, first
    return prequential(np.concatenate(gains), [_clusters(rows.day[some])]) if len(gains) > 1 else None


def _passes(candidate: Model, champion: Model, rows: Stream, end: int, margin: float = 0.01) -> bool:
    """Return whether a candidate is not surely worse by the margin than the champion, on the gate's days."""
    test = (rows.day >= end - TEST_DAYS) & (rows.day < end - 1)
    rung = measured(
        Rung(name="refit"),
        _lost(champion, rows, test),
        _lost(candidate, rows, test),
        [_clusters(rows.day[test])],
        Promise(loss="brier", at_gate=None, at_most=0.99, tolerance=0.0, evidence=""),
    )
    return rung.high is None or rung.high > -margin


def _lost(model: Model, rows: Stream, some: npt.NDArray[np.bool_]) -> Array:
    return np.square(model.says(rows.columns[some]) - rows.returned[some])


def _clusters(days: npt.NDArray[np.int64]) -> Clusters:
    return Clusters("day", np.unique(days, return_inverse=True)[1].astype(np.int64), in_time=True)


def _promise(model: Model, rows: Stream, tolerance: float) -> Promise:
    gate = (rows.day >= model.until - TEST_DAYS) & (rows.day < model.until - 1)
    return promise_of(_lost(model, rows, gate), _clusters(rows.day[gate]), loss="brier", tolerance=tolerance)


def _days(model: Model, rows: Stream, first: int, end: int) -> tuple[Day, ...]:
    some = (rows.day >= first) & (rows.day < end)
    dates = [FIRST + timedelta(days=int(day)) for day in np.unique(rows.day[some])]
    named = np.repeat(np.array(dates, dtype="datetime64[D]"), np.unique(rows.day[some], return_counts=True)[1])
    return days_of(named, _lost(model, rows, some))


def _day(when: date) -> int:
    return (when - FIRST).days


def simulated(
    kind: str, seed: int, *, windows: int = 12, change: int = 3, a_day: int = 60, **given: float
) -> list[Seen]:
    """Return the walk over a stream of a kind, that changes in a window, from 0 on."""
    days = HISTORY + WINDOW * windows
    rows = stream(kind, days=days, a_day=a_day, change=HISTORY + WINDOW * change, window=WINDOW, seed=seed)
    return list(walked(rows, windows=windows, **{"min_gain": 0.01, "cooldown": 45, **given}))
