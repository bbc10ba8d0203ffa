"""Incidents that looks find: one however often it is found, over when it is not found any more."""

from itertools import pairwise

from happened import HARMED, WELL, at, changed, looked

from evergreen.decisions.alerts.looked import found_by_looks


def told(*facts):
    return [(one.kind, one.subject, one.since, one.until, one.ended) for one in found_by_looks(facts, model="visits")]


def test_hundreds_of_looks_at_one_harm_are_one_incident_with_the_last_evidence():
    looks = [
        looked(f"{month:02}", f"{month + 1:02}-02T{hour:02}:00", {"harm": {"v1": f"loss {month}.{hour}"}})
        for month in range(1, 11)
        for hour in range(24)
    ]
    (one,) = found_by_looks(looks, model="visits")
    assert (one.since, one.until, one.evidence) == (at("02-02"), None, "loss 10.23")


def test_what_ends_and_comes_back_is_another_incident_with_its_own_time():
    assert told(looked("01", "02-01", HARMED), looked("02", "03-01", WELL), looked("03", "04-01", HARMED)) == [
        ("harm", "v1", at("02-01"), at("03-01"), "the look at 2026-02 does not find it any more"),
        ("harm", "v1", at("04-01"), None, None),
    ]


def test_a_later_look_at_the_same_window_withdraws_what_was_found():
    (one,) = told(looked("01", "02-01", HARMED), looked("01", "02-09", WELL))
    assert one == ("harm", "v1", at("02-01"), at("02-09"), "withdrawn: a later look at 2026-01 does not find it")


def test_an_old_window_or_an_earlier_time_does_not_speak_for_now():
    found = looked("03", "04-05", HARMED)
    assert told(found, looked("02", "04-09", WELL), looked("03", "04-02", WELL)) == told(found)


def test_a_look_that_cannot_tell_neither_opens_nor_ends():
    assert told(looked("01", "02-01", HARMED), looked("02", "03-01", {})) == told(looked("01", "02-01", HARMED))
    assert told(looked("01", "02-01", {})) == []


def test_harm_of_a_version_ends_when_another_one_answers_and_stays_so():
    facts = [looked("01", "02-01", HARMED), changed(2, "02-03"), looked("01", "02-04", HARMED)]
    assert told(*facts) == [("harm", "v1", at("02-01"), at("02-03"), "version 2 answers since")]


def test_what_a_version_answers_by_itself_is_told_of_that_version_too():
    broken = {**WELL, "automation": {"v1": "0.2 are wrong"}}
    facts = [looked("01", "02-01", broken), changed(2, "02-03"), looked("01", "02-04", broken)]
    assert told(*facts) == [("automation", "v1", at("02-01"), at("02-03"), "version 2 answers since")]


def test_what_was_told_of_the_past_stays_as_it_was_when_more_happens():
    facts = [looked(f"{month:02}", f"{month + 1:02}-01", HARMED if month % 3 else WELL) for month in range(1, 12)]
    keys = [{one.key for one in found_by_looks(facts[:n], model="visits")} for n in range(len(facts) + 1)]
    assert all(before <= after for before, after in pairwise(keys))
