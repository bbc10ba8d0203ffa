"""The course of one kind of incident, finding after finding, against a plain count of who is concerned."""

from datetime import timedelta

import pytest
from happened import at, looked
from hypothesis import given
from hypothesis import strategies as st

from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.looked import found_by_looks

FOUND = st.sets(st.sampled_from("abcd"))


@pytest.fixture
def course():
    return Course("visits", "data-fault")


def broken(*names):
    return {name: f"{name} is constant" for name in names}


def told(course):
    return [(one.subject, one.since, one.until, one.ended) for one in course.incidents()]


def test_those_found_together_are_one_incident_and_a_further_one_another(course):
    for when, found in (("02-01", "ab"), ("03-01", "abc"), ("04-01", "bc"), ("05-01", "c")):
        course.see(at(when), broken(*found), over="mended")
    assert told(course) == [("a, b", at("02-01"), at("05-01"), "mended"), ("c", at("03-01"), None, None)]


def test_evidence_is_that_of_those_who_are_concerned_still(course):
    course.see(at("02-01"), broken("a", "b"), over="")
    course.see(at("03-01"), {"b": "b is missing"}, over="")
    (one,) = course.incidents()
    assert (one.subject, one.evidence) == ("a, b", "b is missing")


def test_what_ends_never_does_so_before_it_began(course):
    course.see(at("03-01"), broken("a"), over="")
    course.see(at("02-01"), {}, over="mended")
    assert told(course) == [("a", at("03-01"), at("03-01"), "mended")]


def test_incidents_as_of_the_same_second_have_keys_of_their_own(course):
    for found in ("a", "", "a", "", "a"):
        course.see(at("02-01"), broken(*found), over="")
    assert len({one.key for one in course.incidents()}) == 3


def test_many_columns_and_long_evidence_are_cut_and_their_incident_keeps_its_key():
    many = {f"column {n:03}\n": "x" * 10_000 for n in range(300)}
    (one,) = found_by_looks([looked("01", "02-01", {"data-fault": many})], model="visits")
    assert one.subject.startswith(r"column 000\n, column 001\n")
    assert one.subject.endswith(" and 295 more")
    assert len(one.evidence) == 1_000
    again = [looked("01", "02-01", {"data-fault": many}), looked("02", "03-01", {"data-fault": many})]
    (same,) = found_by_looks(again, model="visits")
    assert same.key == one.key
    assert len(one.key) < 100


@given(st.lists(FOUND, min_size=1, max_size=12))
def test_whoever_is_found_now_is_in_an_open_incident_and_nobody_else_opens_one(findings):
    course = Course("visits", "data-fault")
    for n, found in enumerate(findings):
        course.see(at("02-01") + timedelta(days=n), broken(*found), over="mended")
        names = [name for one in course.incidents() if one.is_open for name in one.subject.split(", ")]
        assert len(names) == len(set(names))
        assert set(names) >= found
        assert all(found & {*one.subject.split(", ")} for one in course.incidents() if one.is_open)
    assert len({one.key for one in course.incidents()}) == len(course.incidents())
    assert all(one.until is None or one.until >= one.since for one in course.incidents())
