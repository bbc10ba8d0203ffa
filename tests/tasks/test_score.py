"""The score step: a window's features of the past are those that training would have seen."""

import numpy as np
import pandas as pd
import pytest

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.ingest import IngestParams
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources, store
from evergreen.learning import features
from evergreen.learning.features.history import PastRows
from evergreen.learning.model import model as models
from evergreen.learning.tuning import families
from tasks.score import score

TRIPS = Contract.model_validate(
    {
        "name": "trips",
        "description": "fares that follow those before them",
        "source": {"kind": "file", "path": "trips.csv"},
        "timezone": "UTC",
        "key": ["trip"],
        "label_delay_days": 1,
        "columns": [
            {"name": "trip", "type": "integer", "role": "key"},
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "driver", "type": "category", "role": "ignore", "nullable": True},
            {"name": "miles", "type": "number", "role": "feature", "min": 0},
            {"name": "fare", "type": "number", "role": "target", "nullable": True},
        ],
    }
)
PARAMS = FeatureParams.model_validate(
    {
        "history": {
            "mean_fare": {"of": "fare", "by": ["driver"], "aggregate": "mean", "window_days": 3},
            "last_miles": {"of": "miles", "by": ["driver"], "lag": 1},
        },
        "rare_category": 1,
        "test_days": 1,
    }
)


def drawn() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    n = 300
    return pd.DataFrame(
        {
            "trip": range(n),
            "at": pd.date_range("2024-03-01", periods=n, freq="2h", tz="UTC"),
            "driver": rng.choice(np.array(["a", "b", None], dtype=object), n),
            "miles": rng.uniform(1, 9, n),
            "fare": rng.normal(20, 4, n),
        }
    )


@pytest.fixture
def traffic(tmp_path):
    """Return a workspace, a model with a past, the rows that keep the contract, and what ingests a period."""
    good = drawn()
    ws = Workspace(root=tmp_path / "ws")
    built = PastRows(TRIPS, PARAMS).derive(good)
    inputs = features.inputs(TRIPS, PARAMS)
    pipeline = families.build("linear", {}, task="regression", inputs=inputs, features=PARAMS, seed=7)
    pipeline.fit(features.build(built, TRIPS, PARAMS)[inputs.names], good["fare"])
    model = models.save(ws, "model", pipeline, contract=TRIPS, features=PARAMS, about={})
    broken = good.iloc[[150, 160]].assign(trip=[1_000, 1_001], miles=-5.0, fare=900.0)
    twice = good.iloc[[140, 140]].assign(trip=2_000, fare=700.0)
    pd.concat([good, broken, twice]).sort_values("at").to_csv(tmp_path / "trips.csv", index=False)
    source = sources.locate(TRIPS, Settings(project=tmp_path, home=tmp_path / "home"))
    path, manifest = store.sync(source, TRIPS, tmp_path / "datasets", made_with="", secret=b"")
    return ws, model, built, lambda period: store.take(path, manifest, ws, TRIPS, period)


def test_history_of_a_window_is_that_of_the_whole_table_and_bad_rows_have_no_part_in_it(traffic):
    ws, model, built, take = traffic
    start = pd.Timestamp("2024-03-20", tz="UTC")
    window = built[built["at"] >= start]
    rows = ws.write("valid", window.drop(columns=list(PARAMS.history)).sample(frac=1, random_state=1))
    expected = models.load(ws.path(model.uri), model.sha256).predict(window).values

    found = ws.read(
        score.fn(
            rows, model=model, version=3, threshold=0.5, ws=ws, past=take(IngestParams(end="2024-04-30"))
        ).predictions
    )

    found = found.set_index("target").loc[window["fare"]]
    assert (found["event_at"].to_numpy() == window["at"].to_numpy()).all()  # each answer has its row's time
    np.testing.assert_allclose(found["value"], expected, rtol=1e-9)
    assert window["mean_fare"].notna().mean() > 0.5


def test_group_is_known_by_its_whole_number_where_others_are_missing_and_rows_without_a_time_are_scored_too(tmp_path):
    columns = [
        {**column, **{"driver": {"type": "integer"}, "at": {"nullable": True}}.get(column["name"], {})}
        for column in TRIPS.model_dump()["columns"]
    ]
    contract = Contract.model_validate({**TRIPS.model_dump(), "columns": columns})
    drivers = pd.Series([2**60, 2**60 + 1, None] * 100, dtype="Int64")
    rows = drawn().assign(driver=drivers, fare=20.0 + drivers.mod(2).fillna(0).astype(float))
    built = PastRows(contract, PARAMS).derive(rows)
    inputs = features.inputs(contract, PARAMS)
    pipeline = families.build("linear", {}, task="regression", inputs=inputs, features=PARAMS, seed=7)
    pipeline.fit(features.build(built, contract, PARAMS)[inputs.names], rows["fare"])
    ws = Workspace(root=tmp_path / "ws")
    model = models.save(ws, "model", pipeline, contract=contract, features=PARAMS, about={})
    rows.head(250).to_parquet(tmp_path / "trips.parquet", index=False)
    moved = contract.model_copy(update={"source": FileSource(kind="file", path="trips.parquet")})
    source = sources.locate(moved, Settings(project=tmp_path, home=tmp_path / "home"))
    path, manifest = store.sync(source, moved, tmp_path / "datasets", made_with="", secret=b"")
    past = store.take(path, manifest, ws, moved, IngestParams(end="2024-04-30"))

    window, untimed = built.tail(50), rows.tail(1).assign(at=lambda t: t["at"].mask(t["at"].notna()))
    valid = ws.write("valid", pd.concat([window[list(rows)], untimed]))
    found = ws.read(score.fn(valid, model=model, version=3, threshold=0.5, ws=ws, past=past).predictions)["value"]

    loaded = models.load(ws.path(model.uri), model.sha256)
    np.testing.assert_allclose(found[:50], loaded.predict(window).values, rtol=1e-12)
    np.testing.assert_allclose(found[50:], loaded.predict(untimed).values, rtol=1e-12)


def test_window_without_its_past_is_scored_with_what_is_missing(traffic):
    ws, model, built, _ = traffic
    plain = built.drop(columns=list(PARAMS.history)).tail(20)
    found = ws.read(score.fn(ws.write("valid", plain), model=model, version=3, threshold=0.5, ws=ws).predictions)
    loaded = models.load(ws.path(model.uri), model.sha256)
    np.testing.assert_array_equal(found["value"], loaded.predict(plain).values)
