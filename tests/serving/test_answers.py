"""What the service answers, and that every answer is in the log."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pandas as pd
import pytest
import released
from asked import logged

from evergreen.learning.model.release import load_release


@pytest.fixture(scope="session")
def model(bundle):
    return load_release(bundle)[1]


def ask(client: httpx.Client, rows: list[dict]) -> list[dict]:
    response = client.post("/predict", json={"rows": rows})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def probabilities(client: httpx.Client, rows: list[dict]) -> list[float]:
    return [each["probability"] for each in ask(client, rows)]


def test_answer_is_the_models_probability_for_every_row_in_order(client, model):
    table = released.table(40, seed=9)
    rows = [released.as_request(row) for row in table.to_dict("records")]

    np.testing.assert_allclose(probabilities(client, rows), model.predict(table).values, rtol=0, atol=1e-6)


def test_answer_names_the_model_its_version_and_each_prediction(client, release):
    response = client.post("/predict", json={"rows": released.requests(3)})
    answer = response.json()

    assert response.headers["X-Model-Version"] == str(release.version)
    assert (answer["model"], answer["version"]) == (release.model, release.version)
    assert len({each["prediction_id"] for each in answer["predictions"]}) == 3


def test_order_of_keys_changes_no_answer(client):
    rows = released.requests(10)
    reversed_keys = [dict(reversed(row.items())) for row in rows]
    sorted_keys = [dict(sorted(row.items())) for row in rows]

    assert probabilities(client, rows) == probabilities(client, reversed_keys) == probabilities(client, sorted_keys)


def test_row_has_one_answer_alone_and_among_others(client):
    rows = released.requests(20)

    alone = [probabilities(client, [row])[0] for row in rows]

    np.testing.assert_allclose(alone, probabilities(client, rows), rtol=0, atol=1e-9)


def test_instant_counts_and_not_the_zone_it_is_written_in(client):
    row = released.requests(1)[0]
    instant = datetime.fromisoformat(row["handed_in"])
    written = [instant.astimezone(zone).isoformat() for zone in (ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Lima"))]
    written.append(f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")

    answers = probabilities(client, [row, *({**row, "handed_in": text} for text in written)])

    assert len(set(answers)) == 1


def test_whole_number_may_be_written_with_a_point(client):
    row = {**released.requests(1)[0], "stops": 3}

    assert probabilities(client, [row]) == probabilities(client, [{**row, "stops": 3.0}])


@pytest.mark.parametrize("column", ["size", "weight", "stops"])
def test_nullable_column_may_be_null(client, column):
    assert len(ask(client, [{**released.requests(1)[0], column: None}])) == 1


def test_unseen_category_of_an_open_set_is_answered(client):
    assert len(ask(client, [{**released.requests(1)[0], "carrier": "by \U0001f682 & so on"}])) == 1


@pytest.mark.parametrize("year", ["1678-01-02", "2261-12-30"])
def test_earliest_and_latest_instants_are_answered(client, year):
    assert len(ask(client, [{**released.requests(1)[0], "handed_in": f"{year}T00:00:00Z"}])) == 1


def test_label_is_positive_at_the_threshold_itself(serve, tmp_path, client):
    row = released.requests(1)[0]
    threshold = probabilities(client, [row])[0]
    for name, limit in (("at", threshold), ("above", np.nextafter(threshold, 1))):
        released.bundle(tmp_path / name, threshold=float(limit))

    labels = []
    for name in ("at", "above"):
        with serve(tmp_path / name) as other:
            labels.append(ask(other, [row])[0]["label"])

    assert labels == [True, False]


def test_every_answer_is_in_the_log_with_the_row_that_was_asked(serve, release, tmp_path):
    table = released.table(30, seed=10)
    rows = [{**released.as_request(row), "parcel": row["parcel"]} for row in table.to_dict("records")]
    with serve() as client:
        answered = ask(client, rows[:20]) + ask(client, rows[20:])

    found = logged(tmp_path, [each["prediction_id"] for each in answered])

    for field in ("probability", "label", "decision"):
        assert found[field].tolist() == [each[field] for each in answered]
    assert set(found["model_digest"]) == {release.model_digest}
    assert set(found["version"]) == {release.version}
    assert set(found["rule"]) == {"threshold"}
    assert found["event_at"].tolist() == table["handed_in"].tolist()
    asked = [column.name for column in released.CONTRACT.request_columns]
    theirs = found[[*asked, "parcel"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(theirs, table[theirs.columns], check_dtype=False)


def test_answer_from_the_log_is_the_same_again(serve, model, tmp_path):
    with serve() as client:
        answered = ask(client, released.requests(25))
    found = logged(tmp_path, [each["prediction_id"] for each in answered])

    again = model.predict(found.reset_index(drop=True)).values

    np.testing.assert_allclose(again, found["probability"], rtol=0, atol=1e-6)


def test_decision_says_which_side_of_the_threshold_the_probability_is_on(client):
    for each in ask(client, released.requests(20)):
        sign = "≥" if each["label"] else "<"
        assert each["reason"] == f"probability {each['probability']:.6g} {sign} threshold 0.5"
        assert each["decision"] == ("positive" if each["label"] else "negative")


def test_model_without_a_compiled_form_answers_by_its_pipeline(serve, client, tmp_path):
    released.bundle(tmp_path / "bundle", compiles=False)
    rows = released.requests(30)

    with serve(tmp_path / "bundle") as other:
        np.testing.assert_allclose(probabilities(other, rows), probabilities(client, rows), rtol=0, atol=1e-6)


def test_concurrent_callers_each_get_their_own_answers(client, model):
    table = released.table(120, seed=11)
    rows = [released.as_request(row) for row in table.to_dict("records")]
    requests = [rows[begin : begin + 1 + begin % 5] for begin in range(0, 115)]

    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(lambda asked: probabilities(client, asked), requests))

    expected = model.predict(table).values
    for begin, answer in enumerate(answers):
        np.testing.assert_allclose(answer, expected[begin : begin + len(answer)], rtol=0, atol=1e-6)


def test_ready_names_version_and_digest(client, release):
    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"status": "ready", **release.model_dump(), "from": "package"}
