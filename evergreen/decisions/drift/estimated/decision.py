"""What a window's performance would be if its labels followed the estimates as they did at the gate.

Without labels, one can ask what the model's own probabilities, calibrated on the gate's rows, lead to expect (CBPE),
and give those gate rows more weight that look like the window's (PAPE; Białek et al., 2024). Both take p(y|x) as it
was. Where it changed, nothing here can tell: an estimate is a note beside the measured curve, and no alarm.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from evergreen.base.values import Value
from evergreen.config.contract.columns import Task
from evergreen.decisions.drift.estimated import density, expected
from evergreen.decisions.drift.estimated.expected import Calibrated, Expected, OfChances
from evergreen.decisions.drift.estimated.rows import LEAST_ROWS, Array, Rows, came_true, labelled, why_not
from evergreen.learning.evaluation.clusters import clustered_error

EstimatedVerdict = Literal["estimated", "not enough data", "unknown"]
Method = Literal["CBPE", "PAPE", "importance weighting"]
Metric = Literal["roc_auc", "accuracy", "mae"]
Loss = Literal["brier", "error", "absolute error"]
MOST_OUTSIDE = 0.1
Blind = Literal["blind to concept drift"]

METRIC: dict[Task, Metric] = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "mae"}
LOSSES: dict[Task, tuple[Loss, ...]] = {
    "binary": ("brier", "error"),
    "multiclass": ("error",),
    "regression": ("absolute error",),
}


class Measured(NamedTuple):
    """A metric as it is expected of the window and as the labels of the reference have it; the most that it can be."""

    expected: Expected
    at_gate: float
    most: float


class Estimated(Value):
    """What is expected of a window whose labels nobody knows; no verdict of it can page.

    `value` of `metric` with `low` and `high`; `loss`, the mean of `loss_name` in [0, 1], with its own; `accuracy` of
    binary answers; each at `confidence`, and None unless the verdict is "estimated". `gate_value` and so
    on: what the labels of the reference say of it. `n_effective`: how many rows of the reference count.
    """

    verdict: EstimatedVerdict
    evidence: str
    blind: Blind = "blind to concept drift"
    metric: Metric
    loss_name: Loss
    n_reference: int
    n_window: int
    confidence: float
    method: Method | None = None
    n_effective: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    loss: float | None = None
    loss_low: float | None = None
    loss_high: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    gate_value: float | None = None
    gate_loss: float | None = None
    gate_accuracy: float | None = None


def decide(
    task: Task,
    reference: Rows,
    window: Rows,
    *,
    loss: Loss | None = None,
    threshold: float = 0.5,
    scale: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimated:
    """Return what is expected of a window, from the gate's labelled rows.

    PAPE where both sides have features and CBPE otherwise; of a number, the errors of the reference, weighted as the
    window lies (importance weighting). "not enough data" with fewer than 50 rows or 4 clusters on a side, fewer than 10
    labels of a kind, or a window that lies elsewhere: where the reference is worth fewer than 50 rows, or for a tenth
    of it has hardly any. "unknown" where an estimate is missing, the reference has one class only, or its labels are of
    another kind.

    Parameters
    ----------
    loss : of the task; by default brier (binary), error (multiclass) or absolute error (regression).
    threshold : of binary answers.
    scale : what absolute errors are divided by, up to a loss of 1; without one there is no `loss` of a number.
    confidence : of the two-sided intervals, in (0, 1): of which rows the reference has and which the window, clustered.
    """
    loss_name = loss or LOSSES[task][0]
    if loss_name not in LOSSES[task]:
        raise ValueError(f"a {task} task has no loss {loss!r}")
    said = Estimated(
        verdict="unknown",
        evidence="",
        metric=METRIC[task],
        loss_name=loss_name,
        n_reference=len(reference.said),
        n_window=len(window.said),
        confidence=confidence,
    )
    if refused := why_not(task, reference, window):
        return said.model_copy(update={"verdict": refused[0], "evidence": refused[1]})
    known, seen = labelled(reference).drawn(seed), window.drawn(seed)
    n, has_features = len(known.said), known.features is not None and seen.features is not None
    try:
        like_window = (
            density.ratio(known, seen, seed=seed)
            if has_features or task == "regression"
            else density.Density(np.ones(n), float(n), 0.0)
        )
        n_effective = like_window.n_effective
        if few := _elsewhere(like_window, n):
            update = {"verdict": "not enough data", "evidence": few, "n_effective": n_effective}
            return said.model_copy(update=update)
        with np.errstate(over="raise", invalid="raise"):
            found = (
                _of_numbers(known, seen, like_window.weights, scale)
                if task == "regression"
                else _of_chances(task, known, seen, like_window.weights, loss=loss_name, threshold=threshold)
            )
            figures = {
                name: _figures(name, *each, known=known, seen=seen, confidence=confidence)
                for name, each in found.items()
            }
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        return said.model_copy(update={"evidence": f"could not be computed: {error}"})
    method: Method = "importance weighting" if task == "regression" else "PAPE" if has_features else "CBPE"
    told = ", ".join(
        "{} {:.4f} [{:.4f}, {:.4f}] (the gate's rows: {:.4f})".format(called, *figures[name].values())
        for name, called in (("loss", loss_name), ("value", said.metric))
        if name in figures
    )
    return said.model_copy(
        update={
            "verdict": "estimated",
            "evidence": f"expected by {method}: {told}; {n} labelled rows are worth {n_effective:.0f}; {said.blind}",
            "method": method,
            "n_effective": n_effective,
            **{field: value for each in figures.values() for field, value in each.items()},
        }
    )


def _elsewhere(like_window: density.Density, n: int) -> str:
    """Return why the window lies too far from the n rows of the reference; empty where it does not."""
    lies = "the window lies where the reference has few rows: "
    if like_window.outside > MOST_OUTSIDE:
        there = f"more than {density.MOST_RATIO:.0f} times as dense there"
        return f"{lies}{like_window.outside:.0%} of it are {there}; at most {MOST_OUTSIDE:.0%} may be"
    if like_window.n_effective < LEAST_ROWS:
        return f"{lies}{n} are worth {like_window.n_effective:.0f} there; at least {LEAST_ROWS} are needed"
    return ""


def _of_chances(
    task: Task, known: Rows, seen: Rows, weights: Array, *, loss: Loss, threshold: float
) -> dict[str, Measured]:
    true, before, now = came_true(task, known), known.said.astype(np.float64), seen.said.astype(np.float64)
    fitted, least = Calibrated(before, true, weights), threshold if task == "binary" else -math.inf

    def of(metric: expected.Metric) -> Measured:
        return Measured(fitted.expect(now, metric), metric(before, true, np.ones(len(true))).value, 1.0)

    def is_wrong(said: Array, chances: Array, weights: Array) -> OfChances:
        return expected.error(said >= least, chances, weights)

    def is_right(said: Array, chances: Array, weights: Array) -> OfChances:
        return expected.error(said < least, chances, weights)

    losses = of(expected.brier if loss == "brier" else is_wrong)
    if task == "multiclass":
        return {"value": of(is_right), "loss": losses}
    return {"value": of(expected.roc_auc), "loss": losses, "accuracy": of(is_right)}


def _of_numbers(known: Rows, seen: Rows, weights: Array, scale: float | None) -> dict[str, Measured]:
    before, now = known.said.astype(np.float64), seen.said.astype(np.float64)
    errors = np.abs(came_true("regression", known) - before)
    found = {"value": Measured(expected.weighted_mean(errors, weights, before, now), float(errors.mean()), math.inf)}
    if scale:
        losses = np.minimum(errors / scale, 1)
        of_losses = expected.weighted_mean(losses, weights, before, now)
        found["loss"] = Measured(of_losses, float(losses.mean()), 1.0)
    return found


def _figures(
    name: str, found: Expected, at_gate: float, most: float, *, known: Rows, seen: Rows, confidence: float
) -> dict[str, float]:
    """Return the fields of a metric: its value, the ends of its interval, and what it is at the gate.

    The errors of the two sides are independent; their degrees of freedom together are those of Satterthwaite (1946). A
    share of 0 or 1 has the exact bound (Clopper and Pearson, 1934) of as many alike as there are clusters.
    """
    sides = clustered_error(found.reference, known.clusters), clustered_error(found.window, seen.clusters)
    squares = [side.se**2 for side in sides]
    parts = sum(square**2 / max(side.df, 1.0) for square, side in zip(squares, sides, strict=True))
    df = sum(squares) ** 2 / parts if parts else 1.0
    half = float(stats.t.isf((1 - confidence) / 2, df)) * sum(squares) ** 0.5
    if most == 1.0 and round(found.value, 6) in (0.0, 1.0):
        half = max(half, 1 - ((1 - confidence) / 2) ** (1 / min(known.clusters.n, seen.clusters.n)))
    value, low, high = np.clip([found.value, found.value - half, found.value + half], 0.0, most).tolist()
    before = "" if name == "value" else f"{name}_"
    return {name: value, f"{before}low": low, f"{before}high": high, f"gate_{name}": at_gate}
