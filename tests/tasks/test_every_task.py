"""Every kind of target on a table without time: from the features step to scores, performance and a comparison."""

from datetime import date

import candidates
import numpy as np
import pandas as pd
import pytest
import released
import tables
from sklearn import metrics

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.train import TrainParams
from evergreen.config.params.tune import TuneParams
from evergreen.decisions.performance import measure
from evergreen.learning import features as domain
from evergreen.learning.evaluation.estimates import COMPARED, Estimates
from evergreen.learning.model import model as models
from evergreen.learning.model import scoring
from evergreen.record.outcomes import VersionFacts
from tasks.evaluate import evaluate
from tasks.features import features
from tasks.score import score
from tasks.train import train
from tasks.tune import tune

# MLflow warns of its own type hints when it is imported, which is inside the first call.
pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


EVERY = pytest.mark.parametrize("which", tables.TASKS)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Return a function that gives the one chain of a table."""
    folder = tmp_path_factory.mktemp("chains")
    return lambda which: tables.shared(which, folder)


def model_of(chain, ref=None):
    ref = ref or chain.trained.model
    return models.load(chain.ws.path(ref.uri), ref.sha256)


def facts(chain, model=None, **changed) -> VersionFacts:
    model = model or chain.trained.model
    judged = released.judged(chain.contract.name, 4, model.sha256)
    given = {
        "version": 4,
        "judged": judged,
        "candidate": "k",
        "artifact": model,
        "train": chain.tables.train,
        "data_end": None,
        "split": chain.tables.split.rule,
        "threshold": 0.5,
        "run_id": "r",
        "bento": "b",
    }
    return VersionFacts(**{**given, **changed})


def compared(chain, champion, *, data_end=None):
    return candidates.held(candidates.of(chain, data_end=data_end), champion, chain.ws)


@EVERY
def test_candidate_beats_the_baseline_in_the_gates_metric(which, chain):
    report = chain(which).evaluated.report
    metric = GATE_METRIC[which]

    assert report.candidate[metric] > report.baseline[metric] + 0.2
    assert report.candidate[metric] > {"binary": 0.95, "multiclass": 0.85, "regression": 0.3}[which]


@EVERY
def test_report_equals_scikit_learn_on_the_test_rows(which, chain):
    made = chain(which)
    rows, model = made.ws.read(made.tables.test), model_of(made)
    labels, said = domain.fit_target(rows, made.contract), model.predict(rows)
    found = made.evaluated.report.candidate

    if which == "binary":
        assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(labels, said.values), abs=1e-12)
    elif which == "multiclass":
        expected = metrics.balanced_accuracy_score(labels, said.compared.astype(str))
        assert found["balanced_accuracy"] == pytest.approx(expected, abs=1e-12)
        assert model.classes == ("setosa", "versicolor", "virginica")
    else:
        assert found["r2"] == pytest.approx(metrics.r2_score(labels, said.values), abs=1e-12)


@EVERY
def test_steps_give_the_same_digests_whatever_the_order_of_rows(which, chain, tmp_path):
    made = chain(which)
    shuffled = tables.table(which).sample(frac=1, random_state=3).reset_index(drop=True)

    again = tables.run(which, Workspace(root=tmp_path), shuffled)

    assert again.tables == made.tables
    assert again.best == made.best
    assert again.trained == made.trained
    assert again.evaluated == made.evaluated


@EVERY
def test_models_inputs_are_the_features_and_nothing_else(which, chain):
    made = chain(which)

    assert list(model_of(made).pipeline.feature_names_in_) == [column.name for column in made.contract.features]
    for ref in (made.tables.train, made.tables.test):
        assert not {"note", "ward"} & set(made.ws.read(ref).columns)


@pytest.mark.parametrize("family", ["logistic", "gradient_boosting"])
def test_columns_that_are_constant_or_empty_are_no_obstacle(family, tmp_path):
    rows = tables.table("digits").head(400).assign(pixel_0_1=np.nan)
    assert rows["pixel_0_0"].nunique() == 1

    made = tables.run("digits", Workspace(root=tmp_path), rows, family=family)

    assert made.evaluated.report.candidate["balanced_accuracy"] > 0.7


@pytest.mark.parametrize(("which", "family"), [("regression", "linear"), ("regression", "gradient_boosting")])
def test_empty_column_of_numbers_is_no_obstacle_to_regression(which, family, tmp_path):
    rows = tables.table(which).assign(bmi=np.nan, sex=1.0)

    assert np.isfinite(tables.run(which, Workspace(root=tmp_path), rows, family=family).evaluated.report.train["r2"])


def test_rows_without_a_target_are_left_out(tmp_path):
    rows = tables.table("regression").copy()
    rows.loc[:99, "progression"] = np.nan

    made = tables.run("regression", Workspace(root=tmp_path), rows, family="linear")

    assert made.tables.train.rows + made.tables.test.rows == len(rows) - 100


def test_class_of_one_row_stops_the_features_step(tmp_path):
    rows = tables.table("multiclass").copy()
    rows.loc[0, "species"] = "unique"
    ws = Workspace(root=tmp_path)

    with pytest.raises(DataError, match="class unique has") as caught:
        features.fn(
            ws.write("valid", rows), ws=ws, contract=tables.contract_of("multiclass"), params=tables.FEATURES, seed=7
        )

    assert caught.value.code == "DQ009"


def test_calendar_without_time_stops_the_features_step(tmp_path):
    ws = Workspace(root=tmp_path)
    params = tables.FEATURES.model_copy(update={"calendar": ("hour",)})

    with pytest.raises(ConfigError) as caught:
        features.fn(
            ws.write("valid", tables.table("binary")),
            ws=ws,
            contract=tables.contract_of("binary"),
            params=params,
            seed=7,
        )

    assert caught.value.code == "CFG020"


@EVERY
def test_scoring_gives_what_the_gate_saw(which, chain):
    made = chain(which)
    judged = Estimates.read(
        made.ws.read(made.evaluated.scores), "candidate", made.contract.task, model_of(made).classes
    )

    scored = made.ws.read(
        score.fn(made.tables.test, model=made.trained.model, version=4, threshold=0.5, ws=made.ws).predictions
    )

    for field, values in judged.answers(0.5).items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(scored[field], values, rtol=1e-12)
        else:
            assert scored[field].tolist() == values.tolist()
    assert scored["prediction_id"].is_unique


@EVERY
def test_columns_of_scores_are_those_of_the_task(which, chain):
    made = chain(which)
    model = model_of(made)

    answers = {"regression": ["value"]}.get(which, ["probability", "label"])
    for n in (0, 1, 5):
        scored = scoring.score(tables.table(which).head(n), model, version=4, threshold=0.5)
        assert list(scored.columns) == ["prediction_id", "version", *answers]
        assert len(scored) == n


@EVERY
def test_column_with_the_name_of_an_answer_is_never_overwritten(which, chain):
    made = chain(which)
    model, rows = model_of(made), tables.table(which).head(3)
    field = "value" if which == "regression" else "label"
    usual = scoring.score_file(rows, model, version=4, threshold=0.5)

    for name in (field, "codes", "prediction_id", "version"):
        scored = scoring.score_file(rows.assign(**{name: "mine"}), model, version=4, threshold=0.5)
        assert list(scored[name]) == ["mine"] * 3
        pd.testing.assert_series_equal(scored[f"_{name}"], usual[name], check_names=False)
        assert {*scored.columns} == {*usual.columns, f"_{name}"}


@EVERY
def test_matured_performance_on_the_test_rows_is_what_the_gate_saw(which, chain):
    made = chain(which)
    scored = score.fn(made.tables.test, model=made.trained.model, version=4, threshold=0.5, ws=made.ws)

    said, task = made.ws.read(scored.predictions), made.contract.task
    found = measure(task, said["target"], said[COMPARED[task]], confidence=0.95)

    assert found.metric == GATE_METRIC[which]
    assert found.value == pytest.approx(made.evaluated.report.candidate[found.metric], abs=1e-12)
    assert found.low < found.value <= found.high
    for name, value in found.others.items():
        assert value == pytest.approx(made.evaluated.report.candidate[name], abs=1e-12)


@EVERY
def test_candidate_is_compared_with_the_champion_on_its_own_test_rows(which, chain):
    made = chain(which)
    report, metric = made.evaluated.report, GATE_METRIC[which]

    same = compared(made, facts(made))
    simpler = compared(made, facts(made, made.trained.baseline))

    assert (same.why_not, same.gain, same.low(0.05), same.high(0.05)) == ("", 0, 0, 0)
    assert simpler.theirs == pytest.approx(report.baseline[metric], abs=1e-12)
    assert simpler.gain == pytest.approx(report.candidate[metric] - report.baseline[metric], abs=1e-12)
    assert 0 < simpler.low(0.05) < simpler.gain < simpler.high(0.05)


@EVERY
def test_champion_of_an_older_smaller_table_is_compared_because_no_row_changes_sides(which, chain, tmp_path):
    made = chain(which)
    older = tables.run(which, Workspace(root=tmp_path), tables.table(which).sample(frac=0.8, random_state=1))
    champion = facts(older)
    copied = made.ws.write_folder("champion", files_of(older), about_of(older))

    paired = compared(made, champion.model_copy(update={"artifact": copied}))

    assert paired.why_not == ""
    assert paired.low(0.05) <= paired.gain <= paired.high(0.05)
    key = list(made.contract.key) or [column.name for column in made.contract.features]
    seen = older.ws.read(older.tables.train)[key].merge(made.ws.read(made.tables.test)[key])
    assert seen.empty


def files_of(chain):
    found = released.files(chain.ws.path(chain.trained.model.uri))
    return {name: content for name, content in found.items() if name != "manifest.json"}


def about_of(chain):
    manifest = dict(model_of(chain).manifest)
    return {name: value for name, value in manifest.items() if name != "files"}


@pytest.mark.parametrize("rule", ["0" * 64, None])
def test_champion_of_another_draw_may_have_seen_the_test_rows(rule, chain):
    made = chain("binary")

    rival = compared(made, facts(made, split=rule))

    assert rival.why_not == "its train rows were drawn in another way, so they may hold these test rows"
    assert rival.estimates is None


def test_champion_without_time_cannot_be_compared_by_time(chain):
    made = chain("binary")

    assert compared(made, facts(made), data_end=date(2024, 1, 1)).why_not == "it was trained on rows without a time"


def test_champion_of_another_target_is_not_compared_with(chain, tmp_path):
    made, other = chain("multiclass"), chain("regression")
    copied = made.ws.write_folder("champion", files_of(other), about_of(other))
    assert compared(made, facts(made, copied)).why_not == "its target is regression, the candidate's multiclass"

    other_names = {"setosa": "bristle", "versicolor": "beach", "virginica": "arctic"}
    assert compared(made, facts(made, of_irises(made, tmp_path / "all", other_names))).why_not == (
        "its classes are arctic, beach, bristle, the candidate's setosa, versicolor, virginica"
    )


def of_irises(made, folder, names):
    """Return a model of the same irises under other names, in the workspace of `made`."""
    rows = tables.table("multiclass").assign(species=lambda t: t["species"].replace(names))
    renamed = tables.run("multiclass", Workspace(root=folder), rows, family="logistic")
    return made.ws.write_folder("champion", files_of(renamed), about_of(renamed))


def test_champion_of_other_classes_is_compared_on_those_that_both_know(chain, tmp_path):
    made = chain("multiclass")
    paired = compared(made, facts(made, of_irises(made, tmp_path, {"setosa": "bristle"})))

    labels = made.ws.read(made.tables.test)["species"]
    assert paired.why_not == ""
    assert paired.n_rows == (labels != "setosa").sum() < len(labels)


def test_too_few_rows_for_an_interval_are_a_reason_and_no_crash(chain, tmp_path):
    few = tables.run("regression", Workspace(root=tmp_path), tables.table("regression").head(14), family="linear")

    paired = compared(few, facts(few))

    assert few.tables.test.rows < 8
    assert paired.why_not == f"{few.tables.test.rows} rows; at least 8 are needed"


def test_scores_of_a_class_are_read_back_as_they_were_written():
    shares = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    written = Estimates("multiclass", shares, ("a", "b c", "_"))

    read = Estimates.read(pd.DataFrame(written.columns("candidate")), "candidate", "multiclass", written.classes)

    np.testing.assert_array_equal(read.values, shares)
    assert read.compared.tolist() == ["_", "a"]
    assert {field: values.tolist() for field, values in read.answers(0.9).items()} == {
        "probability": [0.5, 0.6],
        "label": ["_", "a"],
    }


TARGETS = {
    "multiclass": {"name": "grade", "type": "category", "role": "target"},
    "regression": {"name": "hours", "type": "number", "role": "target"},
}


@pytest.mark.parametrize("task", TARGETS)
def test_other_tasks_are_learned_from_a_table_with_time_and_watched(task, tmp_path):
    columns = [column for column in released.CONTRACT.model_dump()["columns"] if column["role"] != "target"]
    contract = Contract.model_validate({**released.CONTRACT.model_dump(), "columns": [*columns, TARGETS[task]]})
    rows = released.table(900)
    grades = pd.cut(rows["copy"], [-9, -0.5, 0.5, 9], labels=["low", "mid", "high"]).astype("str")
    noise = np.random.default_rng(1).normal(size=len(rows)) / 2
    rows = rows.assign(grade=grades, hours=rows["copy"] * 3 + 5 + noise).drop(columns="late")
    rows.loc[3, ["grade", "hours"]] = None
    ws = Workspace(root=tmp_path)

    tables_ = features.fn(ws.write("valid", rows), ws=ws, contract=contract, params=released.FEATURES, seed=7)
    params = TuneParams.model_validate(
        {"trials": 1, "folds": 2, "max_rows": 1_000, "families": {"gradient_boosting": {}}}
    )
    tuned = tune.fn(
        tables_.train,
        warm_start=None,
        declared={},
        ws=ws,
        contract=contract,
        features=released.FEATURES,
        params=params,
        seed=7,
        storage=f"sqlite:///{tmp_path}/s.db",
    )
    trained = train.fn(
        tables_.train,
        best=tuned.best,
        lookups=tables_.lookups,
        ws=ws,
        contract=contract,
        features=released.FEATURES,
        params=TrainParams(),
        seed=7,
    )
    report = evaluate.fn(
        model=trained.model,
        baseline=trained.baseline,
        out_of_fold=tuned.out_of_fold,
        train=tables_.train,
        test=tables_.test,
        ws=ws,
        params=EvaluateParams(),
        seed=7,
    ).report
    scored = score.fn(ws.write("window", rows), model=trained.model, version=1, threshold=0.5, ws=ws)
    said = ws.read(scored.predictions)
    found = measure(task, said["target"], said[COMPARED[task]], confidence=0.95)

    assert (tables_.split.end, tables_.split.rule) == (date(2024, 3, 25), None)
    assert report.candidate[GATE_METRIC[task]] > 0.9
    assert (found.verdict, found.n_unlabelled) == ("measured", 1)
    assert found.value > 0.9
