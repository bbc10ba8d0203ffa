"""All incidents together: of every source, by when they began, the same ones from the same facts."""

from happened import HARMED, WELL, answered, at, looked, proposed, retrained

from evergreen.decisions.alerts.decision import incidents
from evergreen.decisions.alerts.silence import Rhythm

MONTHS = Rhythm(window="month", timezone="UTC")
FACTS = [
    looked("01", "02-01", HARMED, retrain=True, summary="retrain: harm"),
    retrained("01", "02-04"),
    proposed(2, "02-05"),
    retrained("02", "03-02"),
    retrained("03", "03-03"),
    looked("03", "04-01", WELL),
]


def kinds(facts, **more):
    return [(one.kind, one.is_open) for one in incidents(facts, model="visits", **{"now": at("04-02"), **more})]


def test_incidents_of_every_source_stand_by_when_they_began():
    assert kinds(FACTS) == [
        ("harm", False),
        ("retraining-failed", False),
        ("approval-waiting", False),
        ("retraining-refused", True),
    ]


def test_silence_is_told_only_to_whoever_says_how_often_somebody_should_look():
    assert kinds(FACTS, now=at("09-01")) == kinds(FACTS)
    found = incidents(FACTS, model="visits", now=at("09-01"), rhythm=MONTHS)
    assert [one.kind for one in found if one.is_open] == ["retraining-refused", "silence"]
    since = [one.since for one in found]
    assert since == sorted(since)


def test_incident_keeps_its_name_and_its_beginning_while_more_happens():
    names: dict[str, object] = {}
    facts = [*FACTS, answered(2, "04-02"), looked("04", "05-01", HARMED)]
    for n in range(len(facts) + 1):
        when = facts[n - 1].at if n else at("01-01")
        for one in incidents(facts[:n], model="visits", now=when, rhythm=MONTHS):
            assert names.setdefault(one.key, one.since) == one.since
    assert names.keys() == {one.key for one in incidents(facts, model="visits", now=at("05-02"), rhythm=MONTHS)}


def test_nothing_that_happened_is_nothing_to_tell():
    assert incidents([], model="visits", now=at("02-01"), rhythm=MONTHS) == ()
