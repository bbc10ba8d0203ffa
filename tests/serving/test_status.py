"""The page that says how things stand, where the service answers it."""

import socket
from concurrent.futures import ThreadPoolExecutor

import promoted
import psutil
import released
from test_reviewing import refer

from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from serving import aside, status
from serving.served import Served
from serving.status import quantile


def test_page_without_a_ledger_says_what_answers_and_that_the_rest_is_unknown(client, release):
    response = client.get("/status")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert f"Version {release.version} answers; how well is not known" in response.text
    assert "the ledger is not there" in response.text


def test_page_is_of_the_ledgers_champion_and_of_what_the_service_counted(tmp_path, project, serve, monkeypatch):
    monkeypatch.setattr(status, "FRESH_SECONDS", 0.0)
    facts = promoted.package(tmp_path, 1, project)
    settings = Settings(home=tmp_path)
    promoted.promote(settings, facts)
    with serve(promoted.path_of(facts, tmp_path) / "src") as client:
        assert client.post("/predict", json={"rows": released.requests(3)}).status_code == 200
        page = client.get("/status").text
        assert "Version 1 answers since" in page
        assert "1 requests since it started" in page
        assert "no window was looked at yet" in page
        promoted.promote(settings, promoted.package(tmp_path, 2, project))
        assert "the service answers with version 1" in client.get("/status").text


def test_page_says_how_much_waits_for_people(serve, tmp_path, bundle):
    refer(tmp_path, Served.load(bundle), ["unsure", "assist"])
    with serve() as client:
        assert "For people to answer" in client.get("/status").text
        assert "<dd>2</dd>" in client.get("/status").text


def test_many_who_ask_at_once_get_one_page(serve):
    with serve() as client, ThreadPoolExecutor(8) as pool:
        pages = {response.text for response in pool.map(client.get, ["/status"] * 8)}
        processes = psutil.Process().children()
        assert len(pages) == 1
        assert not [process for process in processes if "serving.status" in process.cmdline()]


def test_ledger_that_hangs_keeps_nobody_from_an_answer(serve, monkeypatch):
    monkeypatch.setattr(status, "LEDGER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://nobody@127.0.0.1:{silent.getsockname()[1]}/ledger"
        with serve(ledger_url=url) as client, ThreadPoolExecutor(1) as pool:
            page = pool.submit(client.get, "/status")
            assert client.post("/predict", json={"rows": released.requests(1)}).status_code == 200
            assert "does not answer within 0.2 s" in page.result().text


def test_page_that_is_not_made_in_time_is_an_error_and_no_process_is_left(serve, monkeypatch):
    monkeypatch.setattr(aside, "MOST_SECONDS", 0.01)
    with serve() as client:
        response = client.get("/status")
        assert (response.status_code, response.json()["error"]["code"]) == (503, "SRV033")
        assert not [one for one in psutil.Process().children() if "serving.status" in one.cmdline()]


def test_ledger_that_is_damaged_is_said_and_not_drawn(tmp_path, serve, release):
    ledger = Ledger.open(Settings(home=tmp_path))
    ledger.record(release.model, "look", "odd", {"rows": "many"})
    ledger.close()
    with serve() as client:
        assert "INT005" in client.get("/status").text


def test_foreign_host_is_refused(serve):
    with serve(allowed_hosts=("example.org",)) as client:
        assert client.get("/status").status_code == 400


def test_quantile_is_the_bound_of_the_bucket_that_it_lies_in():
    buckets = {"0.001": 90.0, "0.01": 9.0, "inf": 1.0}
    numbers = {("evergreen_request_seconds_bucket", "/predict", bound): n for bound, n in buckets.items()}
    other = {("evergreen_request_seconds_bucket", "/metrics", "10.0"): 500.0}
    assert [quantile(numbers | other, share) for share in (0.5, 0.9, 0.95, 0.99, 0.999)] == [
        0.001,
        0.001,
        0.01,
        0.01,
        None,
    ]
    assert quantile({}, 0.5) is None
