"""The log: entries in a hash chain, each effect once, and tampering shows."""

from datetime import UTC, datetime

import pytest
from children import child, go, say

from evergreen.base.errors import IntegrityError
from evergreen.record.ledger.chain import hash_of
from evergreen.record.ledger.ledger import Ledger


def test_new_ledger_is_empty_and_whole(opened):
    assert opened.verify() == 0
    assert opened.entries("m") == []
    assert opened.champion("m") is None
    assert opened.find("m", "decision", "1") is None


def test_entries_come_back_in_order_by_model_and_kind(opened, url):
    first = opened.record("m", "decision", "1", {"why": "drift", "columns": ["é"]})
    opened.record("m", "approval", "1", {})
    opened.record("other", "decision", "1", {})
    third = opened.record("m", "decision", "2", {})
    assert first.payload == {"why": "drift", "columns": ["é"]}
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


def test_time_of_an_entry_never_lies_before_the_entry_before(opened, monkeypatch):
    later = opened.record("m", "decision", "1", {}).at
    monkeypatch.setattr(type(opened), "clock", lambda *_: 1_000.0)  # the database's clock was set back
    assert opened.record("m", "decision", "2", {}).at == later


@pytest.mark.parametrize(
    "behind",
    [
        "DELETE FROM entries WHERE seq = 6",
        "UPDATE entries SET payload = '{\"n\": 4}', hash = '{hash}' WHERE seq = 6",
    ],
)
def test_last_entry_that_was_seen_from_here_can_not_vanish_or_change(story, url, sql, tmp_path, behind):
    seen = tmp_path / "ledger.seen"
    here = Ledger(url, seen=seen)
    last = here.entries("m")[-1]
    forged = hash_of(here.entries("m")[-2].hash, last.at.isoformat(), "m", "decision", "3", '{"n": 4}')
    here.close()
    sql(behind.replace("{hash}", forged))
    assert Ledger(url).verify() in (5, 6)  # from elsewhere it cannot be known
    with pytest.raises(IntegrityError, match="entry 6: it is not the one that was seen here before") as caught:
        Ledger(url, seen=seen).champion("m")
    assert f"delete {seen}" in caught.value.next_step
    seen.unlink()
    assert Ledger(url, seen=seen).champion("m").version == 5


def test_entry_is_seen_as_soon_as_it_is_recorded(opened, url, sql, tmp_path):
    here = Ledger(url, seen=tmp_path / "ledger.seen")
    here.record("m", "decision", "1", {})
    sql("DELETE FROM entries")
    with pytest.raises(IntegrityError, match="entry 1"):
        Ledger(url, seen=tmp_path / "ledger.seen").verify()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_file_of_what_was_seen_that_is_illegible_is_as_if_nothing_was(story, url, tmp_path, content):
    (tmp_path / "ledger.seen").write_bytes(content)
    assert Ledger(url, seen=tmp_path / "ledger.seen").verify() == 6


def test_reader_keeps_nobody_from_writing_and_sees_one_moment(opened, url):
    opened.record("m", "decision", "1", {})
    with opened.reading() as connection:
        Ledger(url).record("m", "decision", "2", {})
        assert len(opened._of(connection, "m")) == 1
    assert len(opened.entries("m")) == 2


def test_lines_are_the_entries_as_they_are_written_and_each_has_its_hash(story):
    lines = story.lines("m")

    assert [line.seq for line in lines] == [entry.seq for entry in story.entries("m")]
    assert [line.hash for line in lines] == [entry.hash for entry in story.entries("m")]
    assert all(line.is_whole for line in lines)
    assert not any(line.model_copy(update={"payload": line.payload + " "}).is_whole for line in lines)
