"""The parts of an analysis, put together: every one is there or says why not, in numbers of six digits."""

import dataclasses

import pytest
import tables

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning.analysis.assemble import _refitted, _rounded, analyse
from evergreen.learning.analysis.values import Importance
from evergreen.learning.evaluation.estimates import estimate
from evergreen.learning.features import fit_target, inputs
from evergreen.learning.model import model as models
from evergreen.learning.tuning.recipe import Recipe

PARAMS = EvaluateParams(curve_points=0, repeats=1, max_rows=100)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    chain = tables.run("binary", Workspace(root=tmp_path_factory.mktemp("chain")), family="logistic")
    loaded = models.load(chain.ws.path(chain.trained.model.uri), chain.trained.model.sha256)
    test = chain.ws.read(chain.tables.test)
    names = inputs(chain.contract, tables.FEATURES).names
    return {
        "report": chain.evaluated.report,
        "recipe": Recipe(chain.contract, tables.FEATURES, "logistic", {}, 7),
        "pipeline": loaded.pipeline,
        "train": chain.ws.read(chain.tables.train),
        "test": test,
        "estimates": estimate(loaded.pipeline, test[names], task="binary"),
        "params": PARAMS,
    }


def of(made, **changed):
    given = {**made, **changed}
    return analyse(given.pop("report"), given.pop("recipe"), given.pop("pipeline"), **given)


def test_every_part_is_there_or_says_why_not(made):
    found = of(made)
    parts = {"per_class", "slices", "reliability", "confusion", "roc", "precision_recall", "residuals", "importance",
             "confident_errors", "learning", "staleness"}  # fmt: skip
    assert {name for name in parts if getattr(found, name) is None} == found.why_not.keys()
    assert found.why_not.keys() == {"residuals", "learning", "staleness"}
    assert found.why_not["residuals"] == "the target is a class"
    assert found.metric == "roc_auc"
    total = sum(sum(line) for line in found.confusion.counts)
    assert total == len(fit_target(made["test"], made["recipe"].contract)) == len(made["test"])


def test_gap_is_train_minus_test_in_six_digits(made):
    found, report = of(made), made["report"]
    for name, gap in found.train_gap.items():
        assert gap == pytest.approx(report.train[name] - report.candidate[name], rel=1e-5)
        assert float(f"{gap:.6g}") == gap


def test_errors_and_slices_show_nothing_personal(made):
    columns = [
        column.model_copy(update={"pii": "keep"}) if column.name in ("benign", "mean_area") else column
        for column in made["recipe"].contract.columns
    ]
    contract = made["recipe"].contract.model_copy(update={"columns": tuple(columns)})
    found = of(made, recipe=dataclasses.replace(made["recipe"], contract=contract))
    assert found.confident_errors is None
    assert found.why_not["confident_errors"] == "the target holds personal values"
    assert not [each for each in (*found.slices.worst, *found.slices.declared) if each.column == "mean_area"]


def test_refit_that_an_estimator_refuses_is_a_reason_and_our_own_errors_are_not(made):
    def refuses(*_, **__):
        raise ValueError("needs\n  more rows")

    def ours(*_, **__):
        raise DataError("DQ000", "what")

    assert _refitted(refuses, made["recipe"]) == "logistic cannot be fitted on fewer rows: needs more rows"
    with pytest.raises(DataError):
        _refitted(ours, made["recipe"])


def test_numbers_are_rounded_wherever_they_lie():
    value = Importance(column="x", mean=1 / 3, deviation=123456789.0)
    found = _rounded({"a": (value, 2 / 3), "b": 7, "c": None, "d": "0.123456789"})
    assert found["a"][0] == Importance(column="x", mean=0.333333, deviation=123457000.0)
    assert (found["a"][1], found["b"], found["c"], found["d"]) == (0.666667, 7, None, "0.123456789")
