"""GT001: is a metric at least what it has to be, whatever other models do?"""

import math

import numpy as np

from evergreen.config.objectives import METRICS
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.evidence import Contender

CODE = "GT001"


def check(contender: Contender, policy: GateParams) -> Check:
    """Return whether every floor holds. A metric that is missing or no number is below any, as are such estimates."""
    n_not = int((~np.isfinite(contender.estimates.values)).sum())
    if n_not:
        return Check(
            name="floor", code=CODE, outcome="failed", text=f"{n_not} of its estimates of the gate rows are no number",
            evidence={"not numbers": n_not}, would_change="an estimate of every row that is a number",
        )  # fmt: skip
    floors = {policy.metric: policy.floor, **policy.floors}
    values = {name: contender.metrics.get(name, math.nan) for name in floors}
    below = [name for name, value in values.items() if not _holds(name, value, floors[name])]
    said = "; ".join(
        f"{name} {values[name]:.4f} against a {'floor' if _greater_is_better(name) else 'limit'} of {floors[name]:g}"
        for name in below or floors
    )
    return Check(
        name="floor",
        code=CODE,
        outcome="failed" if below else "passed",
        text=said,
        evidence=values,
        would_change=f"{below[0]} of {floors[below[0]]:g} or better" if below else "",
    )


def _holds(name: str, value: float, limit: float) -> bool:
    return math.isfinite(value) and (value >= limit if _greater_is_better(name) else value <= limit)


def _greater_is_better(name: str) -> bool:
    return METRICS[name].greater_is_better
