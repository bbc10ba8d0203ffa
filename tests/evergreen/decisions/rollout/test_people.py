import numpy as np
import pytest
from steps import clusters

from evergreen.decisions.rollout.people import beside, read


def texts(*values):
    return np.array(values, dtype=object)


def test_decisions_are_read_as_classes_and_others_are_not_guessed() -> None:
    assert read(texts("positive", " NO ", "1", "maybe", None), "binary").tolist() == [True, False, True, None, None]
    assert read(texts("Paid", "late", "?"), "multiclass", ("paid", "late")).tolist() == ["paid", "late", None]


def test_people_and_both_versions_are_held_against_what_came_true() -> None:
    decided = texts(True, True, False, None, False, True)
    new = texts(True, False, False, True, False, False)
    old = texts(False, False, False, True, True, True)
    truth = texts(True, False, None, True, False, True)
    row = clusters("row", range(6))
    found = beside(decided, 6, (new, old), truth, unit=row, block=row, alpha=0.05)
    assert (found.n, found.unread, found.n_labelled) == (6, 1, 4)
    assert (found.agree, found.agree_before) == (pytest.approx(3 / 5), pytest.approx(2 / 5))
    assert (found.wrong, found.wrong_new, found.wrong_before) == (0.25, 0.25, 0.5)
    assert (found.difference.mean, found.difference.low) == (0, None)  # blocks are too few


def test_without_a_decision_there_is_nothing_to_say() -> None:
    row = clusters("row", range(2))
    nothing = texts(None, None)
    assert beside(nothing, 0, (nothing, nothing), nothing, unit=row, block=row, alpha=0.05) is None
