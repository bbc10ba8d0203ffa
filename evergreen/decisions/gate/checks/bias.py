"""GT007: do the estimates hold on average, as many as they say (calibration in the large)?"""

import math

import numpy as np

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable, plural
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import FEWEST_CLUSTERS
from evergreen.learning.evaluation.clusters import clustered_error
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import Influence, influence, mean_of

CODE = "GT007"


def check(rows: GateRows, contender: Contender, champion: Rival | None, policy: GateParams) -> Check:
    """Return whether the mean estimate is shown to be off by more than `gate.max_bias`, and not less off than before.

    A candidate that is off, but less than the champion, would mend something: it is not refused for what is left.
    """
    estimates = contender.estimates
    if estimates.task == "multiclass":
        return not_applicable("bias", CODE, "the log loss of classes tells it")
    if not np.isfinite(estimates.values).all():
        return Check(name="bias", code=CODE, outcome="failed", text="the mean of the estimates is no number")
    if len(np.unique(rows.labels)) < 2:
        return not_applicable("bias", CODE, "the labels do not differ")
    unit = _unit(rows, estimates)
    off = influence("bias", rows.labels, estimates)
    sign = 1.0 if off.value > 0 else -1.0
    beyond = sign * off.value - policy.max_bias * unit.value
    error = clustered_error(sign * off.rows - policy.max_bias * unit.rows, rows.clusters)
    if error.n < FEWEST_CLUSTERS:
        few = f"{error.n} {plural(rows.clusters.unit, error.n)}; at least {FEWEST_CLUSTERS} are needed"
        return not_applicable("bias", CODE, few, **{"bias": off.value})
    now, before = _both(rows, estimates, champion)
    is_off = beyond > error.half_width(policy.alpha / 2)  # either side may be off
    less_than_before = before is not None and now < before
    text = f"estimates are off by {off.value:+.4f} on average, labels have {_described(estimates)} {unit.value:.4f}"
    return Check(
        name="bias",
        code=CODE,
        outcome="failed" if is_off and not less_than_before else "passed",
        text=text + (", less than the champion's" if is_off and less_than_before else ""),
        evidence={"bias": off.value, "beyond": beyond, "se": error.se, "unit": unit.value, "champion": before},
        would_change=f"a mean within {policy.max_bias:.0%} of that" if is_off and not less_than_before else "",
    )


def _both(rows: GateRows, estimates: Estimates, champion: Rival | None) -> tuple[float, float | None]:
    """Return how far candidate and champion are off on the rows that both may be asked; None for no champion."""
    usable = rows.all if champion is None or champion.usable is None else champion.usable
    labels = rows.labels[usable].astype(np.float64)
    if champion is None or champion.estimates is None or rows.clusters.of(usable).n < FEWEST_CLUSTERS:
        return math.nan, None
    now, before = (abs(float((said.values[usable] - labels).mean())) for said in (estimates, champion.estimates))
    return now, before if math.isfinite(before) else None


def _unit(rows: GateRows, estimates: Estimates) -> Influence:
    """Return what the bias is a share of, which the rows tell as little exactly as the bias."""
    labels = rows.labels.astype(np.float64)
    if estimates.task == "binary":
        return mean_of(labels)
    squares, deviation = mean_of((labels - labels.mean()) ** 2), float(labels.std())
    return Influence(deviation, squares.rows / (2 * deviation))


def _described(estimates: Estimates) -> str:
    return "a mean of" if estimates.task == "binary" else "a standard deviation of"
