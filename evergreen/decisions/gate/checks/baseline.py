"""GT002 and GT003: is the candidate shown to be worth less than no knowledge (the prior), or a simpler family?"""

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender, GateRows
from evergreen.decisions.gate.paired import compare
from evergreen.learning.evaluation.estimates import Estimates

CODES = {"prior": "GT002", "baseline": "GT003"}


def check(rows: GateRows, contender: Contender, other: Estimates | None, *, of: str, policy: GateParams) -> Check:
    """Return whether a candidate is shown to gain less than `gate.baseline_gain`. A doubt is not held against it.

    Parameters
    ----------
    other : estimates of the gate rows by the model to beat; None where there is none but the candidate.
    of : ``prior`` or ``baseline``.
    """
    code = CODES[of]
    if other is None:
        return not_applicable(of, code, f"there is no {of} but the candidate itself")
    paired = compare(policy.metric, rows, contender.estimates, other)
    if paired.why_not:
        return not_applicable(of, code, f"not compared with the {of}: {paired.why_not}", **paired.evidence)
    low, high = paired.low(policy.alpha), paired.high(policy.alpha)
    worse = high < policy.baseline_gain
    return Check(
        name=of,
        code=code,
        outcome="failed" if worse else "passed",
        text=f"{paired.gain:+.4f} [{low:+.4f}, {high:+.4f}] against the {of}'s {paired.theirs:.4f}"
        + (f", shown to gain less than {policy.baseline_gain:g}" if worse else ""),
        evidence=paired.evidence,
        would_change=f"a gain whose interval reaches {policy.baseline_gain:g}" if worse else "",
    )
