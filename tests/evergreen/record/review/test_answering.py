"""Answers become labels and decisions of the log, once, and nobody answers over another without being told."""

import threading
from datetime import UTC, datetime, timedelta

import logged
import pytest

from evergreen.base.errors import ConfigError, ResourceError
from evergreen.record.labels.join import join
from evergreen.record.predictions import reading
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback
from evergreen.record.review.answering import Referred, answer, person
from evergreen.record.review.claims import Claims


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


@pytest.fixture
def names(log):
    return logged.append(log, [1, 2, 3], decision="referred", rule="audit:0.05")


def says(name, by="ann", **what):
    return Feedback("", logged.NOON + 10**9, "decision" if "decision" in what else "label", name, by=by, **what)


def give(log, *said, rule="audit:0.05", **how):
    about = {each.prediction_id: Referred(rule=rule) for each in said}
    return answer(log, logged.COLUMNS, said, about, **how)


def kept(log):
    return reading.read(log.folder, "feedback").to_pylist()


def test_answers_become_labels_and_decisions_with_who_when_and_how_likely_they_were_asked(log, names):
    given = give(log, says(names[0], label=True), says(names[1], by="ben", decision="call"))
    assert (given.taken, given.known, given.held) == (tuple(names[:2]), (), ())
    label, decision = sorted(kept(log), key=lambda row: row["kind"], reverse=True)
    assert (label["prediction_id"], label["label"], label["by"]) == (names[0], True, "ann")
    assert label["label_propensity"] == 0.05
    assert (decision["decision"], decision["by"], decision["label_propensity"]) == ("call", "ben", None)
    found = join(log.folder, model="visits", as_of=datetime(2024, 6, 1, tzinfo=UTC), delay=timedelta(days=2)).rows
    assert found.column("target").to_pylist() == [True, None, None]
    assert found.column("label_propensity").to_pylist() == [0.05, None, None]


def test_row_that_was_not_asked_at_random_has_no_propensity(log, names):
    give(log, says(names[0], label=False), rule="unsure")
    assert [row["label_propensity"] for row in kept(log)] == [None]


def test_answer_over_anothers_is_not_taken_unless_it_is_asked_for_and_then_the_later_counts(log, names):
    give(log, says(names[0], label=True))
    told = give(log, says(names[0], by="ben", label=False))
    assert told.taken == ()
    assert (told.held[0].by, told.held[0].answered) == ("ann", True)
    assert "ann answered it on" in str(told.held[0])
    assert [row["label"] for row in kept(log)] == [True]
    later = says(names[0], by="ben", label=False)
    later.received_us += 1
    assert give(log, later, anyway=True).taken == (names[0],)
    assert [row["label"] for row in kept(log)] == [True, False]


def test_same_answer_of_the_same_person_is_kept_once_and_a_correction_is_told(log, names):
    assert give(log, says(names[0], label=True)).taken == (names[0],)
    assert give(log, says(names[0], label=True)).known == (names[0],)
    assert len(kept(log)) == 1
    assert give(log, says(names[0], label=False)).held[0].by == "ann"
    assert give(log, says(names[0], label=False), anyway=True).taken == (names[0],)
    assert give(log, says(names[0], label=True), anyway=True).taken == (names[0],)
    assert [len({row["feedback_id"] for row in kept(log)}), len(kept(log))] == [3, 3]


def test_row_in_the_hands_of_another_is_not_taken(log, names):
    Claims(log.folder).take(names[:1], by="ben")
    told = give(log, says(names[0], label=True))
    assert (told.held[0].by, told.held[0].answered) == ("ben", False)
    assert "ben has it in hand until" in str(told.held[0])
    assert give(log, says(names[0], by="ben", label=True)).taken == (names[0],)


def test_row_that_was_answered_through_another_door_is_told_too(log, names):
    at = datetime(2024, 5, 2, 9, 30, tzinfo=UTC)
    about = {names[0]: Referred(rule="unsure", answered_at=at)}
    told = answer(log, logged.COLUMNS, [says(names[0], label=True)], about)
    assert str(told.held[0]) == "somebody answered it on 2024-05-02 at 09:30 UTC"
    assert kept(log) == []


def test_label_and_decision_of_one_row_are_one_answer(log, names):
    given = give(log, says(names[0], label=True), says(names[0], decision="call"))
    assert given.taken == (names[0],)
    assert sorted(row["kind"] for row in kept(log)) == ["decision", "label"]


def test_of_people_at_once_one_is_taken_and_the_others_are_told(log, names):
    told = []
    people = [
        threading.Thread(target=lambda who=f"p{n}": told.append(give(log, says(names[0], by=who, label=True))))
        for n in range(8)
    ]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert sum(len(given.taken) for given in told) == 1
    assert sum(len(given.held) for given in told) == 7
    assert len(kept(log)) == 1


def test_answer_that_cannot_be_written_is_answered_by_nobody(log, names):
    log.close()
    with pytest.raises(ResourceError, match="LOG001"):
        give(log, says(names[0], label=True))
    assert kept(log) == []
    again = PredictionLog(log.folder)
    try:
        assert give(again, says(names[0], by="ben", label=True)).taken == (names[0],)
    finally:
        again.close()


@pytest.mark.parametrize("name", [None, "  ", "x" * 201, "a\u202eb", "a\nb"])
def test_who_answers_must_be_said(name):
    with pytest.raises(ConfigError, match="LOG018"):
        person(name)
    assert person(" Ann Ö. ") == "Ann Ö."
