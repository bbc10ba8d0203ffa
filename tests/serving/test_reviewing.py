"""The service gives referred rows out to people and takes their answers: to whom it may, once, and never a prediction
later for it."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import promoted
import psutil
import pytest
import released
from projects import wait_for

from evergreen.decisions.automation.degrees import Automation
from evergreen.record import degree
from evergreen.record.labels import beside
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.predictions import reading
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Logged
from serving import aside
from serving.review_page import HEADERS, PAGE
from serving.served import Served

TOKEN = "only-for-reviewers"
HEAD = {"Authorization": f"Bearer {TOKEN}"}
RECEIVED = 1_714_564_815_000_000


@pytest.fixture
def served(bundle) -> Served:
    return Served.load(bundle)


def refer(home, served: Served, rules, *, changed: Mapping[int, str] | None = None) -> list[str]:
    """Log rows that were referred, one for each rule, as a service does whose model refers them; return their ids.

    `changed`: features by their places, which are otherwise.
    """
    rows = [{**row, "parcel": number} for number, row in enumerate(released.requests(len(rules)))]
    decoded = served.decoder.decode(json.dumps({"rows": rows}).encode())
    rows = [[(changed or {}).get(at, value) for at, value in enumerate(row)] for row in decoded.rows]
    release = served.release
    log = PredictionLog(home / "predictions")
    names = log.new_ids(len(rules))
    log.append(
        served.columns,
        [
            Logged(
                *(name, RECEIVED + at * 1_000_000, release.model, release.version, release.model_digest, values, keys),
                label=True,
                probability=0.9 - at / 100,
                decision="referred",
                rule=rule,
            )
            for at, (name, values, keys, rule) in enumerate(zip(names, rows, decoded.keys, rules, strict=True))
        ],
    )
    log.close()
    return names


@pytest.fixture
def names(served, tmp_path):
    return refer(tmp_path, served, ["assist", "audit:0.05", "unsure"])


@pytest.fixture
def client(serve, names):
    with serve(review_token=TOKEN) as client:
        client.headers.update(HEAD)
        yield client


def following(client, by="ann", **how):
    answered = client.post("/review/next", json={"by": by, **how})
    assert answered.status_code == 200, answered.text
    return answered.json()


def code(answered):
    return answered.status_code, answered.json()["error"]["code"]


def kept(tmp_path):
    rows = [row for batch in beside.with_feedback(tmp_path / "predictions") for row in batch.to_pylist()]
    return {row["prediction_id"]: (row["feedback_label"], row["feedback_decision"]) for row in rows}


def test_rows_are_given_out_and_answers_become_labels_and_decisions(client, names, tmp_path):
    told = following(client)
    assert told["waiting"] == 3
    assert told["about"]["task"] == "binary"
    assert [row["prediction_id"] for row in told["rows"]] == names
    assert [row["said"] for row in told["rows"]] == [{"label": True, "probability": 0.9}, None, None]
    assert told["rows"][0]["sent"]["parcel"] == 0
    for body in ({"label": False}, {"decision": "call"}):
        body |= {"prediction_id": names[1] if "label" in body else names[2], "by": "ann"}
        assert client.post("/review/answer", json=body).json() == {"taken": 1, "known": 0}
        assert client.post("/review/answer", json=body).json() == {"taken": 0, "known": 1}
    assert kept(tmp_path) == {names[0]: (None, None), names[1]: (False, None), names[2]: (None, "call")}
    feedback = reading.read(tmp_path / "predictions", "feedback").to_pylist()
    assert {(row["kind"], row["by"], row["label_propensity"]) for row in feedback} == {
        ("label", "ann", 0.05),
        ("decision", "ann", None),
    }
    assert following(client)["waiting"] == 1


def test_two_people_get_different_rows_and_who_answers_over_another_is_told(client, names, tmp_path):
    assert [row["prediction_id"] for row in following(client, "ann", rows=2)["rows"]] == names[:2]
    assert [row["prediction_id"] for row in following(client, "ben", rows=2)["rows"]] == names[2:]
    body = {"prediction_id": names[0], "by": "ben", "label": True}
    held = client.post("/review/answer", json=body)
    assert code(held) == (409, "RACE009")
    assert "ann has it in hand" in held.json()["error"]["what"]
    assert client.post("/review/answer", json={**body, "by": "ann"}).status_code == 200
    assert "ann answered it" in client.post("/review/answer", json={**body, "label": False}).json()["error"]["what"]
    assert kept(tmp_path)[names[0]] == (True, None)
    assert client.post("/review/answer", json={**body, "label": False, "anyway": True}).status_code == 200
    assert kept(tmp_path)[names[0]] == (False, None)


def test_rows_that_are_passed_over_go_to_the_end_of_nobodys_queue(client, names):
    assert [row["prediction_id"] for row in following(client, skip=names[:2])["rows"]] == names[2:]
    assert [row["prediction_id"] for row in following(client, order="unsure")["rows"]] == names[::-1]


def test_explanation_is_given_where_people_may_see_what_the_model_said(client, names):
    told = client.get(f"/review/explain/{names[0]}").json()
    assert told["prediction_id"] == names[0]
    assert told["contributions"]
    for name in (*names[1:], "0" * 32):
        assert code(client.get(f"/review/explain/{name}")) == (404, "LOG017")


def test_review_is_not_there_without_a_token_of_its_own_and_needs_it(serve, names):
    with serve(serve_token="s3cret", admin_token="adm1n") as closed:
        for path in ("/review", "/review/next", f"/review/explain/{names[0]}"):
            assert code(closed.get(path, headers={"Authorization": "Bearer s3cret"})) == (404, "SRV008")
        assert code(closed.post("/review/next", json={"by": "ann"})) == (404, "SRV008")
    with serve(review_token=TOKEN, serve_token="s3cret") as guarded:
        assert guarded.get("/review").status_code == 200
        for wrong in ({}, {"Authorization": "Bearer s3cret"}, {"Cookie": f"token={TOKEN}"}):
            assert code(guarded.post("/review/next", json={"by": "ann"}, headers=wrong)) == (401, "SRV014")
            assert code(guarded.post("/review/answer", json={}, headers=wrong)) == (401, "SRV014")
            assert code(guarded.get(f"/review/explain/{names[0]}", headers=wrong)) == (401, "SRV014")
        assert code(guarded.post("/predict", json={"rows": released.requests(1)}, headers=HEAD)) == (401, "SRV014")


def test_page_of_another_origin_can_send_nothing_that_counts(client, names, tmp_path):
    """A form or a simple request of another page carries neither JSON's media type nor the token."""
    body = json.dumps({"prediction_id": names[0], "by": "eve", "label": True})
    for media_type in ("text/plain", "application/x-www-form-urlencoded"):
        answered = client.post("/review/answer", content=body, headers={"Content-Type": media_type})
        assert code(answered) == (415, "SRV001")
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options("/review/answer", headers=asked)
    assert not [name for name in preflight.headers if name.lower().startswith("access-control-")]
    assert kept(tmp_path)[names[0]] == (None, None)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("next", {}, (422, "LOG018")),
        ("next", {"by": ""}, (422, "LOG018")),
        ("next", {"by": "ann", "rows": 1000}, (422, "LOG018")),
        ("next", {"by": "ann", "order": "random"}, (422, "LOG018")),
        ("next", {"by": "ann", "skip": ["x"]}, (422, "LOG018")),
        ("answer", {"by": "ann", "label": True}, (422, "LOG018")),
        ("answer", {"prediction_id": "ID", "by": " ", "label": True}, (422, "LOG018")),
        ("answer", {"prediction_id": "ID", "by": "a\u202eb", "label": True}, (422, "LOG018")),
        ("answer", {"prediction_id": "ID", "by": "ann"}, (422, "LOG005")),
        ("answer", {"prediction_id": "ID", "by": "ann", "label": "perhaps"}, (422, "LOG005")),
        ("answer", {"prediction_id": "0" * 32, "by": "ann", "label": True}, (404, "LOG017")),
    ],
)
def test_bad_input_is_one_clear_block(client, names, path, body, expected):
    body = {name: names[0] if value == "ID" else value for name, value in body.items()}
    assert code(client.post(f"/review/{path}", json=body)) == expected


def test_what_is_no_json_or_another_method_is_refused(client):
    assert code(client.post("/review/next", content=b"{", headers={"Content-Type": "application/json"})) == (
        400,
        "SRV003",
    )
    assert code(client.get("/review/next")) == (405, "SRV008")


def test_row_that_the_model_answered_is_nobodys_to_answer(client):
    predicted = client.post("/predict", json={"rows": released.requests(1)}).json()["predictions"][0]
    body = {"prediction_id": predicted["prediction_id"], "by": "ann", "label": True}
    assert code(client.post("/review/answer", json=body)) == (404, "LOG017")


def test_service_that_logs_nothing_has_no_queue(serve):
    with serve(review_token=TOKEN, prediction_log="off") as client:
        assert code(client.post("/review/next", json={"by": "ann"}, headers=HEAD)) == (503, "LOG006")


def test_queue_is_read_by_a_process_of_its_own_which_ends(client, monkeypatch):
    with ThreadPoolExecutor(1) as pool:
        reading_it = pool.submit(following, client)
        assert client.post("/predict", json={"rows": released.requests(1)}).status_code == 200
        assert reading_it.result()["waiting"] == 3
    monkeypatch.setattr(aside, "MOST_SECONDS", 0.01)
    assert code(client.post("/review/next", json={"by": "ann"})) == (503, "SRV034")
    left = [process for process in psutil.Process().children() if "serving.reviewing" in process.cmdline()]
    assert left == []


def test_damaged_claims_are_said_and_nothing_is_answered(client, names, tmp_path):
    (tmp_path / "predictions" / "review").mkdir()
    (tmp_path / "predictions" / "review" / "claims.db").write_bytes(b"not a database" * 100)
    assert code(client.post("/review/next", json={"by": "ann"})) == (503, "SRV034")
    body = {"prediction_id": names[0], "by": "ann", "label": True}
    assert code(client.post("/review/answer", json=body)) == (503, "LOG016")
    assert kept(tmp_path)[names[0]] == (None, None)


def test_page_loads_nothing_from_anywhere_and_runs_its_own_script_alone(client):
    page = client.get("/review", headers={"Authorization": ""})
    assert page.text == PAGE
    policy = page.headers["Content-Security-Policy"]
    assert policy == HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert "://" not in PAGE
    assert "innerHTML" not in PAGE


def test_rows_of_a_model_that_decides_when_it_is_sure_come_to_people_and_back(tmp_path, project):
    """At the degree `partial`, through the real service: who answers cannot tell an audit from an unsure row."""
    with promoted.serving(tmp_path / "home", project, review_token=TOKEN) as serving:
        digest = serving.service.served.release.model_digest
        least = sorted(max(share, 1 - share) for share in promoted.expected(1, 40))[20]
        automation = Automation(
            degree="partial", error=0.02, confidence=0.95, audit=0.4, sure_from={digest: least - 1e-4}
        )
        ledger = Ledger.open(serving.settings)
        degree.change(
            ledger, promoted.MODEL, automation, after=None, because={"by": "ada", "reason": "the bars are met"}
        )
        ledger.close()
        serving.reload()
        wait_for(lambda: serving.service.automation == automation, "the service has taken the degree")
        answered = serving.client.post("/predict", json={"rows": released.requests(40)}).json()["predictions"]
        referred = {each["prediction_id"] for each in answered if each["decision"] == "referred"}
        assert 20 < len(referred) < 40
        seen = set()
        while len(seen) < len(referred):
            told = serving.client.post("/review/next", json={"by": "ann", "rows": 20}, headers=HEAD).json()
            assert told["waiting"] == len(referred) - len(seen)
            assert {(row["rule"], row["said"] is None) for row in told["rows"]} == {(None, True)}
            for row in told["rows"]:
                body = {"prediction_id": row["prediction_id"], "by": "ann", "label": True}
                assert serving.client.post("/review/answer", json=body, headers=HEAD).json()["taken"] == 1
                seen.add(row["prediction_id"])
        assert seen == referred
        rows = reading.read(serving.settings.predictions).to_pylist()
        rules = {row["prediction_id"]: row["rule"] for row in rows}
        feedback = reading.read(serving.settings.predictions, "feedback").to_pylist()
        shares = {row["prediction_id"]: row["label_propensity"] for row in feedback}
        assert shares == {name: {"unsure": None, "audit:0.4": 0.4}[rules[name]] for name in referred}
