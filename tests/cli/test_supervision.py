"""Supervision, with real processes: what ends is started again, three ends in a minute end all, and nothing is left."""

import os
import signal
import sys
import time

import psutil
import pytest
from servers import free_port

from cli.supervision import Part, Supervisor
from evergreen.base.errors import ResourceError, Unavailable

WAITS = "import time; time.sleep(600)"
ENDS = "raise SystemExit('it is broken')"
SERVES = "import http.server as s, sys; s.test(s.SimpleHTTPRequestHandler, port=int(sys.argv[1]), bind='127.0.0.1')"
DEADLINE = 60.0


def python(code, *arguments):
    return lambda: ([sys.executable, "-c", code, *arguments], {})


class DoneError(Exception):
    """Ends the loop of a test."""


class Watched:
    """A clock that moves as fast as it is asked to pause, and what a test does at each pause."""

    def __init__(self, act):
        self.now, self._act, self._began = 0.0, act, time.monotonic()

    def clock(self):
        return self.now

    def pause(self, seconds):
        assert time.monotonic() - self._began < DEADLINE
        time.sleep(0.02)
        self.now += seconds
        self._act()


def pids(run):
    return sorted(int(note.stem.rpartition("-")[2]) for note in run.glob("*.json"))


def keep(parts, run, act):
    """Keep parts alive until a test has seen enough; return the clock."""
    watched = Watched(act)
    with Supervisor(parts, run=run, clock=watched.clock, pause=watched.pause) as supervisor:
        supervisor.keep()


def test_part_that_is_killed_is_started_again_and_all_end_with_the_block(tmp_path, caplog):
    seen = []

    def kill():
        seen.append(pids(tmp_path))
        if len(seen) == 1:
            os.kill(seen[0][0], signal.SIGKILL)
        elif len(seen[-1]) == 2 and seen[-1] != seen[0]:
            raise DoneError

    with pytest.raises(DoneError):
        keep([Part("one", python(WAITS)), Part("two", python(WAITS))], tmp_path, kill)
    assert len(set(seen[0]) & set(seen[-1])) == 1  # the other one was left alone
    assert "started again in 1 s" in caplog.text
    assert not any(psutil.pid_exists(pid) for pid in seen[-1])
    assert pids(tmp_path) == []


def test_part_that_ends_three_times_within_a_minute_ends_all_and_says_what_it_said(tmp_path):
    started = []

    def broken():
        started.append(1)
        return python(ENDS)()

    with pytest.raises(Unavailable, match="it is broken") as caught:
        keep([Part("whole", python(WAITS)), Part("broken", broken)], tmp_path, lambda: None)
    assert (caught.value.code, caught.value.exit_code, len(started)) == ("DEP005", 5, 3)
    assert "broken ended by itself 3 times within 60 s" in str(caught.value)
    assert pids(tmp_path) == []


def test_part_that_ends_now_and_then_is_started_for_ever(tmp_path):
    ends = []
    watched = Watched(lambda: None)

    def kill():
        if pids(tmp_path) and len(ends) < 5:
            os.kill(pids(tmp_path)[0], signal.SIGKILL)
            ends.append(1)
            watched.now += 40
        elif len(ends) == 5 and pids(tmp_path):
            raise DoneError

    watched._act = kill
    parts = [Part("one", python(WAITS))]
    with (
        pytest.raises(DoneError),
        Supervisor(parts, run=tmp_path, clock=watched.clock, pause=watched.pause) as supervisor,
    ):
        supervisor.keep()


def test_part_that_cannot_start_yet_is_asked_again_and_told_once(tmp_path, caplog):
    asked = []

    def later():
        asked.append(1)
        if len(asked) < 3:
            return None
        if len(asked) < 6:
            raise ResourceError("SRV010", "cannot listen: in use")
        return python(WAITS)()

    def look():
        if pids(tmp_path):
            raise DoneError

    with pytest.raises(DoneError):
        keep([Part("service", later)], tmp_path, look)
    assert len(asked) == 6
    assert caplog.text.count("service is not started yet") == 1


def test_part_with_an_address_is_up_before_the_next_one_starts(tmp_path):
    port, order = free_port(), []

    def second():
        order.append(pids(tmp_path))
        return python(WAITS)()

    def done():
        raise DoneError

    with pytest.raises(DoneError):
        keep([Part("first", python(SERVES, str(port)), f"http://127.0.0.1:{port}/"), Part("second", second)], tmp_path,
             done)  # fmt: skip
    assert len(order[0]) == 1


def test_part_that_never_answers_is_an_error_at_the_start_and_leaves_nothing(tmp_path):
    with pytest.raises(Unavailable, match="first ended with code 1"):
        keep([Part("first", python(ENDS), "http://127.0.0.1:9/")], tmp_path, lambda: None)
    assert pids(tmp_path) == []
