"""What MLflow should show: aliases follow promotions, rollbacks and proposals, and versions their first entry."""

import pytest
from registries import MODEL, change, facts

from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import people
from evergreen.record.registry.projection import KINDS, aliases, versions, wanted


@pytest.fixture
def ledger(tmp_path):
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def said(ledger):
    found = aliases(ledger.entries(MODEL, *KINDS))
    return found["champion"], found["challenger"], found["previous"]


def propose(ledger, version, epoch):
    ledger.record(MODEL, "proposal", str(version), {"version": version, "epoch": epoch, "champion": None})


def test_nothing_is_pointed_at_before_the_first_promotion(ledger):
    assert said(ledger) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "champion", "previous"),
    [
        ([1], 1, None),
        ([1, 2], 2, 1),
        ([1, 2, 3], 3, 2),
        ([1, 2, 3, -2], 2, 1),  # and not 3, from which it was rolled back
        ([1, 2, 3, -2, -1], 1, None),
        ([1, 2, 3, -1], 1, None),
        ([1, 2, 3, -2, 4], 4, 2),
        ([1, 2, 1, 3, -1], 1, 2),  # the last time that it was champion
        ([1, 2, -1, 2], 2, 1),
        ([2, -1], 1, 2),  # a version that was never champion is as a promotion
    ],
)
def test_previous_is_what_a_rollback_goes_back_to(ledger, changes, champion, previous):
    for version in changes:
        change(ledger, abs(version), "promotion" if version > 0 else "rollback")
    assert said(ledger) == (champion, None, previous)


def test_previous_is_none_that_was_rejected(ledger):
    for version in (1, 2, 3):
        change(ledger, version)
    ledger.record(MODEL, "rejection", "2", {"version": 2, "by": "Ada", "reason": "no"})
    assert said(ledger) == (3, None, 1) == (3, None, people.before(ledger, MODEL))


def test_challenger_is_the_newest_that_waits_and_was_judged_against_the_champion_of_now(ledger):
    change(ledger, 1)
    propose(ledger, 2, 1)
    propose(ledger, 3, 1)
    assert said(ledger) == (1, 3, None)
    ledger.record(MODEL, "rejection", "3", {"version": 3, "by": "policy", "reason": "expired", "door": "cli"})
    assert said(ledger) == (1, 2, None)
    ledger.record(MODEL, "approval", "2", {"version": 2, "by": "ann", "reason": "good", "door": "cli"})
    assert said(ledger) == (1, None, None)
    propose(ledger, 4, 1)
    change(ledger, 2)
    assert said(ledger) == (2, None, 1)  # 4 was judged against 1


def test_first_version_of_all_waits_for_a_person_too(ledger):
    propose(ledger, 1, 0)
    assert said(ledger) == (None, 1, None)


def test_version_is_known_from_its_first_entry_and_keeps_its_tags(ledger):
    entry = ledger.record(MODEL, "version", "1", facts(1).model_dump(mode="json"))
    change(ledger, 1)
    change(ledger, 2)
    change(ledger, 1, "rollback")
    found = versions(ledger.entries(MODEL, *KINDS))
    assert sorted(found) == [1, 2]
    assert (found[1].since, found[1].candidate, found[1].run_id, found[1].artifact) == (1, "c1", "run-c1", "model-1")
    assert found[1].tags == {
        "model_digest": "m1",
        "data_digest": "d",
        "code_digest": "c",
        "params_digest": "p",
        "candidate": "c1",
        "validation_status": "passed",
        "ledger_entry": entry.hash,
    }


def test_only_versions_that_an_alias_points_at_are_looked_at_unless_all_are_asked_for(ledger):
    for version in (1, 2, 3):
        change(ledger, version)
    entries = ledger.entries(MODEL, *KINDS)
    some, every = (wanted(entries, everything=each) for each in (False, True))
    assert some.descriptions == {2: "gain of 2", 3: "gain of 3"}
    assert sorted(every.descriptions) == sorted(some.versions) == [1, 2, 3]
    assert (some.head, some.aliases) == (3, {"champion": 3, "challenger": None, "previous": 2})


def test_everything_that_an_alias_said_since_an_entry_is_known(ledger):
    for version in (1, 2, 3):
        change(ledger, version)
    found = wanted(ledger.entries(MODEL, *KINDS))
    assert found.said("champion", since=3) == {3}
    assert found.said("champion", since=1) == {1, 2, 3}
    assert found.said("champion", since=0) == {None, 1, 2, 3}
    assert wanted([]).said("champion", since=0) == {None}
