"""Whether a candidate may become champion: a pure decision over measured numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from evergreen.base.values import digest_of
from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate import field as fields
from evergreen.decisions.gate.campaign import MOST_USES, Asked, Rule, level_of_use, next_level, uses
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.checks import baseline, bias, champion, floor, footprint, gap, proper, slices, suspicion
from evergreen.decisions.gate.evidence import Contender, GateError, GateRows, Rival, check_lengths
from evergreen.decisions.gate.paired import Paired, against
from evergreen.decisions.gate.sees import sees
from evergreen.decisions.gate.verdict import Answer, Judged, Sees, Verdict
from evergreen.learning.evaluation import Report
from evergreen.learning.evaluation.estimates import Estimates


@dataclass(frozen=True)
class Question:
    """What is asked of every contender: by which rule, on which rows, held against whom.

    `champion` and `former`: the models in service now and before that can still be compared; `prior`: what is said
    without looking at any column. `history`: every gate that was asked of the model, in order; `now`: when this one is.
    """

    rule: Rule
    rows: GateRows
    policy: GateParams
    now: datetime
    champion: Rival | None = None
    former: tuple[Rival, ...] = ()
    prior: Estimates | None = None
    history: tuple[Asked, ...] = ()


def decide(question: Question, field: Sequence[Contender]) -> Verdict:
    """Return the verdict on a field of contenders. What is no number, missing or empty never passes.

    Parameters
    ----------
    field : the winner of the search, and then ever simpler families that were fitted on the same rows.

    Raises
    ------
    GateError if the field is empty, or estimates or clusters are of another number of rows.
    """
    if not field:
        raise GateError("GATE002", "no candidate stands before the gate", where="gate", next_step="Train one.")
    _check_lengths(question, field)
    policy, rows = question.policy, question.rows
    ordered = fields.in_order(field)
    level = None
    if question.rule == "superiority":
        level = next_level(question.history, now=question.now, alpha=policy.alpha)
    n_uses = uses(question.history, rows.digest)
    passing = (level.level if level else level_of_use(n_uses, policy.alpha)) / len(ordered)
    judged: list[Judged] = []
    seen: Sees | None = None
    for contender in ordered:
        if any(earlier.promote for earlier in judged):
            judged.append(Judged(family=contender.family, artifact=contender.artifact, asked=None, verdict=None))
            continue
        paired = against(policy.metric, rows, contender, question.champion)
        seen = seen or _sees(question, paired, level=passing)
        checks = _checks(question, contender, paired, simpler=_simpler(field, contender), level=passing)
        judged.append(_judged(question, contender, checks, number=len(judged) + 1, n_uses=n_uses))
    chosen = next((one for one in judged if one.promote), judged[0])
    return Verdict(
        verdict=chosen.verdict or "FAIL",
        promote=chosen.promote,
        checks=chosen.checks,
        rule=question.rule,
        artifact=chosen.artifact,
        candidates=tuple(judged),
        sees=seen,
        level=level,
        uses=n_uses,
    )


def candidate_key(model: str, report: Report, params: GateParams) -> str:
    """Return what names a candidate: its model digest, its report and the gate it stands before. Judged once."""
    return digest_of({"model": model, "report": report, "gate": params})


def _check_lengths(question: Question, field: Sequence[Contender]) -> None:
    compared = {contender.family: contender.estimates for contender in field} | {"the prior": question.prior}
    rivals = (question.champion, *question.former)
    check_lengths(question.rows, compared | {rival.name: rival.estimates for rival in rivals if rival})


def _checks(
    question: Question, contender: Contender, paired: Paired | None, *, simpler: Contender | None, level: float
) -> tuple[Check, ...]:
    rows, policy, rival = question.rows, question.policy, question.champion
    instead = Rival("the baseline", simpler.estimates) if simpler else Rival("the prior", question.prior)
    return (
        floor.check(contender, policy),
        baseline.check(rows, contender, question.prior, of="prior", policy=policy),
        baseline.check(rows, contender, simpler.estimates if simpler else None, of="baseline", policy=policy),
        champion.check(contender, rival, paired, rule=question.rule, policy=policy, level=level),
        champion.check_former(rows, contender, question.former, policy=policy),
        proper.check(rows, contender, rival, policy),
        bias.check(rows, contender, rival, policy),
        slices.check(rows, contender, rival or instead, policy),
        gap.check(contender, policy),
        suspicion.check(contender, rival, paired, policy),
        footprint.check_size(contender, policy),
        footprint.check_latency(contender, policy),
    )


def _judged(question: Question, contender: Contender, checks: tuple[Check, ...], *, number: int, n_uses: int) -> Judged:
    outcomes = {check.outcome for check in checks}
    verdict: Answer = "FAIL" if "failed" in outcomes else "INCONCLUSIVE" if "inconclusive" in outcomes else "PASS"
    takes_newer = question.rule == "refresh" and question.policy.when_unclear == "newer" and n_uses <= MOST_USES
    return Judged(
        family=contender.family,
        artifact=contender.artifact,
        asked=number,
        verdict=verdict,
        promote=verdict == "PASS" or (verdict == "INCONCLUSIVE" and takes_newer),
        checks=checks,
    )


def _simpler(field: Sequence[Contender], contender: Contender) -> Contender | None:
    after = field[field.index(contender) + 1 :]
    return after[0] if after else None


def _sees(question: Question, paired: Paired | None, *, level: float) -> Sees | None:
    if paired is None or question.rule == "first":
        return None
    policy = question.policy
    return sees(paired, rule=question.rule, margin=policy.champion_margin, alpha=policy.alpha, level=level)
