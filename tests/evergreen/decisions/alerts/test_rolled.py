"""A version that a check took out is told until something follows; a rollout that waits until it moves."""

from happened import at, changed

from evergreen.decisions.alerts.facts import Rolled
from evergreen.decisions.alerts.rolled import returned, waiting


def rolled(did: str, when: str, *, rollout: str = "rollout-1", version: int = 2, person: bool = False) -> Rolled:
    return Rolled(at=at(when), rollout=rollout, version=version, did=did, person=person, reason="it loses more")


def test_version_that_was_returned_is_told_until_the_next_rollout_begins() -> None:
    facts = [rolled("began", "04-01"), rolled("returned", "04-03")]
    (one,) = returned(facts, model="visits")
    assert (one.kind, one.severity, one.subject, one.is_open) == ("rollout-returned", "page", "v2", True)
    assert one.evidence == "rollout-1: it loses more"
    (one,) = returned([*facts, rolled("began", "04-05", rollout="rollout-2", version=3)], model="visits")
    assert (one.until, one.ended) == (at("04-05"), "rollout-2 of version 3 began")


def test_another_champion_ends_it_too() -> None:
    (one,) = returned([rolled("began", "04-01"), rolled("returned", "04-03"), changed(5, "04-04")], model="visits")
    assert one.ended == "version 5 became champion"


def test_nobody_is_told_of_a_person_who_aborts_or_of_an_end() -> None:
    assert returned([rolled("began", "04-01"), rolled("aborted", "04-02")], model="visits") == []
    assert returned([rolled("began", "04-01"), rolled("finished", "04-02")], model="visits") == []


def test_rollout_waits_for_a_person_until_a_look_finds_otherwise_or_it_moves() -> None:
    asks = [rolled("began", "04-01"), rolled("looked", "04-02", person=True)]
    (one,) = waiting(asks, model="visits")
    assert (one.kind, one.severity, one.is_open) == ("rollout-waiting", "note", True)
    (one,) = waiting([*asks, rolled("looked", "04-03")], model="visits")
    assert one.ended == "a look found otherwise"
    (one,) = waiting([*asks, rolled("advanced", "04-03")], model="visits")
    assert one.ended == "it advanced"
    assert waiting([rolled("began", "04-01"), rolled("looked", "04-02")], model="visits") == []
