"""What was decided, and who was champion when, held against a plain list."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import remembered
from remembered import MODEL

from evergreen.base.errors import ConfigError
from evergreen.record.ledger.chain import Entry
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry.history import (
    by_of,
    champion_at,
    event_of,
    events,
    read_time,
    reason_of,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def entry(seq: int, kind: str, payload: dict, *, key: str = "1", at: datetime = BEGIN) -> Entry:
    return Entry(seq=seq, at=at, model=MODEL, kind=kind, key=key, payload=payload, hash="")


def test_champion_at_is_that_of_a_plain_list_at_a_thousand_random_times_over_two_hundred_changes():
    rng = random.Random(7)
    at, changes, plain = BEGIN, [], []
    for epoch in range(1, 201):
        at += timedelta(seconds=rng.choice([0, 0.000001, rng.uniform(0, 10_000)]))  # several of one moment among them
        version = rng.randint(1, epoch)
        kind = "promotion" if version == epoch else "rollback"
        changes.append(entry(epoch, kind, {"version": version, "epoch": epoch}, at=at))
        plain.append((at, version))
    span = (at - BEGIN).total_seconds()
    asked = [BEGIN + timedelta(seconds=rng.uniform(-0.05, 1.05) * span) for _ in range(900)]
    asked += [rng.choice(plain)[0] + timedelta(microseconds=rng.choice([-1, 0, 1])) for _ in range(100)]
    for time in asked:
        expected = None
        for since, version in plain:  # the slow way
            if since <= time:
                expected = version
        found = champion_at(changes, time)
        assert (found and found.version) == expected
        if found:
            assert found.until is None or found.until > time


def test_champion_at_with_a_real_ledger_is_champion_from_its_entry_on(ledger):
    remembered.make_champion(ledger, 1)
    remembered.make_champion(ledger, 2)
    remembered.make_champion(ledger, 1, kind="rollback", by="ann", reason="worse on Mondays")
    changes = ledger.changes(MODEL)
    before = changes[0].at - timedelta(microseconds=1)
    assert champion_at(changes, before) is None
    found = champion_at(changes, changes[2].at + timedelta(days=1))
    assert (found.version, found.until, by_of(found.entry), reason_of(found.entry)) == (
        1,
        None,
        "ann",
        "worse on Mondays",
    )
    assert champion_at([], before) is None


def test_events_are_the_decisions_and_refusals_but_no_judgement_that_promoted(ledger):
    ledger.record(MODEL, "start", "t", {"start": None})
    ledger.record(MODEL, "gate", "c1", {"rule": "first", "promoted": True})
    remembered.make_champion(ledger, 1)
    ledger.record(MODEL, "judgement", "c1", remembered.judgement(1).model_dump(mode="json"))
    ledger.record(MODEL, "judgement", "c2", remembered.judgement(None).model_dump(mode="json"))
    ledger.record(MODEL, "approval", "2", {"version": 2, "by": "ann", "reason": "reviewed", "door": "cli"})
    ledger.record(MODEL, "foreign", "f", {"what": "alias champion", "was": 1, "is": 9})
    found = [event.model_dump(include={"kind", "version", "by", "reason"}) for event in events(ledger.entries(MODEL))]
    assert found == [
        {"kind": "promotion", "version": 1, "by": "gate", "reason": "requested: roc_auc 0.80 is above 0.60"},
        {"kind": "judgement", "version": None, "by": "gate", "reason": "roc_auc 0.50 is below 0.60"},
        {"kind": "approval", "version": 2, "by": "ann", "reason": "reviewed"},
        {
            "kind": "foreign",
            "version": None,
            "by": None,
            "reason": "alias champion: it was 1, and by hand 9",
        },
    ]
    everything = events(ledger.entries(MODEL), everything=True)
    assert [event.seq for event in everything] == [*range(1, 8)]


@pytest.mark.parametrize(
    ("kind", "key", "payload", "expected"),
    [
        ("number", "4", {"candidate": "c"}, (4, None, None)),
        ("proposal", "4", {"version": 4, "by": ["ann"]}, (4, "gate", None)),
        ("retraining", "w", {"reason": "retrain: drift", "outcome": {"version": 5}}, (5, "policy", "retrain: drift")),
        ("retraining", "w", {"reason": "retrain: age", "outcome": {"version": None}}, (None, "policy", "retrain: age")),
        ("look", "l", {"version": 3, "decision": {"summary": "retrain: harm"}}, (3, "policy", "retrain: harm")),
        ("window", "w", {"version": 3, "decision": {"summary": "retrain"}}, (3, "policy", "retrain")),
        ("window", "w", {}, (None, "policy", None)),
        ("lineage", "c", {"reason": "the target is another"}, (None, None, "the target is another")),
        ("sent", "prod:3", {}, (None, None, None)),
    ],
)  # fmt: skip
def test_event_says_the_version_who_and_why_where_an_entry_does(kind, key, payload, expected):
    event = event_of(entry(1, kind, payload, key=key))
    assert (event.version, event.by, event.reason) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-03", "2026-05-03T00:00:00+00:00"),
        (" 2026-05-03T14:30 ", "2026-05-03T14:30:00+00:00"),
        ("2026-05-03 14:30:15", "2026-05-03T14:30:15+00:00"),
        ("2026-05-03T14:30+02:00", "2026-05-03T12:30:00+00:00"),
        ("2026-05-03T14:30:00Z", "2026-05-03T14:30:00+00:00"),
    ],
)
def test_time_is_read_in_utc_unless_it_names_a_zone(text, expected):
    assert read_time(text, now=datetime(2026, 6, 1, tzinfo=UTC)).isoformat() == expected


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "2026-06-02", "0001-01-01T00:00+14:00"])
def test_no_time_and_one_to_come_are_refused(text):
    with pytest.raises(ConfigError) as caught:
        read_time(text, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert caught.value.code == "STA009"


def test_change_of_who_decides_says_the_degree_and_a_missed_bar_what_was_missed():
    changed = {"by": "ada", "reason": "a month of assist", "automation": {"degree": "partial"}}
    asked = {"by": "ada", "degree": "partial", "bar": {"evidence": "0.031 are wrong"}}
    told = events([entry(1, "degree", changed), entry(2, "degree_asked", asked)])
    assert [(event.by, event.reason) for event in told] == [
        ("ada", "partial: a month of assist"),
        ("ada", "partial stays: 0.031 are wrong"),
    ]
