"""The training steps on ten real days: nothing leaks, nothing is lost, and the same inputs give the same bytes."""

from datetime import UTC, date, datetime

import candidates
import numpy as np
import pandas as pd
import parameters
import planned
import pytest
import released
import skops.io
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits
from validated import load

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.data import datasets
from evergreen.data.ingest import sources
from evergreen.data.typed.schema import ROW, UNREADABLE, arrow_schema, conform, from_pandas, to_pandas
from evergreen.learning import features as domain
from evergreen.learning.model import model as models
from evergreen.learning.model import scoring, skops_file
from evergreen.learning.tuning.best import Best
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan import identity, steps
from evergreen.record.plan.steps import Given
from tasks.evaluate import evaluate
from tasks.features import features
from tasks.ingest import ingest
from tasks.score import score
from tasks.train import train
from tasks.tune import tune
from tasks.validate import validate

STEPS = {
    "ingest": ingest,
    "validate": validate,
    "features": features,
    "tune": tune,
    "train": train,
    "evaluate": evaluate,
}
FEW = (
    "ingest.end=2013-01-13",
    "features.test_days=4",
    "tune.trials=3",
    "tune.folds=2",
    "tune.max_rows=2000",
    "tune.families.gradient_boosting.max_iter={int: [5, 20]}",
)


@pytest.fixture(scope="session")
def contract(project):
    """The committed contract, for fewer rows than a month has."""
    load()
    return Contract.load(project / "configs" / "flights" / "contract.yaml").model_copy(update={"rows": None})


@pytest.fixture(scope="module")
def few():
    """The tests' parameters, for ten days and a small search."""
    return Params.load(parameters.FILE, FEW)


def run_steps(ws, project, contract, params):
    """Run the six steps as plain functions and return every artifact by its name."""
    given = given_of(ws, project, contract, params)
    artifacts = {}
    for name, step in STEPS.items():
        artifacts |= dict(step.fn(**steps.arguments(name, given, artifacts)))
    return artifacts


def given_of(ws, project, contract, params) -> Given:
    """Return what the steps are given that work in a workspace."""
    return planned.given(
        ws,
        contract,
        params,
        locate=lambda: sources.locate(contract, Settings(project=project)),
        storage=f"sqlite:///{ws.root / 'studies.db'}",
    )


@pytest.fixture(scope="module")
def chain(project, contract, few, tmp_path_factory):
    """The workspace of one chain, whose artifacts are never overwritten, and the artifacts."""
    ws = Workspace(root=tmp_path_factory.mktemp("chain"))
    return ws, run_steps(ws, project, contract, few)


@pytest.fixture
def raw(chain):
    """What was ingested, row by row."""
    ws, artifacts = chain
    return rows_of(ws, artifacts["raw"])


def rows_of(ws, ref):
    """Return the rows of a dataset version in their order, as they were typed."""
    batches = [batch for _, batch in datasets.batches(ws.path(ref.uri), ref)]
    frame = pd.concat([to_pandas(batch) for batch in batches], ignore_index=True)
    assert frame[UNREADABLE].isna().all()
    return frame.drop(columns=[ROW, UNREADABLE])


def written(ws, rows, contract):
    """Write rows as a dataset version, as ingest does."""
    parts = ws.root / "parts"
    parts.mkdir(parents=True)
    writer = datasets.Writer(parts, item="ab" * 32, time=contract.time, zone=contract.timezone)
    writer.add(conform(from_pandas(rows, contract.stored), contract.stored, zone=contract.timezone))
    fragments = writer.close()
    types = {field.name: str(field.type) for field in arrow_schema(contract.stored)}
    manifest = datasets.Manifest(
        name=contract.name,
        digest=datasets.digest(types, fragments),
        rows=len(rows),
        types=types,
        items=(datasets.IngestedItem(name="flights.csv", size=1, sha256="ab" * 32, rows=len(rows)),),
        fragments=fragments,
        source="file",
        made_with="test",
        ingested_at=datetime(2013, 2, 1, tzinfo=UTC),
    )
    datasets.publish(ws.path("raw"), manifest, {part.path: parts / part.path for part in fragments})
    return datasets.reference(ws.root, "raw")


@pytest.fixture
def other(tmp_path):
    return Workspace(root=tmp_path / "workspace")


def leakage(contract):
    return {column.name for column in contract.with_role("leakage")}


def by_key(table, contract):
    return table.astype({"flight": "int64"}).set_index(list(contract.key)).sort_index()


# Leakage


def test_tables_that_are_fitted_on_hold_no_consequence_of_the_target(chain, contract):
    ws, artifacts = chain

    for name in ("train", "test"):
        columns = set(ws.read(artifacts[name]).columns)
        assert not columns & leakage(contract)
        assert "tailnum" not in columns  # role ignore
    assert {"dep_delay", "arr_delay", "dep_time"} <= leakage(contract)


def test_models_inputs_are_the_features_and_the_calendar_and_nothing_else(chain, contract, few):
    ws, artifacts = chain
    allowed = [column.name for column in contract.features] + [
        "scheduled_departure_hour",
        "scheduled_departure_weekday",
    ]

    for name in ("model", "baseline"):
        manifest, files = read_folder(ws.path(artifacts[name].uri), artifacts[name].sha256)
        inputs = manifest["inputs"]["categorical"] + manifest["inputs"]["numeric"]
        assert sorted(inputs) == sorted(allowed)
        fitted = skops.io.loads(files["model.skops"], trusted=list(skops_file.TRUSTED_TYPES))
        assert list(fitted.feature_names_in_) == inputs
        assert not set(inputs) & {*leakage(contract), contract.target, *contract.key} - {"carrier"}  # a feature, too


def test_shuffled_consequences_of_the_target_change_no_byte_of_train_and_test(chain, raw, contract, few, other):
    artifacts = chain[1]
    shuffled = raw.copy()
    for position, name in enumerate(sorted(leakage(contract))):
        shuffled[name] = raw[name].sample(frac=1, random_state=position).to_numpy()
    assert not shuffled.equals(raw)

    validated = validate.fn(
        written(other, shuffled, contract),
        ws=other,
        contract=contract,
        expectations=(),
        today=None,
        params=few.validate_,
    )
    tables = features.fn(validated.valid, ws=other, contract=contract, params=few.features, seed=few.seed)

    assert validated.valid.sha256 != artifacts["valid"].sha256
    assert (tables.train.sha256, tables.test.sha256) == (artifacts["train"].sha256, artifacts["test"].sha256)


def test_train_rows_are_older_than_test_rows_by_the_embargo_and_every_label_was_known(chain, contract, few):
    ws, artifacts = chain
    train_days, test_days = (
        ws.read(artifacts[name])["scheduled_departure"].dt.tz_convert("America/New_York").dt.date
        for name in ("train", "test")
    )

    assert (train_days.min(), train_days.max()) == (date(2013, 1, 1), date(2013, 1, 7))
    assert (test_days.min(), test_days.max()) == (date(2013, 1, 9), date(2013, 1, 12))


def test_search_sees_the_train_rows_only(chain, project, contract, few, tmp_path):
    ws, artifacts = chain
    lonely = Workspace(root=tmp_path)
    (tmp_path / artifacts["train"].uri).write_bytes(ws.path(artifacts["train"].uri).read_bytes())

    tuned = tune.fn(**steps.arguments("tune", given_of(lonely, project, contract, few), artifacts))

    assert tuned.best == artifacts["best"]


# Conservation and parity


def test_every_ingested_row_is_valid_or_in_quarantine(chain, raw, contract):
    ws, artifacts = chain

    assert artifacts["raw"].rows == artifacts["valid"].rows + artifacts["quarantine"].rows == len(raw)
    valid = by_key(ws.read(artifacts["valid"]), contract)
    came = by_key(raw, contract)
    pd.testing.assert_series_equal(valid["distance"], came.loc[valid.index, "distance"], check_dtype=False)


def test_every_labelled_row_is_in_train_or_test_or_the_embargo(chain, contract):
    ws, artifacts = chain
    valid = ws.read(artifacts["valid"])
    day = valid["scheduled_departure"].dt.tz_convert("America/New_York").dt.date

    in_embargo = (valid["late"].notna() & (day == date(2013, 1, 8))).sum()
    assert in_embargo > 0
    assert artifacts["train"].rows + artifacts["test"].rows + in_embargo == valid["late"].notna().sum()


def test_labels_are_those_of_the_arrival_delay_in_the_source(chain, raw, contract):
    ws, artifacts = chain
    late = by_key(raw, contract)["arr_delay"] > 15

    for name in ("train", "test"):
        table = by_key(ws.read(artifacts[name]), contract)
        assert (table["late"] == late[table.index]).all()
        assert table["late"].dtype == bool


def test_features_in_the_tables_are_those_of_the_raw_rows_one_by_one(chain, raw, contract, few):
    ws, artifacts = chain
    table = ws.read(artifacts["test"]).sample(25, random_state=1)
    came = by_key(raw, contract)

    for _, row in table.iterrows():
        one = came.loc[[tuple(row[name] for name in contract.key)]].reset_index()
        built = domain.build(one, contract, few.features).iloc[0]
        pd.testing.assert_series_equal(row[built.index], built, check_names=False, check_dtype=False)


def test_scoring_gives_the_probabilities_that_the_gate_saw(chain, contract):
    ws, artifacts = chain
    judged = ws.read(artifacts["scores"])["candidate"].to_numpy()
    keys = list(contract.key)
    test = ws.read(artifacts["test"])

    scored = score.fn(artifacts["valid"], model=artifacts["model"], version=1, threshold=0.5, ws=ws)

    table = ws.read(scored.predictions)
    assert len(table) == artifacts["valid"].rows
    valid = by_key(ws.read(artifacts["valid"])[keys].assign(probability=table["probability"].to_numpy()), contract)
    np.testing.assert_array_equal(valid.loc[pd.MultiIndex.from_frame(test[keys]), "probability"], judged)
    assert table["target"].isna().sum() == ws.read(artifacts["valid"])["late"].isna().sum()


def test_row_has_the_same_prediction_id_in_a_window_and_in_a_file(chain, raw, contract):
    ws, artifacts = chain
    model = models.load(ws.path(artifacts["model"].uri), artifacts["model"].sha256)

    scored = ws.read(
        score.fn(artifacts["valid"], model=artifacts["model"], version=1, threshold=0.5, ws=ws).predictions
    )
    from_file = scoring.score_file(ws.read(artifacts["valid"]), model, version=1, threshold=0.5)

    assert scored["prediction_id"].tolist() == from_file["prediction_id"].tolist()
    np.testing.assert_allclose(scored["probability"], from_file["probability"], rtol=0, atol=1e-9)


# The same bytes


def test_steps_give_the_same_digests_in_every_workspace_and_whenever_they_run(chain, project, contract, few, tmp_path):
    _, artifacts = chain

    again = run_steps(Workspace.beside(tmp_path / "data"), project, contract, few)

    for name in ("raw", "valid", "quarantine", "docs", "train", "test", "out_of_fold", "scores", "model", "baseline"):
        assert again[name].sha256 == artifacts[name].sha256, name
    for name in ("best", "report", "validation"):
        assert again[name] == artifacts[name], name
    assert again["model"].uri == "model"
    assert (tmp_path / "data" / "train.parquet").is_file()


def test_number_of_threads_does_not_change_the_digests(chain, project, contract, few):
    ws, artifacts = chain
    trees = Best(
        family="gradient_boosting", params={"max_iter": 5}, score=0.7, scores=(0.7,), n_trials=1, metric="roc_auc"
    )
    given = given_of(ws, project, contract, few)
    arguments = steps.arguments("train", given, {**artifacts, "best": trees})

    trained = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            trained.append(train.fn(**arguments))

    assert trained[0] == trained[1]


def test_seed_is_part_of_the_model(chain, project, contract, few):
    ws, artifacts = chain
    arguments = steps.arguments("train", given_of(ws, project, contract, few), artifacts)

    assert train.fn(**arguments).model == artifacts["model"]
    assert train.fn(**{**arguments, "seed": 8}).model != artifacts["model"]


# Ingest and validate


def test_ingest_brings_the_flights_of_the_period_and_no_others(chain, raw, flights_table):
    local = raw["scheduled_departure"].dt.tz_convert("America/New_York")

    assert local.min() >= pd.Timestamp("2013-01-01", tz="America/New_York")
    assert local.max() < pd.Timestamp("2013-01-13", tz="America/New_York")
    before = flights_table["scheduled_departure"] < pd.Timestamp("2013-01-13", tz="America/New_York")
    assert len(raw) == before.sum()


def spoiled(raw, n):
    """Return rows of which the first n break the contract, in turn by a bound, a category and a missing value."""
    rows = raw.copy()
    rows.loc[: n - 1, "distance"] = -1
    rows.loc[: n // 3 - 1, "origin"] = "XXX"
    rows.loc[: n // 9 - 1, "carrier"] = None
    return rows


def test_bad_rows_go_to_quarantine_with_their_codes_and_the_rest_goes_on(raw, contract, few, other):
    bad = written(other, spoiled(raw, 90), contract)

    validated = validate.fn(bad, ws=other, contract=contract, expectations=(), today=None, params=few.validate_)

    aside = other.read(validated.quarantine)
    known = int(validated.validation.quarantined) - 90  # what the source itself brought
    assert (validated.valid.rows, validated.quarantine.rows) == (len(raw) - 90 - known, 90 + known)
    assert aside["codes"].head(90).value_counts().to_dict() == {
        "DQ004": 60,
        "DQ004 DQ005": 20,
        "DQ003 DQ004 DQ005": 10,
    }
    assert (aside["distance"].head(90) == "-1").all()
    assert rows_of(other, bad).equals(spoiled(raw, 90))
    rules = {(rule.code, rule.column): rule.n_bad for rule in validated.validation.rules}
    assert (rules["DQ004", "distance"], rules["DQ005", "origin"], rules["DQ003", "carrier"]) == (90, 30, 10)


def test_too_many_bad_rows_stop_the_run_and_are_kept_to_look_at(raw, contract, few, other):
    n_bad = len(raw) // 10

    with pytest.raises(DataError) as caught:
        validate.fn(
            written(other, spoiled(raw, n_bad), contract),
            ws=other,
            contract=contract,
            expectations=(),
            today=None,
            params=few.validate_,
        )

    error = caught.value
    assert (error.code, error.exit_code) == ("DQ008", 3)
    assert "5% are allowed" in error.what
    broken = f"DQ004 column 'distance': {n_bad} rows are not between 1 and 6000 miles"
    assert f"{broken}, such as flights.csv row 0: -1" in error.what
    assert len(pd.read_parquet(error.where)) >= n_bad
    assert not list(other.root.glob("valid*"))


@pytest.mark.parametrize(("n_bad", "stops"), [(0, False), (5, False), (6, True)])
def test_share_of_bad_rows_may_be_as_large_as_allowed_and_no_larger(n_bad, stops, raw, contract, few, other):
    columns = tuple(column.model_copy(update={"mean": None, "max_null_share": None}) for column in contract.columns)
    contract = contract.model_copy(update={"columns": columns})  # a hundred flights are not as the flights of a month
    clean = raw[raw["late"].notna()].head(100).reset_index(drop=True)
    rows = clean.assign(distance=[-1] * n_bad + [500] * (100 - n_bad))
    table = written(other, rows, contract)

    if stops:
        with pytest.raises(DataError, match="DQ008"):
            validate.fn(table, ws=other, contract=contract, expectations=(), today=None, params=few.validate_)
    else:
        assert (
            validate.fn(
                table, ws=other, contract=contract, expectations=(), today=None, params=few.validate_
            ).quarantine.rows
            == n_bad
        )


def test_damaged_table_is_never_worked_on(raw, contract, few, other):
    table = written(other, raw.head(100), contract)
    (path,) = other.path(table.uri).glob("month=*/*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(IntegrityError) as caught:
        validate.fn(table, ws=other, contract=contract, expectations=(), today=None, params=few.validate_)

    assert caught.value.code == "INT009"


# Train and evaluate


def test_manifest_says_what_the_model_was_made_of(chain, contract, few):
    ws, artifacts = chain

    model, _ = read_folder(ws.path(artifacts["model"].uri), artifacts["model"].sha256)
    baseline, _ = read_folder(ws.path(artifacts["baseline"].uri), artifacts["baseline"].sha256)

    for manifest in (model, baseline):
        assert manifest["data"] == artifacts["train"].sha256
        assert manifest["rows"] == artifacts["train"].rows
        assert manifest["seed"] == few.seed
        assert manifest["code"] == identity.code_digest("tasks.train")
        assert manifest["lock"] == identity.lock_digest()
    assert (model["family"], model["params"]) == (artifacts["best"].family, artifacts["best"].params)


@pytest.mark.parametrize(
    ("family", "chosen", "simpler", "its"),
    [
        ("gradient_boosting", {"max_iter": 3}, "logistic", {"C": 1.0}),
        ("logistic", {"C": 0.1}, "prior", {}),
    ],
)
def test_baseline_is_the_next_simpler_family_with_its_declared_parameters(
    family, chosen, simpler, its, chain, project, contract, few
):
    ws, artifacts = chain
    best = Best(family=family, params=chosen, score=0.7, scores=(0.7,), n_trials=1, metric="roc_auc")
    given = given_of(ws, project, contract, few)

    trained = train.fn(**steps.arguments("train", given, {**artifacts, "best": best}))

    manifest, _ = read_folder(ws.path(trained.baseline.uri), trained.baseline.sha256)
    assert (manifest["family"], manifest["params"]) == (simpler, its)


def test_report_measures_what_was_saved(chain, contract):
    ws, artifacts = chain
    report = artifacts["report"]

    for name, rows, measured in (
        ("model", "test", report.candidate),
        ("baseline", "test", report.baseline),
        ("model", "train", report.train),
    ):
        table = ws.read(artifacts[rows])
        manifest, files = read_folder(ws.path(artifacts[name].uri), artifacts[name].sha256)
        fitted = skops.io.loads(files["model.skops"], trusted=list(skops_file.TRUSTED_TYPES))
        inputs = manifest["inputs"]["categorical"] + manifest["inputs"]["numeric"]
        probabilities = fitted.predict_proba(table[inputs])[:, 1]
        assert measured["roc_auc"] == pytest.approx(roc_auc_score(table["late"], probabilities), abs=1e-12)
        at = report.baseline_threshold if name == "baseline" else report.threshold
        assert measured["accuracy"] == pytest.approx((table["late"] == (probabilities >= at)).mean(), abs=1e-12)
    assert (report.n_train, report.n_test) == (artifacts["train"].rows, artifacts["test"].rows)


def test_report_follows_the_artifacts_that_are_given(chain, few):
    ws, artifacts = chain
    arguments = {name: artifacts[name] for name in ("train", "test")}

    swapped = evaluate.fn(
        model=artifacts["baseline"],
        baseline=artifacts["model"],
        out_of_fold=artifacts["out_of_fold"],
        ws=ws,
        params=few.evaluate.model_copy(update={"threshold": artifacts["report"].threshold}),
        seed=few.seed,
        **arguments,
    ).report

    assert artifacts["report"].baseline_threshold == artifacts["report"].threshold  # the prior has none of its own
    assert swapped.candidate == artifacts["report"].baseline
    assert swapped.baseline == artifacts["report"].candidate
    assert (swapped.family, swapped.baseline_family) == (
        artifacts["report"].baseline_family,
        artifacts["report"].family,
    )


def test_damaged_model_is_never_measured(chain, few, tmp_path):
    ws, artifacts = chain
    copy = Workspace(root=tmp_path)
    for path in ws.root.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(ws.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    weights = copy.path(artifacts["model"].uri) / "model.skops"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    with pytest.raises(IntegrityError) as caught:
        evaluate.fn(
            ws=copy,
            params=few.evaluate,
            seed=few.seed,
            **{name: artifacts[name] for name in ("model", "baseline", "train", "test", "out_of_fold")},
        )

    assert caught.value.code == "INT003"


# Compare


@pytest.fixture
def champion(chain):
    """Return a champion made of one of the chain's models, trained on data until some day."""
    _, artifacts = chain

    def made(model, data_end):
        judged = released.judged("flights", 4, model.sha256)
        return VersionFacts(
            version=4,
            judged=judged,
            candidate="k",
            artifact=model,
            train=artifacts["train"],
            data_end=data_end,
            threshold=0.5,
            run_id="r",
            bento="b",
        )

    return made


def test_candidate_is_compared_with_the_champion_on_its_own_test_rows(chain, champion):
    ws, artifacts = chain
    end = date(2013, 1, 13)
    candidate = Candidate(key="k", data_end=end, **artifacts)

    same = candidates.held(candidate, champion(artifacts["model"], end), ws)
    simpler = candidates.held(candidate, champion(artifacts["baseline"], date(2013, 1, 1)), ws)

    assert same.gain == 0
    report = artifacts["report"]
    assert simpler.theirs == pytest.approx(report.baseline["roc_auc"], abs=1e-12)
    assert simpler.gain == pytest.approx(report.candidate["roc_auc"] - report.baseline["roc_auc"], abs=1e-12)
    assert simpler.why_not == "4 days; at least 8 are needed"


def test_champion_that_may_have_seen_the_test_rows_is_not_compared_with(chain, champion):
    ws, artifacts = chain
    later = champion(artifacts["model"], date(2013, 2, 1)).model_copy(update={"train": artifacts["test"]})

    candidate = Candidate(key="k", data_end=date(2013, 1, 13), **artifacts)
    rival = candidates.held(candidate, later, ws)

    assert rival.estimates is None
    assert rival.why_not.startswith("it has seen rows until 2013-01-12")
