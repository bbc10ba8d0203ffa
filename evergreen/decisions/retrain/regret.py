"""What each policy was worth on the same history: loss, trainings and regret, and which one to recommend."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from evergreen.base.values import Value
from evergreen.decisions.drift.harm.days import Day
from evergreen.learning.evaluation.clusters import Clusters, clustered_error

NEVER, EVERY = "never", "every-"
ERROR = 0.05  # that any of the intervals of a table misses, at most


class Walked(Value):
    """A window as one policy lived it: who answered its days, what they lost, and what was decided at its end.

    `days`: of the rows whose label is known by now; what was known then decided. `value`: of the gate's metric on
    them, None where it could not be measured. `decision`: its summary. `outcome`: "keep", or what the gate said of the
    candidate that was made; "not done" of the last window, of which nobody would see what came. `rung`: of the repair
    ladder that was made, and `trained`: whether that fitted a model.
    """

    start: date
    end: date
    versions: tuple[int, ...]
    days: tuple[Day, ...]
    value: float | None
    decision: str
    triggers: tuple[str, ...]
    outcome: str
    rung: str | None = None
    trained: bool = False
    model: str | None = None


class Arm(Value):
    """A policy and the windows that it lived through.

    `trainings`, `repairs`, `refused`: candidates that were trained, those that were repaired without a training, and
    how many of both the gate refused; the first training, which every arm has, is none of them. `cpu_seconds`: of
    looks and candidates. `uncounted`: steps that were recorded before anybody counted what they cost.
    """

    policy: str
    walked: tuple[Walked, ...]
    trainings: int
    repairs: int
    refused: int
    cpu_seconds: float = 0.0
    uncounted: int = 0

    @property
    def loss(self) -> float:
        """The losses of all rows, added up."""
        return sum(day.loss for window in self.walked for day in window.days)

    @property
    def rows(self) -> int:
        """How many rows have a loss."""
        return sum(day.n for window in self.walked for day in window.days)


class Row(Value):
    """A policy's line of the table.

    `metric`: the mean over windows. `loss`: of a row. `cost`: of the trainings, in wholly wrong answers. `regret`: the
    loss above that of the best arm of each window, over all rows, and the cost. `difference`: how much more loss and
    cost than the policy compared with, None of that one itself; `low` and `high` None where too few days are known.
    """

    policy: str
    metric: float | None
    loss: float
    trainings: int
    repairs: int
    refused: int
    cpu_seconds: float
    uncounted: int
    cost: float
    regret: float
    difference: float | None = None
    low: float | None = None
    high: float | None = None


class Table(Value):
    """All policies on the same rows. `against`: the policy that the others are compared with, and `why` that one.

    `confidence`: with which all intervals hold together. `recommended`: None where no policy beats that one.
    """

    rows: tuple[Row, ...]
    windows: int
    answered: int
    days: int
    training_cost: float
    confidence: float
    against: str
    why: str
    recommended: str | None
    recommendation: str


class Difference(NamedTuple):
    """How much more loss one arm has than another, over all rows, and how far off that may be; infinite if unknown."""

    loss: float
    half: float


def table(arms: Sequence[Arm], *, training_cost: float) -> Table:
    """Return what each arm was worth, and which policy to recommend.

    Parameters
    ----------
    arms : at least one, all over the same windows.
    training_cost : of one training, in wholly wrong answers, whose loss is 1.

    Notes
    -----
    Arms answer the same rows, so their losses are subtracted day by day, and the error of the sum is that of days that
    hang together (`clusters.clustered_error`): a storm that both lived through is no difference between them. Intervals
    hold together for all comparisons (Bonferroni), because the best of many looks better than it is. The cost of
    trainings is counted, not estimated, and widens nothing. Of 600 simulated histories of 300 days on which five arms
    differed from every-1 by noise with an autocorrelation of 0.4 alone, 1.8 % ended with a recommendation.
    """
    best = [min(losses) for losses in zip(*(_by_window(arm) for arm in arms), strict=True)]
    against, why = compared_with(arms, training_cost=training_cost)
    others = [arm for arm in arms if arm is not against]
    alpha = ERROR / 2 / max(len(others), 1)
    rows = [_row(arm, against, best=sum(best), training_cost=training_cost, alpha=alpha) for arm in arms]
    recommended, said = _recommended(rows, against.policy)
    return Table(
        rows=tuple(rows),
        windows=len(against.walked),
        answered=against.rows,
        days=sum(len(window.days) for window in against.walked),
        training_cost=training_cost,
        confidence=1 - ERROR,
        against=against.policy,
        why=why,
        recommended=recommended,
        recommendation=said,
    )


def compared_with(arms: Sequence[Arm], *, training_cost: float) -> tuple[Arm, str]:
    """Return the arm that the others are compared with, and why it: the best every-k, or else never, or the first."""
    cheapest = sorted(arms, key=lambda arm: arm.loss + arm.trainings * training_cost)
    if periodic := [arm for arm in cheapest if arm.policy.startswith(EVERY)]:
        return periodic[0], "the best every-k" if len(periodic) > 1 else "the only every-k"
    never = [arm for arm in arms if arm.policy == NEVER]
    return (never or list(arms))[0], "there is no every-k among the policies"


def difference(arm: Arm, other: Arm, *, alpha: float) -> Difference:
    """Return how much more loss an arm has than another on the days that both know, paired by day.

    Parameters
    ----------
    alpha : that the difference lies beyond either end of its interval.
    """
    ours, theirs = ({d.day: d for window in each.walked for d in window.days} for each in (arm, other))
    days = sorted(ours.keys() & theirs.keys())
    n = np.array([ours[day].n for day in days], dtype=np.float64)
    gains = np.array([ours[day].loss - theirs[day].loss for day in days])
    total = float(gains.sum())
    around = gains - n * (total / n.sum()) if len(days) else gains
    error = clustered_error(around, Clusters("day", np.arange(len(days)), in_time=True))
    return Difference(total, error.half_width(alpha) if error.se else 0.0)


def _by_window(arm: Arm) -> list[float]:
    return [sum(day.loss for day in window.days) for window in arm.walked]


def _row(arm: Arm, against: Arm, *, best: float, training_cost: float, alpha: float) -> Row:
    values = [window.value for window in arm.walked if window.value is not None]
    cost = arm.trainings * training_cost
    found: dict[str, float] = {}
    if arm is not against:
        loss, half = difference(arm, against, alpha=alpha)
        found["difference"] = more = loss + cost - against.trainings * training_cost
        if np.isfinite(half):
            found |= {"low": more - half, "high": more + half}
    return Row(
        policy=arm.policy,
        metric=sum(values) / len(values) if values else None,
        loss=arm.loss / arm.rows if arm.rows else 0.0,
        trainings=arm.trainings,
        repairs=arm.repairs,
        refused=arm.refused,
        cpu_seconds=arm.cpu_seconds,
        uncounted=arm.uncounted,
        cost=cost,
        regret=arm.loss - best + cost,
        **found,
    )


def _recommended(rows: Sequence[Row], against: str) -> tuple[str | None, str]:
    """Return the policy to recommend and the reason in a sentence; None where none beats the one compared with."""
    theirs = next(row for row in rows if row.policy == against)
    judged = [row for row in rows if row.high is not None]
    sure = [row for row in judged if row.high is not None and row.high < 0]
    if sure:
        best = min(sure, key=lambda row: row.regret)
        return best.policy, (
            f"take {best.policy}: it costs {_between(best, against)}, with {best.trainings} trainings instead of "
            f"{theirs.trainings}"
        )
    text = f"no policy beats {against} here"
    if judged:
        nearest = min(judged, key=lambda row: row.regret)
        text += f"; the nearest, {nearest.policy}, costs {_between(nearest, against)}"
        if nearest.low is not None and nearest.high is not None and nearest.low <= 0 and nearest.low < nearest.high:
            text += ", which chance can make"
    return None, text


def _between(row: Row, against: str) -> str:
    assert row.difference is not None
    assert row.low is not None
    assert row.high is not None
    if row.difference == row.low == row.high == 0:
        return f"as much as {against}"
    side = "less" if row.difference < 0 else "more"
    return (
        f"{abs(row.difference):,.0f} wholly wrong answers {side} than {against} [{row.low:,.0f}, {row.high:,.0f}], "
        "trainings included"
    )
