"""GT010: is the candidate too good to be true? A leak looks like this."""

import math

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import compare

CODE = "GT010"
LEAST_LEFT = 0.1  # of the champion's error


def check(rows: GateRows, contender: Contender, champion: Rival | None, policy: GateParams) -> Check:
    """Return whether the metric reaches `gate.ceiling`; without one, has less than a tenth of the champion's error."""
    value = contender.metrics.get(policy.metric, math.nan)
    if policy.ceiling is not None and not value < policy.ceiling:
        return _too_good(f"{policy.metric} {value:.4f} reaches the ceiling of {policy.ceiling:g}", value)
    why_not = "there is no champion to compare with"
    if policy.ceiling is None and champion is not None and champion.estimates is not None:
        paired = compare(policy.metric, rows, contender.estimates, champion.estimates, on=champion.usable)
        left, before = 1 - paired.ours, 1 - paired.theirs
        if not paired.why_not and paired.low(policy.alpha) > 0 and left < LEAST_LEFT * before:
            return _too_good(f"{policy.metric} {paired.ours:.4f} where {champion.name} has {paired.theirs:.4f}", value)
        why_not = paired.why_not
    if why_not and policy.ceiling is None:
        return not_applicable("suspicion", CODE, why_not, **{"value": value})
    return Check(
        name="suspicion", code=CODE, outcome="passed", text=f"{policy.metric} {value:.4f} is plausible",
        evidence={"value": value},
    )  # fmt: skip


def _too_good(what: str, value: float) -> Check:
    return Check(
        name="suspicion",
        code=CODE,
        outcome="failed",
        text=f"{what}: too good to be true, look for a column that tells the outcome",
        evidence={"value": value},
        would_change="a person who knows why: evergreen promote --new-lineage --reason TEXT, or a higher gate.ceiling",
    )
