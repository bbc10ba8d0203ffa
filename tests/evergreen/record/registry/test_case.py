"""The case before the gate: what is asked follows from values alone, and so does the answer."""

from datetime import timedelta

import gates
import numpy as np
import proofs
import pytest
import tables

from evergreen.record.registry.case import Case, field_of, question_of, verdict_of


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


@pytest.mark.parametrize("which", tables.TASKS)
def test_answer_is_the_same_after_a_way_through_json(which, chain):
    made = chain(which)
    case = proofs.case_of(made)
    table = made.ws.read(case.compared.table)
    verdict = verdict_of(case, table)

    assert verdict.promote
    assert verdict_of(Case.model_validate_json(case.model_dump_json(by_alias=True)), table) == verdict


def test_question_is_what_the_case_says(chain):
    made = chain("binary")
    history = gates.asked(2)
    case = proofs.case_of(made, rule="superiority", history=history, asked_at=gates.NOW + timedelta(days=1))
    question = question_of(case, made.ws.read(case.compared.table))

    assert (question.rule, question.history, question.now) == ("superiority", history, case.asked_at)
    assert (question.champion, question.former) == (None, ())
    assert question.policy == case.params.gate
    assert question.rows.labels.tolist() == made.ws.read(made.tables.test)["benign"].tolist()
    assert np.unique(question.prior.values).size == 1


@pytest.mark.parametrize(("only", "wanted"), [(None, ["model", "baseline"]), ("baseline", ["baseline"])])
def test_field_is_the_winner_and_the_simpler_family_or_the_one_that_is_asked_alone(only, wanted, chain):
    made = chain("binary")
    case = proofs.case_of(made, only=only)
    report = case.candidate.report.model_copy(update={"family": "gradient_boosting", "baseline_family": "logistic"})
    case = case.model_copy(update={"candidate": case.candidate.model_copy(update={"report": report})})
    field = field_of(case, made.ws.read(case.compared.table))

    assert [contender.artifact for contender in field] == wanted
    assert field[-1].metrics == report.baseline
    assert field[-1].megabytes == case.compared.megabytes["baseline"]


def test_prior_is_no_contender(chain):
    made = chain("binary")
    case = proofs.case_of(made)
    report = case.candidate.report.model_copy(update={"baseline_family": "prior"})
    case = case.model_copy(update={"candidate": case.candidate.model_copy(update={"report": report})})
    (winner,) = field_of(case, made.ws.read(case.compared.table))
    assert (winner.artifact, winner.train) == ("model", report.train)
