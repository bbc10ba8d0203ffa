"""Telling routes on a real ledger: once each, later where one is down, once more where nobody knows."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sinks
from happened import at
from pydantic import SecretStr

from evergreen.adapters import alerting
from evergreen.config.settings import Settings
from evergreen.decisions.alerts.incident import Incident
from evergreen.record.alerts import telling
from evergreen.record.ledger.ledger import Ledger
from tasks.notify import notify

HARM = Incident(model="visits", kind="harm", subject="v1", since=at("02-01"), evidence="0.31 where 0.20 was promised")
OVER = HARM.model_copy(update={"until": at("02-09"), "ended": "version 2 answers since"})
SKEW = Incident(model="visits", kind="skew", subject="age", since=at("02-02"), evidence="age differs")
ROOT = Path(__file__).parents[2]
SECRET = "s3cr3tpassw0rd"
CHILD = """
import sys
from evergreen.base import failpoints
from test_notify import HARM, settings_of
from pathlib import Path
from tasks.notify import notify
failpoints.arm(sys.argv[3])
notify.fn("visits", [HARM], settings=settings_of(Path(sys.argv[1]), int(sys.argv[2])))
"""


def settings_of(home: Path, port: int | None = None, **routes: str) -> Settings:
    """Return settings with a webhook on loopback, or with the routes that are given."""
    given = routes or ({"ops": f"json://ops:{SECRET}@127.0.0.1:{port}/"} if port else {})
    return Settings(home=home, alert_routes={name: SecretStr(url) for name, url in given.items()})


@pytest.fixture
def waits(monkeypatch):
    """No wait after a route was not reached."""
    monkeypatch.setattr(telling, "FIRST_WAIT", timedelta())


def titles(sink):
    return [came["title"] for came in sink.came]


def test_incident_is_told_once_however_often_it_is_found_and_its_end_once(tmp_path):
    with sinks.http() as sink:
        settings = settings_of(tmp_path, sink.port)
        first = notify.fn("visits", [HARM], settings=settings)
        for _ in range(3):
            quiet = notify.fn("visits", [HARM], settings=settings)
        for _ in range(2):
            notify.fn("visits", [OVER], settings=settings)
    assert (first.opened, first.closed, [(one.route, one.reached) for one in first.deliveries]) == (
        1,
        0,
        [("ops", True)],
    )
    assert (quiet.opened, quiet.deliveries) == (0, ())
    assert titles(sink) == ["[visits] page: the promise is broken", "[visits] over: the promise is broken"]


def test_all_that_began_and_ended_is_one_message_to_each_route(tmp_path):
    with sinks.http() as one, sinks.http() as other:
        routes = {"a": f"json://127.0.0.1:{one.port}", "b": f"json://127.0.0.1:{other.port}"}
        settings = settings_of(tmp_path, **routes)
        notify.fn("visits", [HARM], settings=settings)
        notify.fn("visits", [OVER, SKEW], settings=settings)
    assert titles(one) == titles(other)
    assert len(one.came) == 2
    assert "PAGE: what is served" in one.came[1]["message"]
    assert "OVER: the promise" in one.came[1]["message"]


def test_route_that_answers_500_and_then_200_gets_it_once_and_late(tmp_path, waits, caplog):
    with sinks.http(500) as sink:
        settings = settings_of(tmp_path, sink.port)
        (failed,) = notify.fn("visits", [HARM], settings=settings).deliveries
        (reached,) = notify.fn("visits", [HARM, SKEW], settings=settings).deliveries
        assert notify.fn("visits", [HARM, SKEW], settings=settings).deliveries == ()
    assert (failed.reached, failed.why, reached.reached) == (False, "it answered 500", True)
    assert "kept and sent later" in caplog.text
    assert len(sink.came) == 2  # the one that it refused, and the one that it took
    assert "PAGE: the promise" in sink.came[1]["message"]
    assert "may have reached you" not in sink.came[1]["message"]


def test_one_route_that_is_down_keeps_no_other_waiting(tmp_path, closed_port):
    with sinks.http() as sink:
        routes = {"a": f"json://127.0.0.1:{closed_port}", "b": f"json://127.0.0.1:{sink.port}"}
        told = notify.fn("visits", [HARM], settings=settings_of(tmp_path, **routes))
    assert [(one.route, one.reached) for one in told.deliveries] == [("a", False), ("b", True)]


def test_route_that_hangs_is_left_in_time_and_the_next_message_may_be_a_repeat(tmp_path, waits, monkeypatch):
    send = alerting.send
    with sinks.http() as sink:
        sink.held = threading.Event()
        settings = settings_of(tmp_path, sink.port)
        monkeypatch.setattr(alerting, "send", lambda *given: send(*given, seconds=2 if sink.held else 60))
        (hung,) = notify.fn("visits", [HARM], settings=settings).deliveries
        sink.held.set()
        sink.held = None
        (reached,) = notify.fn("visits", [HARM], settings=settings).deliveries
    assert (hung.reached, hung.why, reached.reached) == (False, "no answer within 2 s", True)
    assert "may have reached you before" in sink.came[-1]["message"]


def test_two_heartbeats_at_once_send_one_message(tmp_path):
    with sinks.http() as sink:
        settings = settings_of(tmp_path, sink.port)
        Ledger.open(settings)
        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(lambda _: notify.fn("visits", [HARM], settings=settings), range(4)))
    assert len(sink.came) == 1
    assert sum(len(one.deliveries) for one in told) == 1


@pytest.mark.parametrize(("point", "sent"), [("alert.begun", 0), ("alert.sent", 1)])
def test_killed_between_sending_and_recording_it_is_sent_once_more_which_says_so(tmp_path, point, sent):
    with sinks.http() as sink:
        for times in (1, 2):
            assert kill(tmp_path, sink.port, point) == -signal.SIGKILL
            assert len(sink.came) == sent * times
        settings = settings_of(tmp_path, sink.port)
        for _ in range(2):
            notify.fn("visits", [HARM], settings=settings)
        assert len(sink.came) == 2 * sent  # not a third time
        notify.fn("visits", [HARM, SKEW], settings=settings)
    assert sink.came[-1]["title"] == "[visits] page: what is served differs from what training sees"
    assert ["may have reached you before" in came["message"] for came in sink.came[: 2 * sent]] == [False, True][
        : 2 * sent
    ]


def kill(home: Path, port: int, point: str) -> int:
    paths = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "serving"), str(Path(__file__).parent)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    argv = [sys.executable, "-c", CHILD, str(home), str(port), point]
    return subprocess.run(argv, env=env, cwd=ROOT, check=False).returncode


def test_without_routes_a_file_in_home_is_written(tmp_path):
    notify.fn("visits", [HARM], settings=settings_of(tmp_path))
    notify.fn("visits", [HARM], settings=settings_of(tmp_path))
    text = (tmp_path / "alerts.log").read_text()
    assert text.count("[visits] page: the promise is broken") == 1


def test_no_secret_is_in_the_ledger_the_log_or_what_comes_back(tmp_path, closed_port, caplog):
    caplog.set_level(logging.DEBUG)
    settings = settings_of(
        tmp_path, ops=f"json://ops:{SECRET}@127.0.0.1:{closed_port}/{SECRET}", odd=f"nonsense://{SECRET}"
    )
    told = notify.fn("visits", [HARM], settings=settings)
    rows = [line.payload for line in Ledger.open(settings).lines("visits")]
    assert not any(one.reached for one in told.deliveries)
    assert SECRET not in json.dumps(rows) + told.model_dump_json() + caplog.text
