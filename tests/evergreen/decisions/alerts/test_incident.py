"""An incident: its name in the ledger, how urgent it is, and the page that says what to do."""

from datetime import timedelta
from typing import get_args

import pytest
from happened import at, incident

from evergreen.decisions.alerts.incident import KINDS, LONGEST, Incident, Kind, runbook


def test_every_kind_has_a_runbook_which_says_the_same_four_things(project):
    for kind, about in KINDS.items():
        page = (project / incident(kind).runbook).read_text()
        assert about.title in page.splitlines()[0].lower(), kind
        for heading in ("## What it means", "## How to look", "## What to do", "## When it ends by itself"):
            assert heading in page, (kind, heading)


def test_every_runbook_is_of_a_kind_that_is_told(project):
    pages = {f"docs/runbooks/{page.name}" for page in (project / "docs" / "runbooks").glob("*.md")}
    assert {runbook(kind) for kind in get_args(Kind)} <= pages
    assert set(KINDS) == {*get_args(Kind)}


@pytest.mark.parametrize(("kind", "severity"), [("harm", "page"), ("data-fault", "page"), ("labels-late", "note")])
def test_harm_and_faults_are_pages_and_late_labels_a_note(kind, severity):
    assert incident(kind).severity == severity


def test_name_is_the_kind_whom_it_is_about_and_since_when():
    assert incident(subject="v1").key == "harm:v1:20260201T000000Z"


def test_name_lasts_while_the_evidence_changes_and_after_the_end():
    one = incident(subject="v1")
    over = one.model_copy(update={"evidence": "other", "until": at("03-01"), "ended": "it is over"})
    assert over.key == one.key
    assert (one.is_open, over.is_open) == (True, False)


def test_names_differ_by_kind_subject_and_second_however_long_or_odd_the_subject_is():
    subjects = ["", "a", "b", "x" * LONGEST, "x" * (LONGEST + 1), "x" * (LONGEST + 2), "a\nb", "a\rb", "\u202ea"]
    times = [at("02-01"), at("02-01") + timedelta(seconds=1), at("02-02")]
    found = [
        incident(kind, subject, since=since) for kind in ("skew", "harm") for subject in subjects for since in times
    ]
    keys = {one.key for one in found}
    assert len(keys) == len(found)
    assert all(key.isprintable() and len(key) < 120 for key in keys)


def test_incident_is_the_same_after_the_ledger_kept_it():
    one = incident(subject="age, city", until=at("03-01"))
    assert Incident.model_validate_json(one.model_dump_json()) == one
