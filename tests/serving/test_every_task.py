"""The service for every kind of target: it answers as batch scoring and the training code do, and says how."""

import numpy as np
import pytest
import tables
from asked import logged

from evergreen.learning.model import scoring
from evergreen.learning.model.release import load_release

EVERY = pytest.mark.parametrize("which", tables.TASKS)
FIELDS = {
    "binary": {"label", "probability", "decision", "reason"},
    "multiclass": {"label", "probability"},
    "regression": {"value"},
}


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
    assert set(expected) == FIELDS[which]
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

    assert set(answer["predictions"][0]) == {"prediction_id", *FIELDS[which]}
    schema = document["components"]["schemas"]["Predicted"]
    assert set(schema["properties"]) == set(schema["required"]) == {"prediction_id", *FIELDS[which]}
    if which == "multiclass":
        assert schema["properties"]["label"]["enum"] == ["setosa", "versicolor", "virginica"]
    else:
        kinds = {field: schema["properties"][field]["type"] for field in FIELDS[which]}
        assert kinds == (
            {"value": "number"} if which == "regression" else {"label": "boolean", "probability": "number"}
        )


@EVERY
def test_request_holds_the_features_and_no_time_text_or_protected_column(which, client_of):
    with client_of(which) as client:
        document = client.get("/openapi.json").json()
        row = tables.requests(which, tables.table(which).head(1))[0]
        refused = client.post("/predict", json={"rows": [{**row, "note": "free text"}]})

    asked = document["components"]["schemas"]["Row"]["properties"]
    assert list(asked) == [column.name for column in tables.contract_of(which).features]
    assert refused.status_code == 422


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
