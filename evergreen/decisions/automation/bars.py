"""What a degree of automation has to have shown before the next one."""

import numpy as np

from evergreen.base.values import Value
from evergreen.config.contract.decision import DecisionPolicy, Degree
from evergreen.decisions.automation.decided import Decided
from evergreen.decisions.automation.degrees import DEGREES
from evergreen.decisions.automation.selective import judge
from evergreen.decisions.drift.audit import LEAST_ANSWERED, Audited, estimate
from evergreen.learning.evaluation.clusters import Clusters, clustered_error


class Bar(Value):
    """What stands between the present degree and the next: `met` or not, and what was seen."""

    degree: Degree
    met: bool
    evidence: str


def level(looks: int, confidence: float) -> float:
    """Return the error that the next of several looks may make, after so many before it.

    All looks together, however many, make no more than 1 - `confidence`: of n looks the last has 1 / (n (n + 1)) of it.

    Examples
    --------
    >>> [round(level(looks, 0.95), 5) for looks in range(3)]
    [0.025, 0.00833, 0.00417]
    >>> sum(level(looks, 0.95) for looks in range(100_000)) < 0.05
    True
    """
    return (1 - confidence) / ((looks + 1) * (looks + 2))


def bar(degree: Degree, policy: DecisionPolicy, seen: Decided, *, least: float | None, looks: int = 0) -> Bar | None:
    """Return what stands between a degree and the next one; None where there is no next one under the policy.

    Parameters
    ----------
    seen : rows that the champion answered at this degree, whose labels are due.
    least : from which sureness on the champion's answers are automatic; None where it has no threshold.
    looks : how often the bar of this degree was asked for before, and missed.
    """
    at = DEGREES.index(degree)
    if at + 1 == len(DEGREES) or at >= DEGREES.index(policy.degree):
        return None
    following, alpha = DEGREES[at + 1], level(looks, policy.confidence)
    if degree == "human":
        return Bar(degree=following, met=True, evidence="nothing is shown at either")
    if degree == "shadow":
        met, evidence = _heard(seen, policy, alpha)
    elif degree == "assist":
        met, evidence = _kept(_sure(seen, least, alpha), policy, "of the answers that would be automatic")
        if least is None:
            met, evidence = False, f"no sureness is known to keep an error of {policy.error:g}; {evidence}"
    else:
        all_of_them = judge(seen, confidence=1 - 2 * alpha).everything
        met, evidence = _kept(all_of_them, policy, "of all answers, each weighed by how it came to be looked at")
    return Bar(degree=following, met=met, evidence=evidence)


def _heard(seen: Decided, policy: DecisionPolicy, alpha: float) -> tuple[bool, str]:
    """Return whether enough is known of the answers, and they are not shown to be worse than what people decide."""
    known = np.isfinite(seen.wrong)
    n, n_days = int(known.sum()), len({day for day, is_in in zip(seen.days, known, strict=True) if is_in})
    if n < policy.rows or n_days < policy.days:
        return False, f"{n:,} labels of {n_days} days are known; {policy.rows:,} of {policy.days} are needed"
    error = f"{seen.wrong[known].mean():.4f} of {n:,} answers of {n_days} days are wrong"
    both = known & np.isfinite(seen.people_wrong)
    if both.sum() < policy.rows:
        return True, f"{error}; of {int(both.sum()):,} it is known what people decided, too few to compare"
    apart = (seen.wrong - seen.people_wrong)[both]
    _, codes = np.unique(np.asarray(seen.days, dtype="datetime64[D]")[both], return_inverse=True)
    clusters = Clusters("day", codes.astype(np.int64), in_time=True)
    difference = float(apart.mean())
    least = difference - clustered_error((apart - difference) / len(apart), clusters).half_width(alpha)
    people = f"people were wrong in {seen.people_wrong[both].mean():.4f} of {int(both.sum()):,} of them"
    if least > 0:
        return False, f"{error}; {people}, so the model is shown to be worse than they are, by {difference:.4f}"
    return True, f"{error}; {people}"


def _sure(seen: Decided, least: float | None, alpha: float) -> Audited:
    """Return the error of answers that would be automatic; a person decided every one of them."""
    sure = seen.those(seen.sure >= (least if least is not None else np.inf))
    return estimate(sure.wrong, np.ones(len(sure)), sure.days, confidence=1 - 2 * alpha)


def _kept(found: Audited, policy: DecisionPolicy, of: str) -> tuple[bool, str]:
    """Return whether an error is shown to be no more than what is promised."""
    if found.high is None or found.n_labels < policy.rows or found.n_days < policy.days:
        known = f"{found.n_labels:,} of {found.n_asked:,} labels {of} are known, of {found.n_days} days"
        return False, f"{known}; {policy.rows:,} of {policy.days} days are needed, and {LEAST_ANSWERED:.0%} of all"
    evidence = f"{found.loss:.4f} {of} are wrong, at most {found.high:.4f}; at most {policy.error:g} may be"
    return found.high <= policy.error, f"{evidence} ({found.n_labels:,} labels of {found.n_days} days)"
