"""Which word of a target is true is told by what the words mean, and said; classes that are one word are said."""

import numpy as np
import pytest
import yaml
from proposals import column, frame, proposed

from evergreen.base.errors import DataError


@pytest.mark.parametrize(
    ("false", "true"),
    [
        ("none", "relapse"),
        ("control", "case"),
        ("nein", "ja"),
        ("non", "oui"),
        ("нет", "да"),
        ("normal", "abnormal"),
        ("Healthy.", "Diabetes."),
        ("notckd", "ckd"),
        ("no-recurrence-events", "recurrence-events"),
        ("non-smoker", "smoker"),
        ("ohne Befund", "Befund"),
        ("paid", "default"),
        ("-1", "1"),
        ("0", "5"),
        ("0", "-1"),  # as Access writes them
        ("negativ", "positiv"),
        ("lebend", "tot"),
        ("Fully Paid", "Charged Off"),
        (" <=50K.", " >50K."),
    ],
)
@pytest.mark.parametrize("rarer", ["false", "true"])
def test_word_that_says_something_happened_is_true_however_often_it_comes(false: str, true: str, rarer: str):
    few, many = (false, true) if rarer == "false" else (true, false)
    proposal = proposed(frame().assign(target=[few] * 200 + [many] * 400), target="target")
    target = column(proposal, "target")
    assert (target.type, target.spelling) == ("boolean", (false.strip(), true.strip()))
    assert any("is taken as true" in note for note in proposal.notes["target"])


def test_rarer_of_two_unknown_words_is_true_and_one_line_turns_it_round():
    proposal = proposed(frame().assign(target=["left, hand"] * 200 + ["right"] * 400), target="target")
    (note,) = proposal.notes["target"]
    assert "'left, hand' is taken as true, the rarer of the two" in note
    assert yaml.safe_load(note.partition("round: ")[2]) == {"spelling": ["left, hand", "right"]}
    even = proposed(frame().assign(target=["b side", "a side"] * 300), target="target")
    assert "'a side' is taken as true, the first by the alphabet" in even.notes["target"][0]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (["Yes", " yes", "YES", "No", "no "], ["' yes' = 'YES' = 'Yes'", "these 5 would be 2"]),
        (["on hold", "On  Hold", "open", "closed"], ["'On  Hold' = 'on hold'", "these 4 would be 3"]),
        (["Straße", "STRASSE", "Weg"], ["would be 2"]),
        (["caf\u00e9", "cafe\u0301", "bar"], ["would be 2"]),
        (["\uff21", "A", "b"], ["would be 2"]),
    ],
)
def test_classes_that_differ_by_case_or_spaces_are_said(classes: list[str], said: list[str]):
    rows = frame().assign(target=np.resize(classes, 600))
    proposal = proposed(rows, target="target")
    assert column(proposal, "target").categories == tuple(sorted(classes))
    note = "\n".join(proposal.notes["target"])
    assert "differ by case or spaces only" in note
    assert [part for part in said if part not in note] == []


def test_classes_that_differ_are_not_said_to_be_alike():
    assert "target" not in proposed(frame().assign(target=["a", "b", "ab"] * 200), target="target").notes


def test_two_words_with_spaces_around_some_are_two_words():
    proposal = proposed(frame().assign(target=["yes", "no", " no", "yes "] * 150), target="target")
    assert (proposal.contract.task, column(proposal, "target").spelling) == ("binary", ("no", "yes"))


@pytest.mark.parametrize("words", [("Yes", "yes"), ("True", "1"), ("no", "no "), ("0", "false")])
def test_one_word_in_two_spellings_is_nothing_to_learn(words: tuple[str, str]):
    with pytest.raises(DataError, match="DQ009"):
        proposed(frame().assign(target=list(words) * 300), target="target", task="binary")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (["yes"] * 30 + ["no"] * 570, "5.0% of the rows are true: from which probability on"),
        (["yes"] * 570 + ["no"] * 30, "5.0% of the rows are false: from which probability on"),
        (["a"] * 540 + ["b"] * 30 + ["c"] * 30, "90.0% of the rows are of one class"),
    ],
)
def test_imbalance_is_said_with_the_rule_of_the_answer(target: list[str], said: str):
    notes = "\n".join(proposed(frame().assign(target=target), target="target").notes["target"])
    assert said in notes
    assert "balanced" in notes


@pytest.mark.parametrize("target", [["yes"] * 200 + ["no"] * 400, ["a", "b", "c"] * 200])
def test_classes_of_a_like_size_are_not_said_to_be_rare(target: list[str]):
    notes = "\n".join(proposed(frame().assign(target=target), target="target").notes.get("target", ()))
    assert "of the rows are" not in notes
