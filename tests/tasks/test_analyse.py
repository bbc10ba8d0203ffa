"""The analyse step: every part of every task, the same for equal inputs, and attached to the candidate's run once."""

import functools

import pytest
import tables

from evergreen.base.errors import IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning.analysis.values import Analysis
from evergreen.learning.model import model as models

EVERY = pytest.mark.parametrize("which", tables.TASKS)


OF_CLASSES = {"per_class", "reliability", "confusion", "roc", "precision_recall"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


@pytest.fixture(scope="module")
def analysed(chain):
    """Return a function that gives the one analysis of a table's candidate."""
    return functools.cache(lambda which: chain(which).analysed())


@EVERY
def test_every_part_is_there_or_says_why_not(which, chain, analysed):
    analysis = analysed(which)
    empty = {name for name, part in analysis if part is None}

    assert empty == analysis.why_not.keys() == {"staleness"} | (OF_CLASSES if which == "regression" else {"residuals"})
    assert analysis.metric == GATE_METRIC[which]
    assert {each.column for each in analysis.importance} == {column.name for column in chain(which).contract.features}


@EVERY
def test_same_inputs_give_the_same_bytes(which, chain, analysed):
    text = chain(which).analysed().model_dump_json()

    assert text == analysed(which).model_dump_json()
    assert len(text) < 200_000
    assert Analysis.model_validate_json(text) == analysed(which)


@EVERY
def test_gap_is_train_minus_test(which, chain, analysed):
    report, analysis = chain(which).evaluated.report, analysed(which)

    assert analysis.train_gap.keys() == report.candidate.keys()
    for name, gap in analysis.train_gap.items():
        assert gap == pytest.approx(report.train[name] - report.candidate[name], rel=1e-4, abs=1e-12)


def test_curves_are_left_out_when_no_points_are_asked_for(chain):
    analysis = chain("binary").analysed(params=EvaluateParams(curve_points=0))

    assert (analysis.learning, analysis.why_not["learning"]) == (None, "evaluate.curve_points is below 2")


def test_last_point_of_the_learning_curve_is_the_model_itself(chain, analysed):
    made, point = chain("binary"), analysed("binary").learning.points[-1]

    assert point.rows == made.tables.train.rows
    assert point.score == pytest.approx(made.evaluated.report.candidate["roc_auc"], abs=1e-5)


def test_errors_are_not_shown_where_the_target_is_personal(chain, analysed):
    made = chain("regression")
    kept = [
        {**column, "pii": "keep"} if column["role"] == "target" else column
        for column in made.contract.model_dump()["columns"]
    ]
    contract = Contract.model_validate({**made.contract.model_dump(by_alias=True), "columns": kept})
    loaded = models.load(made.ws.path(made.trained.model.uri), made.trained.model.sha256)
    about = {name: loaded.manifest[name] for name in ("data", "family", "params", "shrinkage")}
    personal = models.save(
        made.ws, "personal", loaded.pipeline, contract=contract, features=loaded.features, about=about
    )

    analysis = made.analysed(model=personal, params=EvaluateParams(curve_points=0))

    assert analysed("regression").confident_errors
    assert (analysis.confident_errors, analysis.why_not["confident_errors"]) == (
        None,
        "the target holds personal values",
    )


def test_model_of_another_train_table_is_refused(chain):
    made = chain("regression")
    fewer = made.ws.write("fewer", made.ws.read(made.tables.train).iloc[1:])

    with pytest.raises(IntegrityError) as caught:
        made.analysed(train=fewer)

    assert caught.value.code == "INT014"
