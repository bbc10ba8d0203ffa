"""What the winner would be with other train rows: fewer of them, or older ones."""

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.learning import features as domain
from evergreen.learning.analysis.values import LearningCurve, LearningPoint, Staleness, StalenessPoint
from evergreen.learning.evaluation import difference, intervals
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.tuning.folds import draw_evenly
from evergreen.learning.tuning.recipe import Recipe

Array = npt.NDArray[Any]

MOST_ROWS = 10_000  # of a refit for a curve: its shape shows on fewer rows, and ten retrainings stay fast
FEWEST_ROWS = 50
# In units of the gate's metric, for twice the rows.
LEAST_GAIN = 0.002  # the draw of the train rows, which no interval here holds, moves it as much
LITTLE_GAIN = 0.01  # an interval that reaches further leaves open whether more rows help


def learning_curve(
    recipe: Recipe, train: pd.DataFrame, test: pd.DataFrame, labels: Array, whole: Estimates, *, points: int,
    confidence: float,
) -> LearningCurve | str:  # fmt: skip
    """Return the gate's metric by number of train rows, or why there is no curve.

    Each size but the last is half of the next; its rows are drawn at random and hold those of smaller sizes, so that
    rows differ in number and not in age. The last is the model itself, on all rows: `whole` is what it says of `test`.
    """
    if points < 2:
        return "evaluate.curve_points is below 2"
    task = recipe.contract.task
    largest = min(len(train) // 2, MOST_ROWS)
    order = np.random.default_rng(recipe.seed).permutation(len(train))
    fits: list[tuple[int, Estimates]] = []
    for halvings in reversed(range(points - 1)):
        n_rows = largest // 2**halvings
        rows = train.iloc[np.sort(order[:n_rows])]
        if n_rows >= FEWEST_ROWS and _can_fit(rows, recipe.contract):
            fits.append((n_rows, recipe.fit_predict(rows, test, whole.classes)))
    if not fits:
        return f"{len(train)} train rows are too few to leave half of them out"
    fits.append((len(train), whole))
    few = intervals.too_few(task, labels)
    scored = [(n_rows, _scored(labels, said, confidence)) for n_rows, said in fits]
    (before, less), (after, more) = fits[-2:]
    if few:
        gain = low = high = None
        advice = f"Too few test rows to say: {few}."
    else:
        step = difference.difference(task, labels, more.compared, less.compared, confidence=confidence)
        gain, low, high = step.difference, step.low, step.high
        step_of = f"from {before:,} to {after:,} train rows {GATE_METRIC[task]}"
        advice = _advice(step_of, gain, low, high, doublings=float(np.log2(after / before)))
    return LearningCurve(
        points=tuple(
            LearningPoint(rows=n_rows, score=score, low=low_, high=high_)
            for n_rows, (score, low_, high_) in scored
            if score is not None
        ),
        gain=gain,
        low=low,
        high=high,
        advice=advice,
    )


def staleness_curve(recipe: Recipe, train: pd.DataFrame, *, points: int, confidence: float) -> Staleness | str:
    """Return the gate's metric by the age of a model, or why there is no curve.

    One fit on the older half of the train rows, sorted by time, judged on the newer half in blocks of as many rows,
    which begin after the embargo. Of a block at most 10,000 rows are looked at, drawn evenly.
    """
    time = recipe.contract.time
    if time is None:
        return "no column has role time"
    if not points:
        return "evaluate.curve_points is 0"
    times = train[time]
    half = len(train) // 2
    older = train.iloc[draw_evenly(half, at_most=MOST_ROWS, seed=recipe.seed)]
    ends = times.iloc[max(half - 1, 0)]
    embargo = timedelta(days=recipe.features.embargo_days)
    begin = int(times.searchsorted(ends + max(embargo, timedelta(microseconds=1))))
    blocks = [block for block in np.array_split(np.arange(begin, len(train)), points) if len(block)]
    if len(older) < FEWEST_ROWS or not blocks or not _can_fit(older, recipe.contract):
        return f"{len(train)} train rows are too few, or too close in time, to leave the newer half out"
    drawn = [block[draw_evenly(len(block), at_most=MOST_ROWS, seed=recipe.seed)] for block in blocks]
    newer = train.iloc[np.concatenate(drawn)]
    classes = _classes(train, recipe.contract)
    said = recipe.fit_predict(older, newer, classes)
    labels = domain.fit_target(newer, recipe.contract)

    def point(block: Array, truth: Array, values: Array) -> StalenessPoint:
        score, low, high = _scored(truth, Estimates(said.task, values, classes), confidence)
        age = (times.iloc[block[0]] - ends) / timedelta(days=1)
        return StalenessPoint(age_days=float(age), rows=len(truth), score=score, low=low, high=high)

    cuts = np.cumsum([len(part) for part in drawn])[:-1]
    parts = zip(blocks, np.split(labels, cuts), np.split(said.values, cuts), strict=True)
    return Staleness(fitted_rows=len(older), points=tuple(point(*part) for part in parts))


def _advice(step: str, gain: float, low: float, high: float, *, doublings: float) -> str:
    moved = f"{step} changed by {gain:+.4f} [{low:+.4f}, {high:+.4f}]"
    if low > 0 and gain >= LEAST_GAIN * doublings:
        return f"More rows would help: {moved}."
    if low <= 0 and high >= LITTLE_GAIN * doublings:
        return f"The test rows are too few to say whether more rows help: {moved}."
    if high < 0 and gain <= -LEAST_GAIN * doublings:
        return f"More rows made it worse: {moved}. Look for train rows that are unlike the test rows."
    return f"More rows of this kind promise little: {moved}. Try features, or more tuning."


def _scored(labels: Array, said: Estimates, confidence: float) -> tuple[float | None, float | None, float | None]:
    if intervals.too_few(said.task, labels):
        return None, None, None
    contributions = intervals.contributions(said.task, labels, said.compared)
    return contributions.value, *intervals.interval(said.task, labels, contributions, confidence=confidence)


def _can_fit(rows: pd.DataFrame, contract: Contract) -> bool:
    return len(np.unique(domain.fit_target(rows, contract))) > 1


def _classes(rows: pd.DataFrame, contract: Contract) -> tuple[str, ...]:
    return tuple(map(str, np.unique(domain.fit_target(rows, contract)))) if contract.task == "multiclass" else ()
