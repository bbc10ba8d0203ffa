"""GT009: is the candidate so much better on its own train rows that it has learned them by heart?"""

import math

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender

CODE = "GT009"


def check(contender: Contender, policy: GateParams) -> Check:
    """Return whether the metric is greater by more than `gate.max_gap` on the train rows than on the gate rows."""
    if policy.metric not in contender.train:
        return not_applicable("train gap", CODE, "not measured on its train rows")
    of_train, of_gate = contender.train[policy.metric], contender.metrics.get(policy.metric, math.nan)
    gap = of_train - of_gate
    wide = not math.isfinite(gap) or gap > policy.max_gap
    return Check(
        name="train gap",
        code=CODE,
        outcome="failed" if wide else "passed",
        text=f"{policy.metric} {of_train:.4f} on train rows, {gap:+.4f} against the gate rows, of {policy.max_gap:g}",
        evidence={"train": of_train, "gate": of_gate},
        would_change=f"a gap of {policy.max_gap:g} or less: a smaller model, or more rows" if wide else "",
    )
