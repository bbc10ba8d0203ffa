"""The service, batch scoring and the training code give one answer to a row, whatever its features are made of."""

import logging

import numpy as np
import pandas as pd
import pytest
from asked import logged
from threadpoolctl import threadpool_limits

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.features import lookups
from evergreen.learning.features.history import PastRows
from evergreen.learning.model import model as models
from evergreen.learning.model import scoring
from evergreen.learning.model.release import Release, load_release
from evergreen.learning.tuning import families

TRIPS = Contract.model_validate(
    {
        "name": "trips",
        "description": "Does a passenger tip?",
        "source": {"kind": "file", "path": "trips.csv"},
        "timezone": "America/New_York",
        "label_delay_days": 1,
        "columns": [
            {"name": "start", "type": "timestamp", "role": "time"},
            {"name": "booked", "type": "timestamp", "role": "feature", "nullable": True},
            {"name": "zone", "type": "category", "role": "feature", "nullable": True},
            {"name": "fare", "type": "number", "role": "feature", "nullable": True},
            {"name": "seats", "type": "integer", "role": "feature", "nullable": True},
            {"name": "member", "type": "boolean", "role": "feature", "nullable": True},
            {"name": "note", "type": "text", "role": "feature", "nullable": True},
            {"name": "tip", "type": "boolean", "role": "target", "nullable": True},
        ],
    }
)
PARAMS = FeatureParams.model_validate(
    {
        "calendar": ["hour"],
        "cyclic": ["hour", "day_of_year"],
        "ratios": {"fare_per_seat": ["fare", "seats"]},
        "differences": {"notice": ["start", "booked"], "margin": ["fare", "seats"]},
        "buckets": {"fare_band": {"of": "fare", "edges": [5, 10]}},
        "lookups": {"zone": {"file": "zones.csv", "by": "zone", "numeric": ["area"], "categorical": ["side"]}},
        "history": {
            "tipped": {"of": "tip", "by": ["zone"], "aggregate": "mean", "window_days": 2},
            "last_fare": {"of": "fare", "lag": 1},
        },
        "functions": ["own_features.trip"],
        "rare_category": 5,
        "test_days": 1,
    }
)


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    start = pd.date_range("2024-03-01", periods=n, freq="41min", tz="UTC")
    rows = pd.DataFrame(
        {
            "start": start,
            "booked": (start - pd.to_timedelta(rng.integers(0, 9_000_000_000, n), unit="us")).where(
                rng.random(n) > 0.1
            ),
            "zone": rng.choice(np.array(["north", "south", "moon", None], dtype=object), n),
            "fare": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 20, n)),
            "seats": pd.array(rng.integers(0, 4, n), dtype="Int64"),
            "member": pd.array(rng.random(n) < 0.5, dtype="boolean"),
            "note": rng.choice(np.array(["late again", "quiet ride", "", None], dtype=object), n),
        }
    )
    return rows.assign(tip=(rows["fare"].fillna(9) + rng.normal(0, 6, n) > 9).astype("boolean"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a bundle, the pipeline in it, and the table with its past and what training saw of it."""
    folder = tmp_path_factory.mktemp("every-feature")
    (folder / "zones.csv").write_text("zone,area,side\nnorth,2.5,left\nsouth,,right\n")
    known = lookups.read(lookups.locate(PARAMS, folder), PARAMS, TRIPS)
    rows = PastRows(TRIPS, PARAMS).derive(table())
    seen = features.build(rows, TRIPS, PARAMS, known)
    inputs = features.inputs(TRIPS, PARAMS)
    pipeline = families.build(
        "gradient_boosting", {"max_iter": 20}, task="binary", inputs=inputs, features=PARAMS, seed=7
    )
    with threadpool_limits(1):
        pipeline.fit(seen[inputs.names], rows["tip"].to_numpy(bool))
    bundle = folder / "bundle"
    ref = models.save(
        Workspace.beside(bundle), "model", pipeline, contract=TRIPS, features=PARAMS, about={}, lookups=known
    )
    release = Release(model="trips", version=3, model_digest=ref.sha256, threshold=0.5)
    (bundle / "release.json").write_text(release.model_dump_json())
    return bundle, pipeline, rows, seen[inputs.names]


def sent(rows: pd.DataFrame, names: list[str]) -> list[dict]:
    plain = rows[names].astype("object").where(rows[names].notna(), None)
    return [
        {name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def test_service_batch_scoring_and_training_code_agree_on_every_kind_of_feature(made, serve, tmp_path):
    bundle, pipeline, rows, seen = made
    expected = pipeline.predict_proba(seen)[:, 1]
    _, model = load_release(bundle)
    some = rows.iloc[100:140]
    names = [column.name for column in (*TRIPS.request_columns, *model.given)]
    with serve(bundle) as client:
        response = client.post("/predict", json={"rows": sent(some, names)})
        assert response.status_code == 200, response.text
        fields = client.get("/openapi.json").json()["components"]["schemas"]["Row"]
    answered = [each["probability"] for each in response.json()["predictions"]]
    file = tmp_path / "rows.parquet"
    some[names].to_parquet(file, index=False)
    batch = scoring.score_file(pd.read_parquet(file), model, version=3, threshold=0.5)
    asked = logged(tmp_path, [each["prediction_id"] for each in response.json()["predictions"]])

    for found in (answered, batch["probability"], model.predict(some).values, model.predict(asked).values):
        np.testing.assert_allclose(found, expected[100:140], rtol=1e-12)
    np.testing.assert_allclose(model.predict(rows.iloc[[7]]).values, expected[[7]], rtol=1e-12)
    assert fields["properties"]["tipped"]["description"] == "mean of tip in the 2 days before of the same zone"
    assert not {"tipped", "last_fare"} & {*fields["required"]}


def test_past_that_is_not_sent_is_missing_and_batch_scoring_says_so_once(made, serve, caplog):
    bundle, _, rows, _ = made
    _, model = load_release(bundle)
    some, names = rows.iloc[200:210], [column.name for column in TRIPS.request_columns]
    with serve(bundle) as client:
        answered = client.post("/predict", json={"rows": sent(some, names)}).json()["predictions"]
    with caplog.at_level(logging.WARNING):
        batch = scoring.score_file(some[names], model, version=3, threshold=0.5)
    unknown = model.predict(some.assign(tipped=np.nan, last_fare=np.nan)).values
    np.testing.assert_allclose([each["probability"] for each in answered], unknown, rtol=1e-12)
    np.testing.assert_allclose(batch["probability"], unknown, rtol=1e-12)
    assert [record.getMessage() for record in caplog.records if record.name == "evergreen.learning.model.scoring"] == [
        "score: missing in every row, because the file has no such column: tipped, last_fare"
    ]


@pytest.mark.parametrize("past", ["much", True, [1]])
def test_past_of_another_type_is_refused_by_name(made, serve, past):
    bundle, _, rows, _ = made
    row = sent(rows.iloc[[9]], [column.name for column in TRIPS.request_columns])[0]
    with serve(bundle) as client:
        response = client.post("/predict", json={"rows": [{**row, "tipped": past}]})
    assert (response.status_code, response.json()["error"]["where"]) == (422, "rows[0].tipped")


def test_past_of_another_type_in_a_file_sets_the_row_aside(made):
    _, model = load_release(made[0])
    some = made[2].iloc[200:203].assign(tipped=["0.5", "much", None])
    found = scoring.score_file(some, model, version=3, threshold=0.5)
    assert found["codes"].tolist() == ["", "DQ002", ""]


def test_lookup_that_was_changed_in_the_model_is_refused_and_own_code_that_is_gone_too(made, tmp_path):
    import shutil

    from evergreen.base.errors import IntegrityError

    shutil.copytree(made[0], tmp_path / "copy")
    path = tmp_path / "copy" / "model" / "lookups" / "zone.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(IntegrityError):
        load_release(tmp_path / "copy")
    gone = PARAMS.model_copy(update={"functions": ("own_features.not_there",)})
    ref = models.save(Workspace.beside(tmp_path / "gone"), "model", made[1], contract=TRIPS, features=gone, about={})
    with pytest.raises(ConfigError) as caught:
        models.load(tmp_path / "gone" / "model", ref.sha256)
    assert caught.value.code == "CFG037"
