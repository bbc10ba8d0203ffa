"""GT008: does a declared slice, or a protected group, lose by what helps the rest?"""

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import compare

CODE = "GT008"
FEWEST_ROWS = 50


def check(rows: GateRows, contender: Contender, other: Rival | None, policy: GateParams) -> Check:
    """Return whether a slice is shown to lose, by a test of each at alpha over their number; one such slice refuses.

    A loss of less than `gate.champion_margin` is none. A slice of fewer than FEWEST_ROWS rows, or of too few clusters,
    cannot be judged, and is counted.

    Parameters
    ----------
    other : the champion, or the baseline where there is none.
    """
    if not rows.slices:
        return not_applicable("slices", CODE, "no slices are declared")
    if other is None or other.estimates is None:
        return not_applicable("slices", CODE, "there is nothing to compare slices with")
    usable = rows.all if other.usable is None else other.usable
    compared = {
        name: compare(policy.metric, rows, contender.estimates, other.estimates, on=inside & usable)
        for name, inside in rows.slices.items()
        if (inside & usable).sum() >= FEWEST_ROWS
    }
    judged = {name: paired for name, paired in compared.items() if not paired.why_not}
    n_unjudged = len(rows.slices) - len(judged)
    left_out = f"; {n_unjudged} too small to be judged" if n_unjudged else ""
    if not judged:
        return not_applicable("slices", CODE, f"none of {len(rows.slices)} slices can be judged")
    alpha = policy.alpha / len(judged)
    lost = {
        name: paired
        for name, paired in judged.items()
        if paired.high(alpha) < 0 and paired.gain <= -policy.champion_margin
    }
    worst = min(lost or judged, key=lambda name: judged[name].high(alpha))
    paired = judged[worst]
    said = "; ".join(f"{name} {lost[name].gain:+.4f} against {other.name}" for name in sorted(lost))
    return Check(
        name="slices",
        code=CODE,
        outcome="failed" if lost else "passed",
        text=(f"{policy.metric} of {said}" if lost else f"none of {len(judged)} slices is shown to lose") + left_out,
        evidence={"slices": len(judged), "worst": worst, **paired.evidence},
        would_change=f"no loss on {', '.join(sorted(lost))} that is shown" if lost else "",
    )
