"""GT010: is the candidate too good to be true? A leak looks like this."""

import math

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender, Rival
from evergreen.decisions.gate.paired import Paired

CODE = "GT010"
LEAST_LEFT = 0.1  # of the champion's error


def check(contender: Contender, champion: Rival | None, paired: Paired | None, policy: GateParams) -> Check:
    """Return whether the metric reaches `gate.ceiling`; without one, has less than a tenth of the champion's error.

    Parameters
    ----------
    paired : as for `champion.check`.
    """
    value = contender.metrics.get(policy.metric, math.nan)
    if policy.ceiling is not None and not value < policy.ceiling:
        return _too_good(f"{policy.metric} {value:.4f} reaches the ceiling of {policy.ceiling:g}", value)
    if policy.ceiling is None:
        if champion is None or paired is None:
            return not_applicable("suspicion", CODE, "there is no champion to compare with", value=value)
        if paired.why_not:
            return not_applicable("suspicion", CODE, paired.why_not, value=value)
        if paired.low(policy.alpha) > 0 and 1 - paired.ours < LEAST_LEFT * (1 - paired.theirs):
            return _too_good(f"{policy.metric} {paired.ours:.4f} where {champion.name} has {paired.theirs:.4f}", value)
    text = f"{policy.metric} {value:.4f} is plausible"
    return Check(name="suspicion", code=CODE, outcome="passed", text=text, evidence={"value": value})


def _too_good(what: str, value: float) -> Check:
    return Check(
        name="suspicion",
        code=CODE,
        outcome="failed",
        text=f"{what}: too good to be true, look for a column that tells the outcome",
        evidence={"value": value},
        would_change="a person who knows why: evergreen promote --new-lineage --reason TEXT, or a higher gate.ceiling",
    )
