"""GT007: do the estimates hold on average, as many as they say (calibration in the large)?"""

import numpy as np

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, plural
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
        return Check(name="bias", code=CODE, outcome="not applicable", text="the log loss of classes tells it")
    if not np.isfinite(estimates.values).all():
        return Check(name="bias", code=CODE, outcome="failed", text="the mean of the estimates is no number")
    if len(np.unique(rows.labels)) < 2:
        return Check(name="bias", code=CODE, outcome="not applicable", text="the labels do not differ")
    unit = _unit(rows, estimates)
    off = influence("bias", rows.labels, estimates)
    sign = 1.0 if off.value > 0 else -1.0
    beyond = sign * off.value - policy.max_bias * unit.value
    error = clustered_error(sign * off.rows - policy.max_bias * unit.rows, rows.clusters)
    if error.n < FEWEST_CLUSTERS:
        few = f"{error.n} {plural(rows.clusters.unit, error.n)}; at least {FEWEST_CLUSTERS} are needed"
        return Check(name="bias", code=CODE, outcome="not applicable", text=few, evidence={"bias": off.value})
    before = _of(rows, champion)
    is_off = beyond > error.half_width(policy.alpha / 2)  # either side may be off
    less_than_before = before is not None and abs(off.value) < before
    text = f"estimates are off by {off.value:+.4f} on average, labels have {_described(estimates)} {unit.value:.4f}"
    return Check(
        name="bias",
        code=CODE,
        outcome="failed" if is_off and not less_than_before else "passed",
        text=text + (", less than the champion's" if is_off and less_than_before else ""),
        evidence={"bias": off.value, "beyond": beyond, "se": error.se, "unit": unit.value, "champion": before},
        would_change=f"a mean within {policy.max_bias:.0%} of that" if is_off and not less_than_before else "",
    )


def _of(rows: GateRows, champion: Rival | None) -> float | None:
    if champion is None or champion.estimates is None:
        return None
    usable = rows.all if champion.usable is None else champion.usable
    said = champion.estimates.values[usable]
    return abs(float((said - rows.labels[usable]).mean())) if len(said) and np.isfinite(said).all() else None


def _unit(rows: GateRows, estimates: Estimates) -> Influence:
    """Return what the bias is a share of, which the rows tell as little exactly as the bias."""
    labels = rows.labels.astype(np.float64)
    if estimates.task == "binary":
        return mean_of(labels)
    squares, deviation = mean_of((labels - labels.mean()) ** 2), float(labels.std())
    return Influence(deviation, squares.rows / (2 * deviation))


def _described(estimates: Estimates) -> str:
    return "a mean of" if estimates.task == "binary" else "a standard deviation of"
