"""A case before the gate: all that it is asked from, of which the flow that asks and whoever asks again make the same.

With the table of `Case.compared` it says who stands before the gate, held against whom, by which rule.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from evergreen.base.values import Value
from evergreen.config.params.params import Params
from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate import scores
from evergreen.decisions.gate.campaign import Asked, Rule
from evergreen.decisions.gate.decision import Question
from evergreen.decisions.gate.evidence import Contender
from evergreen.decisions.gate.scores import Compared
from evergreen.decisions.gate.verdict import Verdict
from evergreen.record.candidate import Candidate

if TYPE_CHECKING:
    import pandas as pd


class Case(Value):
    """What the gate is asked about a candidate, but the rows themselves.

    `candidate`: as it is judged, before one of its two models is taken or fitted again. `compared`: what is known of it
    and of those that it is held against, on the gate rows. `history`: every gate that was asked of the model before.
    `only`: the artifact that is asked alone, if one is. `params`: of the training; the gate's are among them.
    """

    candidate: Candidate
    compared: Compared
    rule: Rule
    asked_at: datetime
    history: tuple[Asked, ...]
    only: str | None
    params: Params


def verdict_of(case: Case, table: "pd.DataFrame") -> Verdict:
    """Return the gate's verdict; `table` is the one that `case.compared` names."""
    return gate.decide(question_of(case, table), field_of(case, table))


def question_of(case: Case, table: "pd.DataFrame") -> Question:
    """Return what is asked of every contender."""
    compared = case.compared
    return Question(
        rule=case.rule,
        rows=scores.gate_rows(table, compared),
        policy=case.params.gate,
        now=case.asked_at,
        champion=next(iter(scores.rivals(table, compared, "champion")), None),
        former=scores.rivals(table, compared, "former"),
        prior=scores.estimates(table, "prior", compared),
        history=case.history,
    )


def field_of(case: Case, table: "pd.DataFrame") -> tuple[Contender, ...]:
    """Return who stands before the gate: the winner of the search, and the simpler family fitted on the same rows."""
    report, compared = case.candidate.report, case.compared
    known: dict[str, tuple[str, str, Mapping[str, float], Mapping[str, float]]] = {
        "model": (report.family, "candidate", report.candidate, report.train),
        "baseline": (report.baseline_family, "baseline", report.baseline, {}),
    }
    wanted = [case.only] if case.only else ["model"] if report.baseline_family == "prior" else list(known)
    return tuple(
        Contender(
            artifact=artifact,
            family=family,
            estimates=said,
            metrics=metrics,
            train=train,
            folds=compared.folds.get(artifact, {}),
            megabytes=compared.megabytes.get(artifact),
            milliseconds=compared.milliseconds.get(artifact),
        )
        for artifact in wanted
        for family, column, metrics, train in [known[artifact]]
        if (said := scores.estimates(table, column, compared)) is not None
    )
