"""Whether the promise made at the gate is kept, told day by day as labels mature, with one error for the whole life."""

from collections.abc import Iterable, Sequence
from datetime import date
from math import ceil, exp, inf, isfinite, log
from typing import Any, Literal, NamedTuple

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.bet import Bet, part, worth
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.spread import Spread
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

LEAST_PROMISED = 1e-3  # a promise of less is judged as one of this
RECENT_DAYS = 14
POINTS = 100  # of a path
MOST_SHOWN = 1e300


class Point(NamedTuple):
    """The evidence at the end of a day, as a power of ten."""

    day: date
    log10: float


class Harm(Value):
    """Whether the expected loss stayed below the promise, since the champion's first labels.

    `e_value`: the most that the evidence reached; at `limit` the promise is broken, and stays so. `mean`, `recent`: the
    mean loss of all labels, and of those of the last 14 days that have any.
    `since`: the day on which the harm most likely began; `by`: how much more than promised was lost per label since
    then, with its 95 % interval `by_low`, `by_high`, by day; `noticed`: the day on which the limit was reached; `over`:
    whether the last 14 days are back under the promise. None where the promise is not broken.
    `labels_to_decide`: how many more labels would break the promise if days went on as they did since the most likely
    change; None where they are not above it. `labels_to_notice`: how many labels at a loss of `matters` above the
    promise would break it, were that to begin now; None where it could not be noticed.
    `path`: the evidence, at about 100 points at most.
    """

    verdict: Literal["kept", "broken", "not enough data", "unknown"]
    evidence: str
    promise: Promise
    limit: float
    n_labels: int = 0
    n_days: int = 0
    mean: float | None = None
    recent: float | None = None
    e_value: float | None = None
    since: date | None = None
    noticed: date | None = None
    over: bool | None = None
    by: float | None = None
    by_low: float | None = None
    by_high: float | None = None
    labels_to_decide: int | None = None
    labels_to_notice: int | None = None
    path: tuple[Point, ...] = ()


def watch(days: Iterable[Day], promise: Promise, *, alpha: float = 0.05, matters: float = 0.05) -> Harm:
    """Return what the labels known so far say of the promise.

    Parameters
    ----------
    days : all of the champion's that are mature, in any order; several of one day are added up, and those without
        labels do not count. The error holds over looks at more and more days; a day whose labels are not in yet would
        be another day at each look.
    alpha : how often a promise that is kept may be called broken, ever, in (0, 1).
    matters : how much more loss than promised a verdict of "kept" excludes: before there are labels enough to notice
        that, it is "not enough data".

    Returns
    -------
    Harm, "unknown" where nothing was promised, or a day's loss is not in [0, n].

    Notes
    -----
    The test and what it takes for granted: `bet`. Where alpha is 5 %, at most 1 % of whole streams of 40,000 labels at
    exactly the promised loss were called broken, whatever share of a label's variance its day had (0, 1 and 10 %), how
    many labels a day had (100 to 2,000) and what was promised (2, 10 and 40 %); 100 to 200 streams of each.

    Examples
    --------
    >>> from datetime import timedelta
    >>> promised = Promise(loss="error", at_gate=0.09, at_most=0.1, tolerance=0.0, evidence="")
    >>> first = date(2026, 1, 1)
    >>> days = [Day(day=first + timedelta(i), n=100, loss=9 if i < 60 else 20) for i in range(90)]
    >>> watch(days[:60], promised).verdict
    'kept'
    >>> found = watch(days, promised)
    >>> found.verdict, found.since.isoformat(), round(found.by, 2)
    ('broken', '2026-03-02', 0.1)
    """
    limit = 1 / alpha
    merged, odd = _merged(days)
    if odd or not 0 <= promise.at_most < 1:
        why = odd or f"nothing was promised: {promise.evidence}"
        n_labels = sum(day.n for day in merged)
        return Harm(
            verdict="unknown", evidence=why, promise=promise, limit=limit, n_labels=n_labels, n_days=len(merged)
        )
    if not merged:
        return Harm(verdict="not enough data", evidence="no labels are known yet", promise=promise, limit=limit)
    course = _course(merged, promise, log(limit))
    recent = merged[-RECENT_DAYS:]
    found = Harm(
        verdict="kept",
        evidence="",
        promise=promise,
        limit=limit,
        n_labels=sum(day.n for day in merged),
        n_days=len(merged),
        mean=_mean(merged),
        recent=_mean(recent),
        e_value=min(exp(min(course.most, log(MOST_SHOWN))), MOST_SHOWN),
        labels_to_notice=_labels(course.bet, recent, promise.at_most + matters, limit, from_now=True),
        path=course.path,
    )
    if course.noticed is not None and course.since is not None:
        update = _broken(merged, promise, course.since, course.noticed)
    else:
        start = course.bet.start.day
        level = _mean([day for day in merged if start is None or day.day >= start])
        more = _labels(course.bet, recent, level, limit, from_now=False) if level > promise.at_most else None
        few = found.labels_to_notice is None or found.n_labels < found.labels_to_notice
        update = {"verdict": "not enough data" if few else "kept", "labels_to_decide": more}
    found = found.model_copy(update=update)
    return found.model_copy(update={"evidence": _evidence(found, matters)})


class Course(NamedTuple):
    """The bet after all days, when it reached the limit and since when, the most that it reached, and its path."""

    bet: Bet
    noticed: date | None
    since: date | None
    most: float
    path: tuple[Point, ...]


def _merged(days: Iterable[Day]) -> tuple[list[Day], str]:
    """Return days in order, each once, and what is wrong with the first that cannot be judged."""
    sums: dict[date, tuple[int, float]] = {}
    for day in days:
        if day.n == 0:
            continue
        if day.n < 0 or not isfinite(day.loss) or not -1e-9 <= day.loss <= day.n * (1 + 1e-9):
            return [], f"the loss of {day.day} is {day.loss} over {day.n} labels; a label's lies between 0 and 1"
        n, loss = sums.get(day.day, (0, 0.0))
        sums[day.day] = (n + day.n, loss + day.loss)
    return [Day(day=day, n=n, loss=loss) for day, (n, loss) in sorted(sums.items())], ""


def _course(days: Sequence[Day], promise: Promise, limit: float) -> Course:
    rate = max(promise.at_most, LEAST_PROMISED)
    spread = Spread(rate)
    for n, loss in promise.days:
        spread.add(n, min(max(loss / n, 0.0), 1.0))
    spread.begin()
    bet = Bet(rate, spread)
    noticed = since = None
    most = 0.0
    every = max(1, ceil(len(days) / POINTS))
    path = []
    for i, day in enumerate(days):
        bet.add(day.day, day.n, min(max(day.loss / day.n, 0.0), 1.0))
        most = max(most, bet.evidence)
        if noticed is None and bet.evidence >= limit:
            noticed, since = day.day, bet.start.day
        if i % every == 0 or i == len(days) - 1 or noticed == day.day:
            path.append(Point(day.day, round(bet.evidence / log(10), 3)))
    return Course(bet, noticed, since, most, tuple(path))


def _broken(days: Sequence[Day], promise: Promise, since: date, noticed: date) -> dict[str, Any]:
    """Return what is said of a broken promise; once it is over, the harm is that of the days until it was noticed."""
    over = _mean(days[-RECENT_DAYS:]) <= promise.at_most
    harmed = [day for day in days if since <= day.day and (not over or day.day <= noticed)]
    by, low, high = excess(harmed, promise.at_most)
    said = {"verdict": "broken", "since": since, "noticed": noticed, "over": over}
    return said | {"by": by, "by_low": low, "by_high": high}


def _mean(days: Sequence[Day]) -> float:
    return sum(day.loss for day in days) / sum(day.n for day in days)


def excess(days: Sequence[Day], at_most: float) -> tuple[float, float | None, float | None]:
    """Return how much more than promised a label lost, and its 95 % interval, by day."""
    n, loss = np.array([day.n for day in days], dtype=np.float64), np.array([day.loss for day in days])
    mean = float(loss.sum() / n.sum())
    error = clustered_error((loss - mean * n) / n.sum(), Clusters("day", np.arange(len(days)), in_time=True))
    half = error.half_width(0.025)
    if not isfinite(half):
        return mean - at_most, None, None
    return mean - at_most, max(mean - half, 0.0) - at_most, min(mean + half, 1.0) - at_most


def _labels(bet: Bet, recent: Sequence[Day], mean: float, limit: float, *, from_now: bool) -> int | None:
    """Return how many labels at this mean loss, in days like these, take the bets to the limit.

    `from_now`: those that begin now, and not those that are on.
    """
    per_day = sum(day.n for day in recent) / len(recent)
    growth = bet.growth(worth(round(per_day), bet.share()), mean)
    have = np.full_like(growth, log(part(bet.days + 1))) if from_now else bet.bets
    growing = growth > 0
    if mean > 1 or not growing.any():
        return None
    missing = np.maximum(log(limit) + log(len(growth)) - have[growing], 0.0)
    days = float(np.min(missing / growth[growing]))
    return ceil(days) * round(per_day) if days < inf else None


def _evidence(found: Harm, matters: float) -> str:
    promise = found.promise
    measured = f"{promise.loss} {found.mean:.4f} over {found.n_labels:,} labels of {found.n_days:,} days"
    promised = f"promised at most {promise.at_most:.4f}"
    against = f"the evidence against it reached {found.e_value:.3g} of the {found.limit:g} that break it"
    if found.verdict == "broken":
        between = "" if found.by_low is None else f" [{found.by_low:.4f}, {found.by_high:.4f}]"
        back = f"; the last {RECENT_DAYS} days are back under it" if found.over else ""
        return (
            f"{promise.loss} above what was promised, at most {promise.at_most:.4f}, since {found.since}, "
            f"by {found.by:.4f}{between}; "
            f"{against}, on {found.noticed}{back}"
        )
    notice = (
        f"{matters:g} more could not be noticed" if found.labels_to_notice is None
        else f"{matters:g} more would be noticed within {found.labels_to_notice:,} labels"
    )  # fmt: skip
    decide = "" if found.labels_to_decide is None else (
        f"; {found.labels_to_decide:,} more labels like those since the most likely change would break it"
    )  # fmt: skip
    return f"{measured}, {promised}; {against}; {notice}{decide}"
