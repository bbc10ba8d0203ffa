"""Leases: one holder at a time, and free again when it ends, however it ends."""

import os
import signal
import socket

import psutil
import pytest
from children import child, go, say

from evergreen.base.errors import LostRace

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


def test_holder_on_another_host_is_taken_at_its_word(opened, sql):
    with opened.lease("training"):
        sql("UPDATE leases SET host = 'elsewhere', pid = 999999999")
        with pytest.raises(LostRace, match="on elsewhere"), opened.lease("training"):
            pass
