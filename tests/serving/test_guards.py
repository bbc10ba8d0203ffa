"""Who may ask: tokens, the Host, and what is not there at all without them."""

import httpx
import pytest
import released

from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings

ROWS = {"rows": released.requests(1)}


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_prediction_needs_the_token_where_one_is_set_and_health_does_not(serve, caplog):
    with serve(serve_token="s3cret") as client:
        refused = client.post("/predict", json=ROWS)
        assert code(refused) == (401, "SRV014")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        for wrong in ("Bearer other", "Basic s3cret", "s3cret", "Bearer", "Bearer s3cret2"):
            assert code(client.post("/predict", json=ROWS, headers={"Authorization": wrong})) == (401, "SRV014")
        for right in ("Bearer s3cret", "bearer s3cret"):
            assert client.post("/predict", json=ROWS, headers={"Authorization": right}).status_code == 200
        for path in ("/feedback", "/explain/abc", "/v2/models/parcels/infer"):
            assert client.post(path, json={}).status_code == 401
        for path in ("/healthz", "/livez", "/readyz", "/metrics"):
            assert client.get(path).status_code == 200
    assert "s3cret" not in caplog.text


def test_administration_is_not_there_without_a_token_of_its_own(serve):
    with serve(serve_token="s3cret") as client:
        headers = {"Authorization": "Bearer s3cret"}
        assert code(client.post("/admin/reload", headers=headers)) == (404, "SRV008")
    with serve(admin_token="adm1n") as client:
        assert code(client.post("/admin/reload")) == (401, "SRV014")
        assert client.post("/predict", json=ROWS).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("models.example", 200),
        ("MODELS.example:3000", 200),
        ("[::1]:3000", 200),
        ("evil.example", 400),
        ("models.example.evil", 400),
        ("", 400),
    ],
)
def test_only_hosts_that_are_allowed_are_answered_where_some_are_named(serve, host, status):
    with serve(allowed_hosts=("models.example", "[::1]")) as client:
        for path in ("/predict", "/healthz"):
            response = client.request("POST" if path == "/predict" else "GET", path, json=ROWS, headers={"Host": host})
            assert response.status_code == status


def test_documents_are_not_there_in_production(serve):
    with serve(serve_documents=False) as client:
        assert client.get("/openapi.json").status_code == client.get("/schema").status_code == 404
        assert client.post("/predict", json=ROWS).status_code == 200


@pytest.mark.parametrize("key", ["serve_token", "admin_token", "review_token"])
def test_token_may_not_stand_in_a_file_and_is_never_shown(tmp_path, key, monkeypatch):
    (tmp_path / "configs" / "env").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text("")
    (tmp_path / "configs" / "env" / "local.yaml").write_text(f"{key}: s3cret\n")
    with pytest.raises(ConfigError) as caught:
        Settings.load(start=tmp_path)
    assert "s3cret" not in caught.value.block()
    (tmp_path / "configs" / "env" / "local.yaml").write_text("{}\n")
    monkeypatch.setenv(f"EVERGREEN_{key.upper()}", "s3cret")
    settings = Settings.load(start=tmp_path)
    assert "s3cret" not in repr(settings)
    assert getattr(settings, key).get_secret_value() == "s3cret"
