"""Incidents out of a real ledger: what looks, trainings and people did, as of any time."""

from datetime import UTC, datetime, timedelta

import happened
import looking
import pytest
import remembered
from looking import APRIL, LATE, MARCH, MAY

from evergreen.decisions.alerts.silence import Rhythm
from evergreen.record.alerts import telling
from evergreen.record.alerts.standing import standing_incidents
from evergreen.record.ledger.ledger import Ledger
from flows.monitoring import look_at

NOW = datetime.now(UTC)
MONTHS = Rhythm(window="month", timezone="UTC")


@pytest.fixture
def harmed(visited, monkeypatch):
    """A project whose looks found April harmed, and then, with other labels, not."""
    looking.directly(monkeypatch)
    rows = looking.source(visited)
    look_at(visited, MARCH, APRIL, as_of=looking.at("04-15"))
    looking.bring(visited, looking.flipped(rows, "04-01"))
    look_at(visited, APRIL, MAY, as_of=looking.at("05-15"))
    look_at(visited, APRIL, MAY, as_of=looking.at("05-16"))
    looking.bring(visited, rows)
    look_at(visited, APRIL, MAY, as_of=LATE)
    return visited


def test_harm_that_real_looks_find_is_one_incident_and_a_correction_withdraws_it(harmed):
    ledger = harmed.ledger()
    (one,) = [found for found in standing_incidents(ledger, "visits", at=later()) if found.kind == "harm"]
    assert (one.subject, one.since, one.until) == ("v1", looking.at("05-15"), LATE)
    assert one.ended == "withdrawn: a later look at 2024-04 does not find it"
    recorded = [entry.at for entry in ledger.entries("visits", "look")]
    before = standing_incidents(ledger, "visits", at=recorded[0])
    during = standing_incidents(ledger, "visits", at=recorded[2])
    assert before == ()
    assert [(found.key, found.until) for found in during] == [(one.key, None)]


def test_silence_is_known_to_whoever_knows_the_rhythm_and_to_others_once_it_is_recorded(harmed):
    ledger, month = harmed.ledger(), later() + timedelta(days=40)
    assert [one.kind for one in standing_incidents(ledger, "visits", at=month) if one.is_open] == []
    silence = [one for one in standing_incidents(ledger, "visits", at=month, rhythm=MONTHS) if one.is_open]
    assert [one.kind for one in silence] == ["silence"]
    telling.note(ledger, "visits", silence)
    assert [one for one in standing_incidents(ledger, "visits", at=month) if one.is_open] == silence


def test_proposal_and_its_answer_are_read(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    remembered.make_champion(ledger, 1)
    proposal = {
        "version": 2, "epoch": 1, "champion": 1, "data_digest": "d", "model_digest": "m",
        "period": {"start": None, "end": None}, "expires": None, "by": [], "not_author": False,
    }  # fmt: skip
    ledger.record("visits", "proposal", "2", proposal)
    (waits,) = standing_incidents(ledger, "visits", at=later())
    assert (waits.kind, waits.subject, waits.is_open) == ("approval-waiting", "v2", True)
    ledger.record("visits", "rejection", "2", {"version": 2, "by": "ada", "reason": "too slow"})
    (over,) = standing_incidents(ledger, "visits", at=later())
    assert (over.key, over.ended) == (waits.key, "rejection by ada: too slow")


def test_three_refused_retrainings_are_read(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    for month in range(3):
        outcome = {"verdict": "refused", "reason": "no better"}
        ledger.record("visits", "retraining", f"v1:w{month}", {"window_end": "2026-01-01", "outcome": outcome})
    (one,) = standing_incidents(ledger, "visits", at=later())
    assert (one.kind, one.evidence) == (
        "retraining-refused", "3 retrainings in a row were refused; the last, after v1:w2: no better",
    )  # fmt: skip


def test_what_began_and_ended_is_recorded_once_and_read_back(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    silence = happened.incident("silence", until=happened.at("02-09"))
    assert len(telling.note(ledger, "visits", [silence])) == 2
    assert telling.note(ledger, "visits", [silence]) == []
    assert standing_incidents(ledger, "visits", at=later()) == (silence,)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=5)
