"""What a look at a rollout decides: the next step, all of the traffic, none of it, or to wait."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from evergreen.base.values import Value
from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout import checks
from evergreen.decisions.rollout.answers import Answers
from evergreen.decisions.rollout.checks import Check
from evergreen.decisions.rollout.plan import Plan

Answer = Literal["advance", "finish", "hold", "return", "end"]


class Decision(Value):
    """What is done, and why; `checks` are all that were asked.

    `exposed`: the rows that the new version answered at steps that are heard, until now. `person`: whether somebody is
    asked to look, because it does not go on otherwise.
    """

    answer: Answer
    reason: str
    checks: tuple[Check, ...]
    exposed: int = 0
    person: bool = False

    @property
    def gist(self) -> str:
        """Return what makes a look another one than the look before: the answer, and what each check says."""
        return " ".join([self.answer, *(f"{check.name}:{check.outcome}" for check in self.checks)])


def decide(
    plan: Plan,
    at: int,
    steps: Sequence[Answers],
    policy: RolloutParams,
    *,
    passed: timedelta,
    coverage: float,
    held: str = "",
    better: bool = False,
) -> Decision:
    """Return what follows from what was answered.

    Parameters
    ----------
    at : the number of the present step.
    steps : what was answered at each step so far, the present one last.
    passed : how long the present step takes.
    coverage : the share of the labels that are due which has to be known.
    held : why it must not go on by itself; what shows harm returns it all the same.
    better : whether it has to lose less than the champion, as `checks.losses` takes it.

    Notes
    -----
    The error `policy.alpha` is divided among the steps that are judged. So a version whose losses are higher by
    `policy.worse_by` or more comes to all of the traffic, or one whose losses are not higher is returned for them, in
    at most that share of rollouts, however often one looks. Each of the other checks that can return it has as much.
    """
    alpha, now = policy.alpha / plan.looked_at, steps[-1]
    asked = (
        checks.losses(steps, policy, alpha=alpha, coverage=coverage, better=better),
        checks.failures(now, policy, alpha=alpha),
        checks.latency(now, policy, alpha=alpha),
        checks.referred(now, policy, alpha=alpha),
        checks.shift(now, policy, alpha=alpha),
        checks.rows(now, policy),
        checks.time(passed, policy),
    )
    exposed = sum(one.n_new for one in steps if not one.paired)
    harm = [check for check in asked if check.outcome == "harm"]
    if harm:
        return Decision(answer="return", reason=_told(harm), checks=asked, exposed=exposed)
    futile = [check for check in asked if check.outcome == "futile"]
    if futile:
        return Decision(answer="end", reason=_told(futile), checks=asked, exposed=exposed)
    if held:
        return Decision(answer="hold", reason=held, checks=asked, exposed=exposed)
    for outcome in ("look", "waits"):
        standing = [check for check in asked if check.outcome == outcome]
        if standing:
            is_look = outcome == "look"
            reason = ("a person has to look: " if is_look else "") + _told(standing)
            return Decision(answer="hold", reason=reason, checks=asked, exposed=exposed, person=is_look)
    is_last = plan.steps[at + 1].share == 1
    return Decision(
        answer="finish" if is_last else "advance",
        reason=f"every check passed at {plan.steps[at].name}: {asked[0].text}",
        checks=asked,
        exposed=exposed,
    )


def _told(found: Sequence[Check]) -> str:
    return "; ".join(check.text for check in found)
