"""Leases: one holder at a time, and free again when it ends, however it ends."""

import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest
import sqlalchemy as sa
from children import child, go, say

from evergreen.base.errors import LostRace, Unavailable
from evergreen.base.processes import place
from evergreen.record.ledger import leases
from evergreen.record.ledger.database import LEASES

HOLD = "with Ledger(sys.argv[1]).lease('training') as epoch:\n    wait(epoch)\nprint('released', flush=True)"


def test_lease_is_free_again_at_its_end_with_a_higher_epoch(opened):
    with opened.lease("training") as first:
        pass
    with opened.lease("training") as second:
        assert second == first + 1


def test_lease_is_free_again_after_an_exception(opened):
    with pytest.raises(ZeroDivisionError), opened.lease("training"):
        raise ZeroDivisionError
    with opened.lease("training"):
        pass


def test_lease_of_a_living_process_is_refused_until_it_ends(opened, url):
    with child(HOLD, url) as holder:
        epoch = int(say(holder))
        with pytest.raises(LostRace) as caught, opened.lease("training"):
            pass
        assert caught.value.code == "RACE002"
        assert f"in process {holder.pid} on {socket.gethostname()}" in caught.value.what
        with opened.lease("another"):
            pass
        go(holder)
        assert say(holder) == "released"
        with opened.lease("training") as next_epoch:
            assert next_epoch == epoch + 1


def test_second_process_gives_up_with_the_exit_code_of_a_lost_race(opened, url):
    with opened.lease("training"), child(HOLD, url) as second:
        assert say(second) == "RACE002"
        assert second.wait() == LostRace.exit_code


def test_lease_is_not_taken_twice_by_one_process(opened):
    with opened.lease("training"), pytest.raises(LostRace, match="RACE002"), opened.lease("training"):
        pass


def test_lease_is_held_while_its_holder_lives(opened, url):
    assert not opened.is_held("training")
    with child(HOLD, url) as holder:
        say(holder)
        assert opened.is_held("training")
        assert not opened.is_held("scoring")
        go(holder)
        assert say(holder) == "released"
        assert not opened.is_held("training")


@pytest.mark.parametrize("reaped", [True, False])
def test_lease_of_a_killed_process_is_taken_over_at_once(opened, url, reaped):
    with child(HOLD, url) as holder:
        epoch = int(say(holder))
        holder.send_signal(signal.SIGKILL)
        # Wait for its death without reaping it: until its parent looks, it stays in the process table as a zombie.
        os.waitid(os.P_PID, holder.pid, os.WEXITED | (0 if reaped else os.WNOWAIT))
        assert psutil.pid_exists(holder.pid) is not reaped
        with opened.lease("training") as next_epoch:
            assert next_epoch == epoch + 1


def test_release_of_a_lost_lease_does_not_end_the_next_holders(opened, url, sql):
    with opened.lease("training"):
        sql("UPDATE leases SET pid = 0")  # as if this holder had been taken for dead
        holding = child(HOLD, url)
        holder = holding.__enter__()
        assert say(holder) == "2"
    with pytest.raises(LostRace), opened.lease("training"):
        pass
    holding.__exit__(None, None, None)


def test_process_that_was_given_the_holders_number_is_not_the_holder(opened, sql):
    with opened.lease("training") as epoch:
        sql("UPDATE leases SET started = started - 3600")
        with opened.lease("training") as next_epoch:
            assert next_epoch == epoch + 1


def test_setting_the_clock_makes_nobody_else_of_the_holder(opened, monkeypatch):
    with opened.lease("training"):
        monkeypatch.setattr(psutil, "boot_time", lambda: psutil.Process().create_time() + 3600)
        monkeypatch.setattr("time.time", lambda: 0.0)
        with pytest.raises(LostRace), opened.lease("training"):
            pass


def test_holder_whose_beginning_was_counted_from_1970_is_believed_while_its_heart_beats(opened, sql):
    with opened.lease("training"):
        sql(f"UPDATE leases SET place = '{place()}', started = {psutil.Process().create_time()}")
        with pytest.raises(LostRace), opened.lease("training"):
            pass


ELSEWHERE = [
    "UPDATE leases SET host = 'elsewhere', pid = 999999999",
    "UPDATE leases SET place = 'another pid namespace of this host', pid = 999999999",
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_holder_elsewhere_is_believed_while_its_heart_beats(opened, sql, elsewhere):
    with opened.lease("training"):
        sql(elsewhere)
        with pytest.raises(LostRace, match="in process 999999999"), opened.lease("training"):
            pass


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_holder_elsewhere_is_replaced_once_its_heart_has_been_silent(opened, sql, elsewhere):
    with opened.lease("training") as epoch:
        sql(f"{elsewhere}, beat = beat - {leases.SILENT_SECONDS + 1}")
        with opened.lease("training") as next_epoch:
            assert next_epoch == epoch + 1
    assert leases.SILENT_SECONDS < 60 - leases.BEAT_SECONDS


def test_heart_beats_by_the_databases_clock_until_the_lease_ends(opened, sql, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # this host's own clock is wrong
    with opened.lease("training"):
        sql("UPDATE leases SET beat = 0")
        deadline = time.monotonic() + 60
        while not (beat := beat_of(opened)) and time.monotonic() < deadline:
            pass
    with opened.read() as connection:
        assert 0 <= opened.clock(connection) - beat < 60
    assert abs(beat - datetime.now(UTC).timestamp()) < 120
    assert not [thread for thread in threading.enumerate() if thread.name == "lease-training"]


def beat_of(opened):
    with opened.read() as connection:
        return connection.execute(sa.select(LEASES.c.beat)).scalar_one()


def test_heart_goes_on_after_the_database_was_away(opened, monkeypatch, caplog):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    tried = []

    def away(*_):
        tried.append(1)
        raise Unavailable("DEP001", "the ledger does not answer")

    with opened.lease("training"):
        with monkeypatch.context() as patched:
            patched.setattr(type(opened), "clock", away)
            deadline = time.monotonic() + 60
            while len(tried) < 3 and time.monotonic() < deadline:
                pass
        began = beat_of(opened)
        while beat_of(opened) == began and time.monotonic() < deadline:
            pass
        assert beat_of(opened) > began
    assert "could not be renewed: DEP001" in caplog.text


def test_one_who_waits_gets_the_lease_when_it_is_free(opened, url):
    with child(HOLD, url) as holder:
        epoch = int(say(holder))
        go(holder)
        with opened.lease("training", wait=60) as next_epoch:
            assert next_epoch == epoch + 1


def test_holder_whose_lease_was_taken_over_promotes_nothing(opened, sql):
    with opened.lease("training") as epoch:
        sql(f"{ELSEWHERE[0]}, beat = 0")
        with opened.lease("training"):
            with pytest.raises(LostRace, match="RACE003"):
                opened.promote("m", 1, {}, expected_epoch=0, fence=("training", epoch))
            assert opened.champion("m") is None
            opened.promote("m", 2, {}, expected_epoch=0, fence=("training", epoch + 1))
    with pytest.raises(LostRace, match="RACE003"):  # ended
        opened.promote("m", 3, {}, expected_epoch=1, fence=("training", epoch + 1))
    assert opened.champion("m").version == 2
