"""The ledger: one champion, a chain that shows tampering, and leases that end with their holder."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psutil
import pytest
import sqlalchemy as sa

from evergreen.base.errors import ConfigError, IntegrityError, LostRace, ResourceError, Unavailable
from evergreen.record.ledger import chain as ledgers
from evergreen.record.ledger.ledger import Ledger

# What a child process runs around one statement: it says "ready" and waits for a line before it goes on.
CHILD = """
import sys
from evergreen.base.errors import EvergreenError
from evergreen.record.ledger.ledger import Ledger
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
try:
    {body}
except EvergreenError as error:
    print(error.code, flush=True)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'ledger.db'}"


@pytest.fixture(params=["sqlite_url"])  # every database that the ledger supports, by its fixture
def url(request) -> str:
    return request.getfixturevalue(request.param)


@pytest.fixture
def opened(url) -> Iterator[Ledger]:
    ledger = Ledger(url)
    yield ledger
    ledger.close()


@pytest.fixture
def sql(url) -> Callable[[str], None]:
    """Return a way to change the database behind the ledger's back."""

    def sql(statement: str) -> None:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            changed = connection.execute(sa.text(statement))
        engine.dispose()
        assert changed.rowcount >= 1

    return sql


@contextmanager
def child(body: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    script = CHILD.format(body=body.strip().replace("\n", "\n    "))
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


# -- the log ------------------------------------------------------------------------------------------------------


def test_new_ledger_is_empty_and_whole(opened):
    assert opened.verify() == 0
    assert opened.entries("m") == []
    assert opened.champion("m") is None
    assert opened.find("m", "decision", "1") is None


def test_entries_come_back_in_order_by_model_and_kind(opened, url):
    now = datetime(2013, 3, 1, 12, 30, tzinfo=UTC)
    first = opened.record("m", "decision", "1", {"why": "drift", "columns": ["é"]}, now=now)
    opened.record("m", "approval", "1", {})
    opened.record("other", "decision", "1", {})
    third = opened.record("m", "decision", "2", {})
    assert (first.at, first.payload) == (now, {"why": "drift", "columns": ["é"]})
    for ledger in (opened, Ledger(url)):
        assert ledger.entries("m", "decision") == [first, third]
        assert [entry.kind for entry in ledger.entries("m")] == ["decision", "approval", "decision"]
        assert ledger.find("m", "decision", "2") == third
        assert ledger.find("m", "decision", "3") is None
        assert ledger.verify() == 4
    ledger.close()


def test_entry_is_stamped_with_the_time_in_utc(opened):
    before = datetime.now(UTC)
    entry = opened.record("m", "decision", "1", {})
    assert before <= entry.at <= datetime.now(UTC)


def test_recording_the_same_effect_again_changes_nothing(opened):
    first = opened.record("m", "retraining", "incident-1", {"n": 1})
    assert opened.record("m", "retraining", "incident-1", {"n": 2}) == first
    assert opened.entries("m") == [first]
    # the key counts within its model and kind only
    opened.record("m", "approval", "incident-1", {})
    opened.record("other", "retraining", "incident-1", {})
    assert opened.verify() == 3


def test_same_effect_recorded_by_several_processes_at_once_is_one_entry(opened, url):
    body = "wait('ready')\nprint(Ledger(sys.argv[1]).record('m', 'k', 'same', {'by': sys.argv[2]}).payload)"
    with child(body, url, 1) as a, child(body, url, 2) as b, child(body, url, 3) as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        answers = {say(process) for process in (a, b, c)}
    assert answers == {str(opened.entries("m")[0].payload)}
    assert opened.verify() == 1


def test_chain_stays_whole_while_several_processes_append(opened, url):
    body = (
        "ledger = Ledger(sys.argv[1])\nwait('ready')\n"
        "for n in range(20): ledger.record(sys.argv[2], 'k', str(n), {})\nprint('done', flush=True)"
    )
    with child(body, url, "m") as a, child(body, url, "n") as b, child(body, url, "o") as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        assert [say(process) for process in (a, b, c)] == ["done"] * 3
    assert opened.verify() == 60


def test_new_ledger_may_be_opened_by_several_processes_at_once(url):
    body = "wait('ready')\nLedger(sys.argv[1]).record('m', 'k', sys.argv[2], {})\nprint('done')"
    with child(body, url, 1) as a, child(body, url, 2) as b, child(body, url, 3) as c, child(body, url, 4) as d:
        for process in (a, b, c, d):
            assert say(process) == "ready"
        for process in (a, b, c, d):
            go(process)
        assert [say(process) for process in (a, b, c, d)] == ["done"] * 4
    ledger = Ledger(url)
    assert ledger.verify() == 4
    ledger.close()


# -- tampering ----------------------------------------------------------------------------------------------------


@pytest.fixture
def story(opened) -> Ledger:
    """Six entries: two promotions of m between decisions, and one of another model."""
    opened.record("m", "decision", "1", {"n": 1})
    opened.promote("m", 4, {}, expected_epoch=0)
    opened.record("m", "decision", "2", {"n": 2})
    opened.promote("other", 1, {}, expected_epoch=0)
    opened.promote("m", 5, {}, expected_epoch=1)
    opened.record("m", "decision", "3", {"n": 3})
    assert opened.verify() == 6
    return opened


@pytest.mark.parametrize(
    ("statement", "entry"),
    [
        ("UPDATE entries SET payload = '{}' WHERE seq = 3", 3),
        ("UPDATE entries SET at = '2000-01-01T00:00:00+00:00' WHERE seq = 1", 1),
        ("UPDATE entries SET model = 'x' WHERE seq = 6", 6),
        ("UPDATE entries SET kind = 'approval' WHERE seq = 3", 3),
        ("UPDATE entries SET key = '9' WHERE seq = 3", 3),
        ("UPDATE entries SET previous = hash WHERE seq = 3", 3),
        ("UPDATE entries SET hash = 'x' WHERE seq = 6", 6),
        ("DELETE FROM entries WHERE seq = 1", 2),
        ("DELETE FROM entries WHERE seq = 3", 4),
        ("DELETE FROM entries WHERE seq < 4", 4),
        ("UPDATE entries SET seq = 7 WHERE seq = 3", 4),
        (
            "INSERT INTO entries (seq, at, model, kind, key, payload, previous, hash)"
            " SELECT 7, at, model, kind, 'again', payload, previous, 'x' FROM entries WHERE seq = 6",
            7,
        ),
    ],
)
def test_verify_names_the_entry_where_the_chain_breaks(story, sql, statement, entry):
    sql(statement)
    with pytest.raises(IntegrityError) as caught:
        story.verify()
    assert caught.value.code == "INT005"
    assert f"breaks at entry {entry} " in caught.value.what


@pytest.mark.parametrize(
    ("statement", "model"),
    [
        ("UPDATE champions SET version = 4 WHERE model = 'm'", "m"),
        ("UPDATE champions SET epoch = 3 WHERE model = 'm'", "m"),
        ("DELETE FROM champions WHERE model = 'other'", "other"),
        ("INSERT INTO champions (model, epoch, version) VALUES ('new', 1, 1)", "new"),
        ("DELETE FROM entries WHERE seq >= 5", "m"),
    ],
)
def test_verify_finds_a_champion_that_was_never_promoted(story, sql, statement, model):
    sql(statement)
    with pytest.raises(IntegrityError, match=f"champion of '{model}' is not the version that was promoted last"):
        story.verify()


@pytest.mark.parametrize(("epoch", "predecessor"), [(3, 4), (3, None), (2, 5), (4, 5)])
def test_verify_finds_a_promotion_that_does_not_follow_the_one_before(story, epoch, predecessor):
    # the hashes fit, since the ledger itself made them
    story.record("m", "promotion", "forged", {"epoch": epoch, "version": 9, "predecessor": predecessor})
    with pytest.raises(IntegrityError, match="breaks at entry 7 "):
        story.verify()


def test_file_that_is_no_database_is_an_integrity_error(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(IntegrityError) as caught:
        Ledger(f"sqlite:///{path}")
    assert caught.value.code == "INT005"
    assert str(path) in caught.value.where


# -- the champion -------------------------------------------------------------------------------------------------


def test_promotions_form_a_chain_of_growing_epochs(opened):
    for epoch, version in enumerate([3, 5, 3, 8]):  # 3 comes back by a rollback
        champion = opened.promote("m", version, {"why": "gate"}, expected_epoch=epoch)
        assert (champion.epoch, champion.version) == (epoch + 1, version)
        assert opened.champion("m") == champion
    log = [entry.payload for entry in opened.entries("m", "promotion")]
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4]
    assert [entry["version"] for entry in log] == [3, 5, 3, 8]
    assert [entry["predecessor"] for entry in log] == [None, 3, 5, 3]
    assert all(entry["why"] == "gate" for entry in log)
    assert opened.find("m", "promotion", "3").payload["version"] == 3


def test_payload_of_a_promotion_cannot_claim_another_version(opened):
    opened.promote("m", 3, {"version": 9, "epoch": 9, "predecessor": 9}, expected_epoch=0)
    payload = opened.entries("m")[0].payload
    assert (payload["version"], payload["epoch"], payload["predecessor"]) == (3, 1, None)


def test_models_have_champions_of_their_own(opened):
    opened.promote("m", 1, {}, expected_epoch=0)
    assert opened.champion("other") is None
    opened.promote("other", 7, {}, expected_epoch=0)
    assert (opened.champion("m").version, opened.champion("other").version) == (1, 7)


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_promotion_that_expects_another_epoch_loses_and_changes_nothing(opened, expected):
    opened.promote("m", 1, {}, expected_epoch=0)
    champion = opened.promote("m", 2, {}, expected_epoch=1)
    before = opened.entries("m")
    with pytest.raises(LostRace) as caught:
        opened.promote("m", 3, {}, expected_epoch=expected)
    assert caught.value.code == "RACE001"
    assert f"(epoch 2, expected {expected})" in caught.value.what
    assert opened.champion("m") == champion
    assert opened.entries("m") == before


def test_of_processes_that_promote_at_once_exactly_one_wins(opened, url):
    opened.promote("m", 1, {}, expected_epoch=0)
    body = (
        "ledger = Ledger(sys.argv[1])\nwait('ready')\n"
        "print(ledger.promote('m', int(sys.argv[2]), {}, expected_epoch=1).version, flush=True)"
    )
    with child(body, url, 2) as a, child(body, url, 3) as b, child(body, url, 4) as c:
        for process in (a, b, c):
            assert say(process) == "ready"
        for process in (a, b, c):
            go(process)
        answers = [say(process) for process in (a, b, c)]
        codes = sorted(process.wait() for process in (a, b, c))
    assert codes == [0, 6, 6]
    winner = next(answer for answer in answers if answer != "RACE001")
    assert opened.champion("m").version == int(winner)
    assert [entry.payload["version"] for entry in opened.entries("m", "promotion")] == [1, int(winner)]
    assert opened.verify() == 2


def test_promotion_whose_facts_cannot_be_written_changes_nothing(opened):
    opened.promote("m", 1, {}, expected_epoch=0)
    facts: dict = {}
    facts["itself"] = facts
    with pytest.raises(ValueError, match="Circular"):
        opened.promote("m", 2, facts, expected_epoch=1)
    assert opened.champion("m").version == 1
    assert opened.verify() == 1


# -- leases -------------------------------------------------------------------------------------------------------

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


# -- the database -------------------------------------------------------------------------------------------------


def test_ledger_below_a_folder_without_write_access_says_what_to_do(read_only_folder):
    with pytest.raises(ResourceError) as caught:
        Ledger(f"sqlite:///{read_only_folder / 'home' / 'ledger.db'}")
    assert (caught.value.code, caught.value.exit_code) == ("RES003", 8)
    assert "Permission denied" in caught.value.what
    assert "EVERGREEN_HOME" in caught.value.next_step


@pytest.mark.parametrize("place", ["file/ledger.db", "folder"])
def test_ledger_that_cannot_be_opened_says_what_to_do(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResourceError) as caught:
        Ledger(f"sqlite:///{tmp_path / place}")
    assert caught.value.code == "RES003"
    assert len(caught.value.block().splitlines()) == 3


def test_full_disk_is_reported_and_the_ledger_stays_whole(sqlite_url, limited_disk):
    opened = Ledger(sqlite_url)
    opened.record("m", "decision", "1", {})
    large = {"text": "x" * 5_000_000}
    with limited_disk(1_000_000), pytest.raises(ResourceError, match="RES003"):
        opened.record("m", "decision", "2", large)
    assert opened.verify() == 1
    assert opened.record("m", "decision", "2", large).seq == 2
    assert opened.verify() == 2
    opened.close()


def test_ledger_that_another_process_keeps_locked_is_unavailable(sqlite_url, monkeypatch):
    monkeypatch.setattr(ledgers, "BUSY_MS", 10)
    ledger = Ledger(sqlite_url)
    other = sa.create_engine(sqlite_url)
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable) as caught:
            ledger.record("m", "decision", "1", {})
    assert (caught.value.code, caught.value.exit_code) == ("DEP001", 5)
    ledger.record("m", "decision", "1", {})
    assert ledger.verify() == 1
    ledger.close()
    other.dispose()


def test_relative_address_means_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Ledger("sqlite:///ledger.db").close()
    assert (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize("url", ["no address", "nosuch://host/db", "postgresql+nosuch://host/db", "oracle://host/db"])
def test_address_that_cannot_be_used_is_a_configuration_error(url):
    with pytest.raises(ConfigError) as caught:
        Ledger(url)
    assert (caught.value.code, caught.value.where) == ("CFG012", "ledger_url")


def test_password_in_the_address_is_never_shown():
    with pytest.raises(ConfigError) as caught:
        Ledger("postgresql+nosuch://me:secret@host/db")
    assert "secret" not in caught.value.block()


def test_ledger_writes_nothing_beside_its_own_files(sqlite_url, tmp_path):
    ledger = Ledger(sqlite_url)
    ledger.record("m", "decision", "1", {})
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"home/ledger.db"} <= names <= {"home/ledger.db", "home/ledger.db-wal", "home/ledger.db-shm"}
    ledger.close()
