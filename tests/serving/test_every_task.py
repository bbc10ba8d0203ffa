"""The service for every kind of target: it answers as batch scoring and the training code do, and says how."""

import json

import numpy as np
import pytest
import tables
from asked import logged

from evergreen.learning.model import scoring
from evergreen.learning.model.release import load_release

EVERY = pytest.mark.parametrize("which", tables.TASKS)
ESTIMATED = {"binary": {"label", "probability"}, "multiclass": {"label", "probability"}, "regression": {"value"}}
DECIDED = {"binary": {"decision", "reason"}}


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Return a function that gives the chain of a table and the folder of its bundle."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}

    def bundle(which):
        chain = tables.shared(which, folder / "chains")
        if which not in made:
            made[which] = folder / f"bundle-{which}"
            made[which].mkdir()
            tables.bundle(made[which], chain.ws, chain.trained.model, chain.contract.name)
        return chain, made[which]

    return bundle


@pytest.fixture
def client_of(bundles, serve):
    return lambda which: serve(bundles(which)[1])


def same_answers(found, expected):
    """Compare labels exactly, and numbers up to the last bits, in which sums of other sizes differ."""
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    else:
        assert list(found) == expected.tolist()


@EVERY
def test_service_answers_as_batch_scoring_and_the_training_code_do(which, bundles, client_of, tmp_path):
    chain, folder = bundles(which)
    release, model = load_release(folder)
    rows = tables.table(which).sample(40, random_state=5)
    batch = scoring.score_file(rows, model, version=release.version, threshold=release.threshold)

    with client_of(which) as client:
        response = client.post("/predict", json={"rows": tables.requests(which, rows)})
    assert response.status_code == 200, response.text
    answered = response.json()["predictions"]

    expected = model.predict(rows).answers(release.threshold)
    assert set(expected) == ESTIMATED[which]
    for field, values in expected.items():
        same_answers([each[field] for each in answered], values)
        same_answers(batch[field], values)
    fitted = chain.trained.model.sha256
    assert model.digest == fitted
    found = logged(tmp_path, [each["prediction_id"] for each in answered])
    for field in expected:
        assert found[field].tolist() == [each[field] for each in answered]
    again = model.predict(found.reset_index(drop=True)).answers(release.threshold)
    for field, values in expected.items():
        same_answers(again[field], values)


@EVERY
def test_answer_has_the_fields_of_its_task_and_no_other(which, client_of):
    with client_of(which) as client:
        answer = client.post("/predict", json={"rows": tables.requests(which, tables.table(which).head(1))}).json()
        document = client.get("/openapi.json").json()

    fields = {"prediction_id", *ESTIMATED[which], *DECIDED.get(which, ())}
    assert set(answer["predictions"][0]) == fields
    schema = document["components"]["schemas"]["Predicted"]
    assert set(schema["required"]) == fields
    assert set(schema["properties"]) == {*fields, "version"}  # where several versions answer, whose each row is
    if which == "multiclass":
        assert schema["properties"]["label"]["enum"] == ["setosa", "versicolor", "virginica"]
    else:
        kinds = {field: schema["properties"][field]["type"] for field in ESTIMATED[which]}
        assert kinds == (
            {"value": "number"} if which == "regression" else {"label": "boolean", "probability": "number"}
        )


@EVERY
def test_request_needs_the_features_and_of_the_other_columns_none_changes_the_answer(which, client_of):
    rows = tables.table(which).head(3)
    contract = tables.contract_of(which)
    asked = [column.name for column in contract.features]
    others = [column.name for column in contract.columns if column.name not in asked]
    along = [json.loads(row.to_json(date_format="iso")) for _, row in rows[others].iterrows()]
    sent = tables.requests(which, rows)
    with client_of(which) as client:
        row = client.get("/openapi.json").json()["components"]["schemas"]["Row"]
        alone = client.post("/predict", json={"rows": sent})
        together = client.post("/predict", json={"rows": [{**a, **b} for a, b in zip(along, sent, strict=True)]})
        foreign = client.post("/predict", json={"rows": [{**sent[0], "shoe_size": 43}]})

    assert row["required"] == asked
    assert set(row["properties"]) == {*asked, *others}
    assert (alone.status_code, together.status_code, foreign.status_code) == (200, 200, 422), together.text

    def told(response):
        return [[each[field] for field in ESTIMATED[which]] for each in response.json()["predictions"]]

    assert told(together) == told(alone)


@EVERY
def test_predictions_are_counted_by_label_where_there_is_one(which, client_of):
    rows = tables.table(which).sample(30, random_state=2)
    with client_of(which) as client:
        answered = client.post("/predict", json={"rows": tables.requests(which, rows)}).json()["predictions"]
        lines = client.get("/metrics").text.splitlines()

    counted = {
        line.partition('label="')[2].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("evergreen_predictions_total{")
    }
    if which == "regression":
        assert counted == {"": 30}
    else:
        labels = [str(each["label"]).lower() for each in answered]
        assert counted == {label: labels.count(label) for label in set(labels)}
