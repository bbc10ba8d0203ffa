"""The reconciler of `evergreen up`: changes of the ledger are shown, and hands undone, while it runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from registries import MODEL, change, known_to_mlflow, settings_in, shown, store_of

from cli import reconciler
from cli.reconciler import POLL_SECONDS, watch
from evergreen.base.errors import Unavailable
from evergreen.record.ledger.ledger import Ledger

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
DEADLINE = 60.0  # until it has begun, on a machine that does much else
WATCH = """
import sys
from pathlib import Path
from cli.reconciler import watch
from evergreen.config.settings import Settings
watch(Settings(home=Path(sys.argv[1])), seconds=0.2)
"""


class EndedError(Exception):
    """Ends the watch of a test."""


@pytest.fixture
def settings(prepared_state, tmp_path):
    return settings_in(tmp_path / "home", prepared_state)


@pytest.fixture
def ledger(settings):
    """Two versions, of which the first is champion."""
    known_to_mlflow(settings, 1, 2)
    ledger = Ledger.open(settings)
    change(ledger, 1)
    return ledger


def ending(after):
    """Return a pause that ends the watch, and what it was told."""
    told = []

    def pause(seconds):
        told.append(seconds)
        if len(told) == after:
            raise EndedError

    return pause, told


def test_every_model_of_the_ledger_is_shown_and_then_waited(ledger, settings):
    pause, told = ending(2)
    with pytest.raises(EndedError):
        watch(settings, seconds=3.5, pause=pause)
    assert told == [3.5, 3.5]
    assert shown(settings) == {"champion": 1}


def test_what_does_not_work_is_logged_once_and_tried_again(settings, caplog, monkeypatch):
    def down(_):
        raise Unavailable("DEP001", "the ledger does not answer")

    monkeypatch.setattr(reconciler.Ledger, "open", down)
    pause, told = ending(3)
    with pytest.raises(EndedError):
        watch(settings, seconds=1, pause=pause)
    assert len(told) == 3
    assert caplog.text.count("the ledger does not answer") == 1


def test_interval_leaves_time_to_show_a_change_within_ten_seconds():
    assert POLL_SECONDS <= 5


def waited(condition):
    """Return the seconds until something was so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < DEADLINE
        time.sleep(0.02)
    return time.monotonic() - started


def test_running_reconciler_shows_a_promotion_and_undoes_a_hand_within_ten_seconds(ledger, settings):
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WATCH, str(settings.home)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        waited(lambda: shown(settings) == {"champion": 1})
        change(ledger, 2)
        assert waited(lambda: shown(settings) == {"champion": 2, "previous": 1}) < 10
        store_of(settings).set_registered_model_alias(MODEL, "champion", "1")
        assert waited(lambda: shown(settings) == {"champion": 2, "previous": 1}) < 10
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert [entry.payload["is"] for entry in ledger.entries(MODEL, "foreign")] == ["1"]
