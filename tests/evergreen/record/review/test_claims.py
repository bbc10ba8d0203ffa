"""Who has a row in hand: one person at a time, for a while, whatever clocks and processes do."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from evergreen.base.errors import ResourceError
from evergreen.record.review.claims import CLAIM_SECONDS, FILE, KEPT_SECONDS, Claim, Claims

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
IDS = [f"{n:032x}" for n in range(6)]


def test_two_people_get_different_rows_and_one_keeps_what_is_in_hand(tmp_path):
    claims = Claims(tmp_path)
    assert claims.take(IDS, by="ann", most=2, now=NOW) == IDS[:2]
    assert claims.take(IDS, by="ben", now=NOW) == IDS[2:3]
    assert claims.take(IDS, by="ann", now=NOW) == IDS[:1]
    assert claims.take(IDS[:3], by="cem", most=9, now=NOW) == []
    assert {name: claim.person for name, claim in claims.held(now=NOW).items()} == {
        **dict.fromkeys(IDS[:2], "ann"),
        IDS[2]: "ben",
    }


def test_claim_expires_and_is_lengthened_by_who_has_it(tmp_path):
    claims, later = Claims(tmp_path), NOW + timedelta(seconds=CLAIM_SECONDS - 1)
    claims.take(IDS[:2], by="ann", most=2, now=NOW)
    claims.take(IDS[:1], by="ann", now=later)
    then = NOW + timedelta(seconds=CLAIM_SECONDS)
    assert claims.take(IDS, by="ben", now=then) == IDS[1:2]


def test_clock_that_was_ahead_keeps_no_row_for_ever(tmp_path):
    claims = Claims(tmp_path)
    claims.take(IDS, by="ann", now=NOW + timedelta(days=300))
    assert claims.take(IDS, by="ben", now=NOW) == IDS[:1]


def test_what_was_answered_is_nobodys_to_take_until_it_is_forgotten(tmp_path):
    claims = Claims(tmp_path)
    with claims.changing() as change:
        answered = NOW.timestamp()
        change.put(Claim(prediction_id=IDS[0], person="ann", until=0, answered=answered, answers="ab"))
    assert claims.take(IDS[:1], by="ann", now=NOW) == []
    later = NOW + timedelta(seconds=KEPT_SECONDS + 1)
    assert claims.take(IDS[:1], by="ben", now=later) == IDS[:1]


def test_nothing_changes_if_what_goes_with_it_fails(tmp_path):
    claims = Claims(tmp_path)

    def fails():
        with claims.changing() as change:
            change.put(Claim(prediction_id=IDS[0], person="ann", until=NOW.timestamp() + 60))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert claims.held(now=NOW) == {}


def test_processes_at_once_never_get_the_same_row(tmp_path):
    code = (
        "import sys; from pathlib import Path; from evergreen.record.review.claims import Claims\n"
        "claims = Claims(Path(sys.argv[1])); ids = [f'{n:032x}' for n in range(40)]\n"
        "print(*claims.take(ids, by=sys.argv[2], most=10))"
    )
    people = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], stdout=subprocess.PIPE, text=True)
        for name in ("ann", "ben", "cem")
    ]
    got = [person.communicate()[0].split() for person in people]
    assert [len(rows) for rows in got] == [10, 10, 10]
    assert len({name for rows in got for name in rows}) == 30


def test_claims_that_cannot_be_kept_are_said_and_damage_answers_nothing_twice(tmp_path):
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(ResourceError, match="LOG016"):
        Claims(tmp_path).take(IDS, by="ann")


def test_looking_makes_no_file(tmp_path):
    assert Claims(tmp_path).held() == {}
    assert list(tmp_path.iterdir()) == []
