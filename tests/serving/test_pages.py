"""What the service says of itself, to whom, and in which form it refuses what it does not know."""

import httpx
import pytest
import released

ADMIN = {"Authorization": "Bearer only-for-tests"}


def error_of(response: httpx.Response, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    error: dict[str, str] = response.json()["error"]
    return error


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
def test_process_that_answers_says_so(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


def test_readiness_names_what_is_served_and_how_that_is_known(client, release):
    assert client.get("/readyz").json() == {"status": "ready", **release.model_dump(), "from": "package"}


def test_metrics_are_in_the_text_format(client):
    response = client.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE evergreen_requests_total counter" in response.text


@pytest.mark.parametrize("path", ["/openapi.json", "/schema", "/status"])
def test_documents_are_there_unless_they_are_off(client, serve, path):
    assert client.get(path).status_code == 200
    with serve(serve_documents=False) as closed:
        assert error_of(closed.get(path), 404)["code"] == "SRV008"
        assert closed.get("/readyz").status_code == 200
        assert closed.post("/predict", json={"rows": released.requests(1)}).status_code == 200


def test_reload_is_not_there_without_a_token_of_administrators_and_refused_where_nothing_is_followed(client, serve):
    assert error_of(client.post("/admin/reload", headers=ADMIN), 404)["code"] == "SRV008"
    with serve(admin_token="only-for-tests") as guarded:
        assert error_of(guarded.post("/admin/reload"), 401)["code"] == "SRV014"
        assert error_of(guarded.post("/admin/reload", headers=ADMIN), 409)["code"] == "SRV031"
        assert error_of(guarded.get("/admin/reload", headers=ADMIN), 405)["code"] == "SRV008"


def test_explanation_is_of_what_was_answered_here(client):
    answered = client.post("/predict", json={"rows": released.requests(1)}).json()["predictions"][0]

    told = client.get(f"/explain/{answered['prediction_id']}").json()

    assert told["prediction_id"] == answered["prediction_id"]
    assert told["answer"]["probability"] == answered["probability"]
    assert error_of(client.get(f"/explain/{'0' * 32}"), 404)["code"] == "LOG007"


@pytest.mark.parametrize("path", ["/nowhere", "/", "/explain", "/v1/models", "/openapi.json/"])
def test_unknown_path_is_refused_in_the_form_of_every_error(client, path):
    error = error_of(client.get(path), 404)
    assert (error["code"], error["where"]) == ("SRV008", "")
    assert path in error["what"]
    assert "/openapi.json" in error["next"]


def test_unknown_path_below_the_inference_protocol_is_refused_in_the_form_of_that(client):
    response = client.get("/v2/nowhere")
    assert response.status_code == 404
    assert response.json()["error"].startswith("SRV008: GET /v2/nowhere")


def test_long_path_is_not_repeated_whole(client):
    error = error_of(client.request("PROPFIND", "/" + "a" * 2_000), 404)
    assert len(error["what"]) < 200
