"""What people call things: each name finds its one entry, and an unknown or ambiguous one says what there is."""

import pytest
from remembered import MODEL, digest

from evergreen.base.errors import ConfigError
from evergreen.record.registry.names import entries_called, windows_of


def called(story, asked):
    return [(entry.kind, entry.key) for entry in entries_called(story.entries(MODEL), asked, model=MODEL)]


@pytest.mark.parametrize("asked", ["2", "v2", "V2", "version 2", " version  2 ", digest("candidate 2")[:8]])
def test_version_is_called_by_its_number_or_its_candidate(story, asked):
    assert called(story, asked) == [("promotion", "2")]


@pytest.mark.parametrize(
    ("asked", "kind", "key"),
    [
        ("champion", "rollback", "3"),
        ("1", "rollback", "3"),  # the latest that was decided about it
        ("rollback", "rollback", "3"),
        ("refusal", "judgement", digest("candidate refused")),
        ("verdict", "judgement", digest("candidate refused")),
        (digest("model refused")[:6], "judgement", digest("candidate refused")),
        (digest("model 1").upper(), "rollback", "3"),
        ("#1", "gate", digest("candidate 1")),
        ("2013-04", "window", "v1:2013-04-01:2013-05-01"),
        ("v1:2013-04-01:2013-05-01", "window", "v1:2013-04-01:2013-05-01"),
        ("retraining", "retraining", "v1:2013-04-01:2013-05-01"),
    ],
)
def test_everything_else_is_called_by_what_people_know_of_it(story, asked, kind, key):
    assert called(story, asked) == [(kind, key)]


def test_looks_at_a_window_are_called_by_its_month_its_name_and_their_own(story):
    about = {"version": 2, "start": "2013-06-01", "end": "2013-07-01"}
    first, second = (f"v2:2013-06-01:2013-07-01:{at}" for at in ("20130701T000000Z:a", "20130801T000000Z:b"))
    for key in (first, second):
        story.record(MODEL, "look", key, about)
    both = [("look", first), ("look", second)]
    assert called(story, "2013-06") == called(story, "v2:2013-06-01:2013-07-01") == both
    assert called(story, second) == [("look", second)]
    assert windows_of(story.entries(MODEL))["v2:2013-06-01:2013-07-01"].key == second


def test_of_the_looks_at_a_window_the_one_as_of_the_latest_time_decides(story):
    window = {"version": 2, "start": "2013-06-01", "end": "2013-07-01"}
    recorded = {"late": "2013-08-01T00:00:00Z", "again": "2013-08-01T00:00:00Z", "early": "2013-07-02T06:30:00Z"}
    for key, as_of in recorded.items():
        story.record(MODEL, "look", key, {**window, "as_of": as_of})
    story.record(MODEL, "look", "another", {**window, "version": 1, "as_of": "2013-07-03T00:00:00Z"})
    found = {name: entry.key for name, entry in windows_of(story.entries(MODEL)).items()}
    assert found == {
        "v1:2013-04-01:2013-05-01": "v1:2013-04-01:2013-05-01",  # of before looks were kept apart
        "v2:2013-06-01:2013-07-01": "again",
        "v1:2013-06-01:2013-07-01": "another",
    }


@pytest.mark.parametrize("asked", ["9", "v9", "#99", "2013-05", "2013-13", "abc", "0" * 12, "", "lineage"])
def test_what_nothing_is_called_is_refused(story, asked):
    with pytest.raises(ConfigError) as caught:
        called(story, asked)
    assert (caught.value.code, "evergreen history" in caught.value.next_step) == ("STA006", True)


@pytest.mark.parametrize(("asked", "meant"), [("champoin", "champion"), ("2013-04 ", None), ("2013-03", "2013-04")])
def test_misspelt_name_is_answered_with_the_one_that_may_be_meant(story, asked, meant):
    if meant is None:
        assert called(story, asked)
        return
    with pytest.raises(ConfigError) as caught:
        called(story, asked)
    assert f"Did you mean '{meant}'?" in caught.value.next_step


def test_beginning_of_two_candidates_is_refused_and_both_are_named(story):
    for end in "12":
        story.record(MODEL, "gate", f"abcdef{end}", {"rule": "first", "promoted": False})
    with pytest.raises(ConfigError) as caught:
        called(story, "abcdef")
    assert caught.value.code == "STA006"
    assert "abcdef1" in caught.value.what
    assert "abcdef2" in caught.value.what
    assert called(story, "abcdef1") == [("gate", "abcdef1")]


def test_version_that_only_waits_is_called_by_its_number_too(story):
    story.record(MODEL, "number", "3", {"candidate": "c"})
    story.record(MODEL, "proposal", "3", {"version": 3})
    assert called(story, "3") == [("proposal", "3")]
    story.record(MODEL, "rejection", "3", {"version": 3, "by": "ann", "reason": "no"})
    assert called(story, "3") == [("rejection", "3")]
