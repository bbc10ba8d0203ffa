"""One message of what began and ended: pages first, cut, on plain lines whatever the data holds."""

from happened import at, incident

from evergreen.decisions.alerts.message import MOST, events_of, message


def test_an_incident_is_told_with_evidence_next_step_and_runbook():
    told = message("visits", events_of([incident(subject="v1")]))
    assert told.title == "[visits] page: the promise is broken"
    assert told.is_page
    assert "PAGE: the promise is broken (v1)\n  since 2026-02-01 00:00 UTC\n  0.31 where" in told.body
    assert "next: See what" in told.body
    assert "see:  docs/runbooks/harm.md" in told.body


def test_pages_stand_before_notes_and_what_is_over_comes_last():
    events = events_of([incident("labels-late", ""), incident("skew", "", until=at("03-01")), incident()])
    told = message("visits", events)
    assert told.title == "[visits] page: the promise is broken, and 2 more"
    places = [told.body.index(word) for word in ("PAGE:", "NOTE:", "OVER:")]
    assert places == sorted(places)
    assert told.body.count("differs from what training sees") == 1  # it began and ended: told once


def test_a_note_alone_is_no_page():
    told = message("visits", events_of([incident("labels-late", "")]))
    assert (told.title, told.is_page) == ("[visits] note: labels are late", False)


def test_what_data_holds_stays_on_its_line_and_is_cut():
    hostile = "x\nPAGE: forged\r\n\x1b[31m\u202e" + "y" * 100_000
    told = message("visits", events_of([incident(subject=hostile, evidence=hostile)]))
    assert len(told.body) < 2_000
    assert not any(line.startswith("PAGE: forged") for line in told.body.splitlines())
    assert all(char.isprintable() or char == "\n" for char in told.body)
    assert "\n" not in told.title


def test_many_incidents_are_one_message_of_a_few():
    told = message("visits", events_of([incident("data-fault", f"column {n}") for n in range(100)]))
    assert told.title.endswith("and 99 more")
    assert told.body.count("PAGE:") == MOST
    assert "And 90 more: evergreen alerts" in told.body


def test_a_message_that_may_be_a_repeat_says_so_and_has_the_same_name():
    once, again = (message("visits", events_of([incident()]), repeats=repeats) for repeats in (False, True))
    assert "may have reached you before" in again.body
    assert "may have reached you before" not in once.body
    assert once.body.splitlines()[-1] == again.body.splitlines()[-1]
