"""GT006: are the probabilities as good as the champion's, or does the candidate only order rows as well?"""

from evergreen.config.contract.columns import Task
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.check import Check, not_applicable
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import against

CODE = "GT006"
# A proper score is best for who says what is (Gneiting and Raftery, 2007). R², of numbers, is one already.
SCORE: dict[Task, str] = {"binary": "log_loss", "multiclass": "log_loss"}


def check(rows: GateRows, contender: Contender, champion: Rival | None, policy: GateParams) -> Check:
    """Return whether the candidate's log loss is shown to be greater than the champion's by more than a share."""
    metric = SCORE.get(contender.estimates.task)
    if metric is None:
        return not_applicable("proper score", CODE, f"{policy.metric} is a proper score")
    paired = against(metric, rows, contender, champion)
    if champion is None or paired is None:
        return not_applicable("proper score", CODE, "there is no champion to compare with")
    if paired.why_not:
        return not_applicable("proper score", CODE, f"not compared: {paired.why_not}", **paired.evidence)
    margin = policy.proper_margin * paired.theirs
    high = paired.high(policy.alpha)
    worse = high < -margin
    return Check(
        name="proper score",
        code=CODE,
        outcome="failed" if worse else "passed",
        text=f"{metric} {paired.ours:.4f} against {champion.name}'s {paired.theirs:.4f}"
        + (f", shown to be greater by more than {policy.proper_margin:.0%}" if worse else ""),
        evidence=paired.evidence,
        would_change=f"a {metric} below {paired.theirs + margin:.4f}, or calibration: tune.calibrate" if worse else "",
    )
