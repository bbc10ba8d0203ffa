"""GT004 and GT005: is the candidate better than the champion, or at least not worse? And than champions before it?"""

from collections.abc import Sequence

import numpy as np

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.check import Check, Outcome, not_applicable, plural
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import Paired, against
from evergreen.decisions.gate.sees import clusters_needed

CODE, OF_FORMER = "GT004", "GT005"


def check(
    contender: Contender,
    champion: Rival | None,
    paired: Paired | None,
    *,
    policy: GateParams,
    rule: Rule,
    level: float,
) -> Check:
    """Return what a rule says of a candidate against the champion.

    `superiority`: passed where it is shown to be better, failed where it is shown not to be by more than the margin.
    `refresh`: passed where it is shown to be better or equal within the margin, failed where it is shown to be worse by
    more than the margin. Inconclusive where neither is shown.

    Parameters
    ----------
    paired : both on the rows that neither has seen; None where there is no champion, or nothing of it to compare.
    level : the error of passing; that of failing is the policy's alpha.
    """
    if champion is None or rule == "first":
        return not_applicable("champion", CODE, "there is no champion to compare with")
    if champion.estimates is None or paired is None:
        return _incomparable(champion)
    if rule == "refresh" and np.array_equal(contender.estimates.values, champion.estimates.values):
        text = f"against {champion.name}: it says the same of every row"
        return Check(name="champion", code=CODE, outcome="passed", text=text, evidence={"gain": 0.0})
    if paired.why_not:
        return _unclear(champion, paired)
    if rule == "superiority":
        return _superiority(paired, champion.name, policy=policy, level=level)
    return _refresh(paired, champion.name, policy=policy, level=level)


def check_former(rows: GateRows, contender: Contender, former: Sequence[Rival], *, policy: GateParams) -> Check:
    """Return whether a candidate is shown to be worse than a champion before the present one, by more than the margin.

    A row of small losses, each within the margin, is one great loss against where it began.
    """
    compared = ((rival, against(policy.metric, rows, contender, rival)) for rival in former)
    comparable = [(rival, paired) for rival, paired in compared if paired and not paired.why_not]
    if not comparable:
        return not_applicable("former champion", OF_FORMER, "no former champion can be compared")
    alpha, margin = policy.alpha / len(comparable), policy.champion_margin
    rival, paired = min(comparable, key=lambda both: both[1].high(alpha))
    worse = paired.high(alpha) < -margin
    return Check(
        name="former champion",
        code=OF_FORMER,
        outcome="failed" if worse else "passed",
        text=f"{_gain(paired, alpha)} against {rival.name}, the best of {len(comparable)} before the champion"
        + (f": shown to be worse by more than {margin:g}" if worse else ""),
        evidence=paired.evidence,
        would_change=f"an interval that reaches {-margin:+g}" if worse else "",
    )


def _superiority(paired: Paired, name: str, *, policy: GateParams, level: float) -> Check:
    low, high = paired.low(level) if level > 0 else float("-inf"), paired.high(policy.alpha)
    outcome: Outcome = "passed" if low > 0 else "failed" if high <= policy.champion_margin else "inconclusive"
    said = {
        "passed": f"against {name}: shown to be better",
        "failed": f"against {name}: shown not to be better by more than {policy.champion_margin:g}",
        "inconclusive": f"against {name}: not shown to be better",
    }[outcome]
    to_tell = paired.gain if paired.gain > 0 else policy.champion_margin - paired.gain
    return _decided(paired, outcome, said, level=level, wanted=0.0, to_tell=to_tell, alpha=policy.alpha)


def _refresh(paired: Paired, name: str, *, policy: GateParams, level: float) -> Check:
    margin = policy.champion_margin
    low, high = paired.low(level), paired.high(policy.alpha)
    outcome: Outcome = "passed" if low >= -margin else "failed" if high < -margin else "inconclusive"
    said = {
        "passed": f"against {name}: better, or equal within {margin:g}",
        "failed": f"against {name}: shown to be worse by more than {margin:g}",
        "inconclusive": f"against {name}: cannot be told by more than {margin:g}",
    }[outcome]
    to_tell = abs(paired.gain + margin)
    return _decided(paired, outcome, said, level=level, wanted=-margin, to_tell=to_tell, alpha=policy.alpha)


def _decided(
    paired: Paired, outcome: Outcome, said: str, *, level: float, wanted: float, to_tell: float, alpha: float
) -> Check:
    """Return the check. `wanted`: the least gain that passes; `to_tell`: how far the gain is from being told."""
    needed = (
        clusters_needed(paired.error, to_tell, min(level, alpha), skew=max(paired.skew))
        if outcome == "inconclusive"
        else None
    )
    more = f"more {plural(paired.unit, 2)} than can be had: the difference is too small"
    if level <= 0:
        more = "the next campaign: this one has no error left to give"
    changes = {
        "passed": "",
        "failed": f"a gain above {wanted:+g} that is shown",
        "inconclusive": f"{needed} such {plural(paired.unit, needed)}, which tell with 80 %" if needed else more,
    }
    return Check(
        name="champion",
        code=CODE,
        outcome=outcome,
        text=f"{_gain(paired, alpha)} {said}",
        evidence={**paired.evidence, "level": level, "alpha": alpha, "needed": needed},
        would_change=changes[outcome],
    )


def _gain(paired: Paired, alpha: float) -> str:
    return f"{paired.metric} {paired.gain:+.4f} [{paired.low(alpha):+.4f}, {paired.high(alpha):+.4f}]"


def _incomparable(rival: Rival) -> Check:
    return Check(
        name="champion",
        code=CODE,
        outcome="failed",
        text=f"cannot be compared with {rival.name}: {rival.why_not or 'no numbers'}",
        would_change="rows that it has not seen; or a person begins anew: evergreen promote --new-lineage",
    )


def _unclear(rival: Rival, paired: Paired) -> Check:
    more = f"more {plural(paired.unit, 2)} of gate rows that neither has seen"
    return Check(
        name="champion",
        code=CODE,
        outcome="inconclusive",
        text=f"cannot be told against {rival.name}: {paired.why_not}",
        evidence=paired.evidence,
        would_change=f"{more}: newer ones, or a higher features.test_days or features.test_share",
    )
