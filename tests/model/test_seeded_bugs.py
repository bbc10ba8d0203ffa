"""Eight bugs that make a model look better than it is: each check holds, and fails once the bug is put in."""

import numpy as np
import pandas as pd
import pytest
import released
import tables
import validated
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import TargetEncoder

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, DataError, IntegrityError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.train import TrainParams
from evergreen.data.ingest import joins
from evergreen.learning import features
from evergreen.learning.features import history, lookups
from evergreen.learning.model import model
from evergreen.learning.tuning import families
from tasks.evaluate import evaluate
from tasks.features import features as features_step
from tasks.train import train

LOOK_BACK = FeatureParams.model_validate(
    {
        **released.FEATURES.model_dump(),
        "history": {"carrier_mean": {"of": "copy", "by": ["carrier"], "aggregate": "mean", "window_days": 3}},
    }
)


def check_rows_are_built_alone():
    rows = released.table(200)
    changed = rows.assign(weight=rows["weight"].where(rows.index < 100, 29.0))

    first, second = (
        features.build(of, released.CONTRACT, released.FEATURES).select_dtypes("float64").head(100)
        for of in (rows, changed)
    )

    np.testing.assert_array_equal(first, second)


def test_scaler_fitted_on_all_rows_is_caught(monkeypatch):
    check_rows_are_built_alone()
    build = features.build

    def scaled(*args):
        built = build(*args)
        numbers = built.select_dtypes("float64")
        return built.assign(**(numbers - numbers.mean()) / numbers.std())

    monkeypatch.setattr(features, "build", scaled)
    with pytest.raises(AssertionError):
        check_rows_are_built_alone()


def check_later_rows_do_not_change_the_past():
    rows = released.table(300)

    early, whole = (
        history.PastRows(released.CONTRACT, LOOK_BACK).derive(of)["carrier_mean"] for of in (rows.head(150), rows)
    )

    np.testing.assert_allclose(early, whole.head(150))


def test_rolling_mean_that_looks_ahead_is_caught(monkeypatch):
    check_later_rows_do_not_change_the_past()

    def centred(self, rows):
        means = rows.groupby("carrier")["copy"].transform(lambda of: of.rolling(9, min_periods=1, center=True).mean())
        return rows.assign(carrier_mean=means)

    monkeypatch.setattr(history.PastRows, "derive", centred)
    with pytest.raises(AssertionError):
        check_later_rows_do_not_change_the_past()


def check_names_decide_and_not_their_order(folder):
    rows, pipeline = released.table(50, seed=3), released.fitted("logistic")
    expected = pipeline.predict_proba(features.build(rows, released.CONTRACT, released.FEATURES))[:, 1]
    ws = Workspace(root=folder)
    ref = model.save(
        ws, "model", pipeline, contract=released.CONTRACT, features=released.FEATURES, about={"family": "logistic"}
    )

    answered = model.load(ws.path(ref.uri), ref.sha256).predict(rows[sorted(rows.columns, reverse=True)]).values

    np.testing.assert_allclose(answered, expected, rtol=1e-12)


def test_sorted_feature_names_are_caught(monkeypatch, tmp_path):
    released.fitted("logistic")
    check_names_decide_and_not_their_order(tmp_path / "right")
    build = features.build
    numbers = ["copy", "stops", "weight"]

    def by_sorted_names(rows, *args):
        built = build(rows, *args)
        order = [name for name in built.columns if name in numbers]
        moved = {name: built[other] for name, other in zip(order, sorted(order), strict=True)}
        return built.assign(**moved) if list(rows.columns) == sorted(rows.columns, reverse=True) else built

    monkeypatch.setattr(features, "build", by_sorted_names)
    with pytest.raises(AssertionError):
        check_names_decide_and_not_their_order(tmp_path / "wrong")


def with_lookup(folder, table, **columns):
    """Return the train table that the features step makes with a lookup by parcel number."""
    plain = released.CONTRACT.model_dump(mode="json", by_alias=True)
    for column in plain["columns"]:
        column["role"] = "feature" if column["name"] == "parcel" else column["role"]
    contract = Contract.model_validate({**plain, "key": []})
    params = FeatureParams.model_validate(
        {
            **released.FEATURES.model_dump(),
            "lookups": {"register": {"file": "register.csv", "by": "parcel", **columns}},
        }
    )
    folder.mkdir()
    table.to_csv(folder / "register.csv", index=False)
    ws = Workspace(root=folder)
    valid = ws.write("valid", released.table(3_000))
    return features_step.fn(
        valid, ws=ws, contract=contract, params=params, seed=7, lookup_files=lookups.locate(params, folder)
    )


def test_target_in_a_lookup_is_caught(tmp_path):
    rows = released.table(3_000)
    register = rows[["parcel"]].assign(zone=np.random.default_rng(1).normal(size=len(rows)))
    assert with_lookup(tmp_path / "clean", register, numeric=["zone"]).train.rows

    with pytest.raises(ConfigError, match="holds the target"):
        with_lookup(tmp_path / "named", register.assign(late=rows["late"]), numeric=["zone"])
    with pytest.raises(DataError, match="too good to be true: column 'register_delay'"):
        with_lookup(tmp_path / "renamed", register.assign(delay=rows["late"].astype(int)), numeric=["delay"])


def check_noise_is_not_learnt():
    rng = np.random.default_rng(5)
    n = 4_000
    signal = rng.normal(size=n)
    labels = rng.random(n) < 1 / (1 + np.exp(-signal))
    rows = pd.DataFrame({"signal": signal, "noise": rng.integers(0, 1_500, n).astype(str)})
    params = FeatureParams(rare_category=1, test_share=0.2, encode={"noise": "target"})
    inputs = features.Inputs(categorical=("noise",), numeric=("signal",))
    pipeline = families.build("logistic", {}, task="binary", inputs=inputs, features=params, seed=7)
    families.fit(pipeline, rows[:3_000], labels[:3_000])

    found = roc_auc_score(labels[3_000:], pipeline.predict_proba(rows[3_000:])[:, 1])

    assert found > roc_auc_score(labels[3_000:], signal[3_000:]) - 0.01


def test_target_encoder_without_inner_folds_is_caught(monkeypatch):
    check_noise_is_not_learnt()

    monkeypatch.setattr(TargetEncoder, "fit_transform", lambda self, x, y: self.fit(x, y).transform(x))
    with pytest.raises(AssertionError):
        check_noise_is_not_learnt()


def test_test_rows_in_tuning_and_training_are_caught(tmp_path):
    made = tables.run("multiclass", Workspace(root=tmp_path), family="logistic")
    ws, contract = made.ws, made.contract
    leaked = ws.write("train", pd.concat([ws.read(made.tables.train), ws.read(made.tables.test)]))
    lookups_of, test = made.tables.lookups, made.tables.test
    trained = train.fn(
        leaked,
        best=made.best,
        lookups=lookups_of,
        ws=ws,
        contract=contract,
        features=tables.FEATURES,
        params=TrainParams(),
        seed=7,
    )

    for claimed, code in ((made.tables.train, "INT014"), (leaked, "INT015")):
        with pytest.raises(IntegrityError) as caught:
            evaluate.fn(
                model=trained.model,
                baseline=trained.baseline,
                out_of_fold=made.out_of_fold,
                train=claimed,
                test=test,
                ws=ws,
                params=EvaluateParams(),
                seed=7,
            )
        assert caught.value.code == code


def check_weather_is_older_than_the_flight():
    contract = Contract.model_validate(
        {
            "name": "departures",
            "description": "",
            "timezone": "UTC",
            "label_delay_days": 0,
            "source": {"kind": "file", "path": "departures.csv"},
            "joins": [
                {
                    "source": {"kind": "file", "path": "weather.csv"},
                    "by": {"origin": "origin"},
                    "columns": {"hour": "hour"},
                    "as_of": {"time": "seen", "tolerance_hours": 6},
                }
            ],
            "columns": [
                {"name": "at", "type": "timestamp", "role": "time"},
                {"name": "origin", "type": "category", "role": "feature"},
                {"name": "hour", "type": "number", "role": "feature", "nullable": True},
                {"name": "late", "type": "boolean", "role": "target"},
            ],
        }
    )
    seen = pd.date_range("2013-01-01", periods=24, freq="h", tz="UTC")
    weather = pd.DataFrame({"origin": "JFK", "hour": range(24), "seen": seen})
    own = contract.model_copy(update={"joins": (), "columns": tuple(c for c in contract.columns if c.name != "hour")})
    flights = pd.DataFrame({"at": seen + pd.Timedelta(minutes=20), "origin": "JFK", "late": True})
    batch = validated.typed(flights, own)
    known = joins.lookup(
        contract.joins[0], [validated.pa.RecordBatch.from_pandas(weather)], contract, name="weather.csv"
    )

    found = joins.attach(batch, [known], contract).column("hour").to_pylist()

    assert found == [float(hour) for hour in range(24)]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda merge, left, right, **how: merge(left, right, **how | {"direction": "forward"}),
        lambda merge, left, right, **how: merge(left.assign(at=left["at"] - pd.Timedelta(hours=1)), right, **how),
    ],
    ids=["the hour after", "the hour before"],
)
def test_weather_of_the_wrong_hour_is_caught(monkeypatch, wrong):
    check_weather_is_older_than_the_flight()
    merge_asof = pd.merge_asof
    monkeypatch.setattr(joins.pd, "merge_asof", lambda *tables, **how: wrong(merge_asof, *tables, **how))
    with pytest.raises(AssertionError):
        check_weather_is_older_than_the_flight()


def test_unit_mismatch_is_caught(flights_table, contract):
    def broken(rows):
        run = validated.stream(rows[[column.name for column in contract.stored]], contract, today=None)
        return {rule.column for rule in run.validation.rules if rule.code == "DQ019" and rule.outcome == "failed"}

    january = flights_table.head(20_000)
    assert not {"temp", "distance"} & broken(january)

    celsius, km = (january["temp"] - 32) / 1.8, (january["distance"] * 1.609).round()
    assert broken(january.assign(temp=celsius, distance=km)) == {"temp", "distance"}
