"""Why: each answer leads back to what the ledger holds of its causes, and to nothing else."""

import pytest
import remembered
from remembered import MODEL, digest, judgement

from evergreen.record.registry.causes import explain
from evergreen.record.registry.names import entries_called


def why(ledger, asked):
    entries = ledger.entries(MODEL)
    return explain(entries, entries_called(entries, asked, model=MODEL))


def walked(cause):
    """Return every cause below one, itself first, as (kind, seq, what)."""
    return [(cause.kind, cause.seq, cause.what), *(line for inner in cause.because for line in walked(inner))]


def kinds(cause):
    return [kind for kind, _, _ in walked(cause)]


def test_promotion_leads_by_its_gate_and_its_retraining_to_the_window_and_its_evidence(story):
    (cause,) = why(story, "2")
    assert cause.what == "version 2 became champion, promoted by gate"
    assert kinds(cause) == [
        "promotion", "gate", "check", "retraining", "window", "evidence", "evidence", "evidence", "promotion",
    ]  # fmt: skip
    said = [what for _, _, what in walked(cause)]
    assert "the gate answered PASS by the rule first" in said
    assert "GT001 floor: passed: roc_auc 0.80 is above 0.60" in said
    assert "a retraining was decided after window v1:2013-04-01:2013-05-01: retrain: drift" in said
    assert "version 1 was watched from 2013-04-01 to 2013-05-01: retrain: drift" in said
    assert "minutes: p 1e-9, psi 0.4" in said
    assert not any("pages" in line for line in said)
    assert said[-1] == "it took the place of version 1, champion since then"


def test_entries_are_named_by_their_number_and_time(story):
    entries = {entry.seq: entry for entry in story.entries(MODEL)}

    def check(cause):
        if cause.seq is not None:
            assert (entries[cause.seq].kind, entries[cause.seq].at) == (cause.kind, cause.at)
        for inner in cause.because:
            check(inner)

    for asked in ("1", "2", "refusal", "2013-04", "retraining", "#1"):
        for cause in why(story, asked):
            check(cause)


def test_first_version_was_asked_for_by_somebody(story):
    (cause,) = why(story, "#2")
    assert ("training", None, "the training was asked for: requested") in walked(cause)


def test_refusal_says_the_failed_check_and_what_would_have_changed_it(story):
    (cause,) = why(story, "refusal")
    assert cause.what.startswith(f"candidate {digest('candidate refused')[:12]} was refused: roc_auc -0.0300")
    (check,) = cause.because
    assert check.what.startswith("GT004 champion: failed: roc_auc -0.0300")
    assert [inner.what for inner in check.because] == [
        "it would have been otherwise with: a gain above -0.005 that is shown"
    ]


def test_rollback_says_who_and_why_and_how_the_version_had_come_into_service(story):
    (cause,) = why(story, "champion")
    assert cause.what == (
        "version 1 became champion again, in place of version 2, rolled back by ann: worse on Mondays"
    )
    assert kinds(cause)[:3] == ["rollback", "promotion", "gate"]


def test_window_leads_to_its_evidence_and_a_gate_to_its_judgement(story):
    (window,) = why(story, "2013-04")
    assert [inner.what for inner in window.because] == [
        "performance: 0.79, it is tolerated",
        "drift: 1 of 2 columns",
        "minutes: p 1e-9, psi 0.4",
    ]
    gate = next(entry for entry in story.entries(MODEL, "gate") if entry.key == digest("candidate refused"))
    (cause,) = why(story, f"#{gate.seq}")
    assert [inner.kind for inner in cause.because] == ["judgement"]


def test_look_leads_to_when_it_was_what_was_named_and_what_moved(story):
    look = {
        "version": 2, "start": "2013-06-01", "end": "2013-07-01", "as_of": "2013-07-03T06:30:00Z",
        "decision": {"summary": "retrain: harm", "reasons": ["harm: broken: since 2013-06-20"],
                     "would_change": ["harm: a promise that was kept"]},
        "causes": [{"name": "concept drift", "evidence": "a fresh model does better"}],
        "shift": {"columns": [{"name": "minutes", "verdict": "shifted", "evidence": "it moved"},
                              {"name": "pages", "verdict": "steady", "evidence": "it did not"}]},
    }  # fmt: skip
    story.record(MODEL, "look", "v2:2013-06-01:2013-07-01:20130703T063000Z:abc", look)
    (found,) = why(story, "2013-06")
    assert found.what == ("version 2 was watched from 2013-06-01 to 2013-07-01, as of 2013-07-03 06:30: retrain: harm")
    assert [inner.what for inner in found.because] == [
        "harm: broken: since 2013-06-20",
        "it would have been otherwise with: harm: a promise that was kept",
        "concept drift: a fresh model does better",
        "minutes: it moved",
    ]


@pytest.mark.parametrize(("named", "as_of"), [("first", "07-03 06:30"), ("gone", "08-01 00:00"), (None, "08-01 00:00")])
def test_retraining_leads_to_the_look_that_it_names_although_a_later_one_decides(story, named, as_of):
    window = {"version": 2, "start": "2013-06-01", "end": "2013-07-01", "decision": {"summary": "retrain: harm"}}
    looks = {"first": "2013-07-03T06:30:00Z", "second": "2013-08-01T00:00:00Z"}
    for key, at in looks.items():
        story.record(MODEL, "look", key, {**window, "as_of": at})
    about = {"reason": "retrain: harm", "look": named} if named else {"reason": "retrain: harm"}
    story.record(MODEL, "retraining", "v2:2013-06-01:2013-07-01", about)
    (cause,) = why(story, "retraining")
    (look,) = cause.because
    assert f"as of 2013-{as_of}: " in look.what


def test_training_whose_retraining_was_not_recorded_leads_to_its_window_by_its_reason(story):
    reason = "retraining after v1:2013-04-01:2013-05-01: roc_auc 0.80 is above 0.60"
    judged = judgement(3, reason=reason, model_digest=digest("model 3")).model_dump(mode="json")
    remembered.make_champion(story, 3, judged=judged)
    (cause,) = why(story, "3")
    assert "window" in kinds(cause)
    assert "retraining" not in kinds(cause)


def test_version_that_people_decided_on_leads_to_them(story):
    facts = remembered.facts(4).model_dump(mode="json")
    story.record(MODEL, "gate", digest("candidate 4"), {"rule": "refresh", "promoted": True})
    story.record(MODEL, "version", "4", facts)
    story.record(MODEL, "proposal", "4", {"version": 4, "by": ["ann"]})
    (cause,) = why(story, "4")
    assert kinds(cause) == ["proposal", "gate", "check", "training"]
    story.record(MODEL, "approval", "4", {"version": 4, "by": "ann", "reason": "reviewed", "door": "cli"})
    remembered.make_champion(story, 4, by="ann", reason="reviewed")
    (cause,) = why(story, "4")
    assert cause.what == "version 4 became champion, promoted by ann: reviewed"
    assert cause.because[0].what == "approved by ann: reviewed"
    (approval,) = why(story, f"#{cause.because[0].seq}")
    assert approval.what == "version 4 was approved by ann: reviewed"
    assert [inner.kind for inner in approval.because] == ["proposal"]


def test_lineage_that_was_begun_is_a_cause_of_its_version(story):
    story.record(MODEL, "lineage", digest("candidate 5"), {"reason": "delays count from 30 minutes on"})
    remembered.make_champion(story, 5)
    (cause,) = why(story, "5")
    assert any(what == "a new lineage was begun: delays count from 30 minutes on" for _, _, what in walked(cause))


def test_entry_of_any_other_kind_says_what_it_holds(story):
    story.record(MODEL, "foreign", "f", {"what": "alias champion", "was": 1, "is": 9})
    (cause,) = why(story, f"#{story.entries(MODEL)[-1].seq}")
    assert (cause.what, cause.because) == ("foreign: alias champion: it was 1, and by hand 9", ())
