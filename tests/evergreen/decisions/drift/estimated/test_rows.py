"""Rows that an estimate is made of: which are taken, what came true of them, and when there are too few."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evergreen.decisions.drift.estimated.rows import MOST_ROWS, Rows, came_true, labelled, why_not
from evergreen.learning.evaluation.clusters import Clusters


def rows(n: int = 100, **columns: Any) -> Rows:
    """Return rows of ten days, of which every other came true."""
    made = Rows(
        said=np.arange(n) / n,
        clusters=Clusters("day", np.arange(n) * 10 // n, in_time=True),
        labels=np.arange(n) % 2 == 0,
        answers=np.full(n, "a"),
        features=pd.DataFrame({"x": np.arange(n)}, index=np.arange(n) + 1_000),
    )
    return replace(made, **columns)


@pytest.mark.parametrize("some", [np.array([3, 97, 50]), np.isin(np.arange(100), [3, 50, 97])])
def test_some_rows_are_taken_with_all_that_is_theirs(some: np.ndarray[Any, Any]) -> None:
    positions = np.arange(100)[some]
    taken = rows().of(some)
    assert taken.features is not None
    assert taken.labels is not None
    assert taken.said.tolist() == (positions / 100).tolist()
    assert taken.labels.tolist() == (positions % 2 == 0).tolist()
    assert taken.features["x"].tolist() == positions.tolist()
    assert taken.clusters.n == 3
    assert np.argsort(taken.clusters.codes).tolist() == np.argsort(positions).tolist()
    bare = Rows(np.arange(100.0), Clusters("row", np.arange(100))).of(some)
    assert bare.labels is bare.answers is bare.features is None


def test_of_many_rows_some_are_drawn_in_order_and_twice_the_same() -> None:
    few, many = rows(MOST_ROWS), rows(MOST_ROWS + 5_000)
    assert few.drawn(1) is few
    drawn = many.drawn(1)
    assert len(drawn.said) == MOST_ROWS
    assert (np.diff(drawn.said) > 0).all()
    assert np.array_equal(drawn.said, many.drawn(1).said)
    assert not np.array_equal(drawn.said, many.drawn(2).said)
    assert np.bincount(drawn.clusters.codes) == pytest.approx(np.full(10, MOST_ROWS / 10), rel=0.05)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_label_that_is_missing_in_whatever_way_is_not_known(missing: Any) -> None:
    labels = np.array([True, missing, False, True] * 25, dtype=object)
    known = labelled(rows(labels=labels))
    assert known.labels is not None
    assert known.labels.tolist() == [True, False, True] * 25
    assert known.said.tolist() == [at / 100 for at in range(100) if at % 4 != 1]
    assert len(labelled(rows(labels=None)).said) == 0


@pytest.mark.parametrize(
    ("task", "labels", "expected"),
    [
        ("binary", np.array([True, False]), [1, 0]),
        ("binary", np.array([1, 0]), [1, 0]),
        ("binary", np.array(["1", "0"], dtype=object), [1, 0]),
        ("binary", np.array([True, 0.0, 2, "yes"], dtype=object), [1, 0, np.nan, np.nan]),
        ("regression", np.array([-2.5, 1e9]), [-2.5, 1e9]),
        ("regression", np.array([np.inf, "many", "7"], dtype=object), [np.nan, np.nan, 7]),
        ("multiclass", np.array(["a", "b"]), [1, 0]),
    ],
)
def test_what_came_true_is_a_number_or_none_of_the_task(
    task: Any, labels: np.ndarray[Any, Any], expected: list[float]
) -> None:
    n = len(labels)
    made = Rows(np.full(n, 0.5), Clusters("row", np.arange(n)), labels=labels, answers=np.full(n, "a"))
    assert came_true(task, made) == pytest.approx(np.array(expected, dtype=float), nan_ok=True)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_enough_of_both_is_no_reason_against(task: Any) -> None:
    labels = np.where(np.arange(100) % 2 == 0, "a", "b") if task == "multiclass" else np.arange(100) % 2 == 0
    assert why_not(task, rows(labels=labels), rows(labels=None)) is None


@pytest.mark.parametrize(
    ("task", "reference", "window", "why"),
    [
        ("multiclass", {}, {"answers": None}, ("unknown", "100 of 100 rows of the window")),
        ("multiclass", {"said": np.full(100, 1.5)}, {}, ("unknown", "100 of 100 rows of the reference")),
        (
            "multiclass",
            {"labels": np.where(np.arange(100) < 91, "a", "b")},
            {},
            ("not enough data", "9 of 100 in the reference are wrong"),
        ),
        (
            "multiclass",
            {"labels": np.where(np.arange(100) < 9, "a", "b")},
            {},
            ("not enough data", "9 of 100 in the reference are right"),
        ),
        ("regression", {}, {"said": np.full(100, np.inf)}, ("unknown", "100 of 100 rows of the window")),
        ("regression", {"labels": np.full(100, "x")}, {}, ("unknown", "not those of a regression target")),
        (
            "regression",
            {"clusters": Clusters("patient", np.arange(100) % 3)},
            {},
            ("not enough data", "the labelled reference has 100 rows of 3 patients; at least 50 of 4 are needed"),
        ),
    ],
)
def test_why_nothing_can_be_estimated_is_told(
    task: Any, reference: dict[str, Any], window: dict[str, Any], why: tuple[str, str]
) -> None:
    found = why_not(task, rows(**reference), rows(**window))
    assert found is not None
    assert found[0] == why[0]
    assert why[1] in found[1]


def test_the_least_that_is_needed_is_enough() -> None:
    reference = rows(50, clusters=Clusters("day", np.arange(50) % 4), labels=np.arange(50) < 10)
    assert why_not("binary", reference, rows(50)) is None
    assert why_not("binary", reference.of(np.arange(49)), rows(50)) is not None
    assert why_not("binary", replace(reference, labels=np.arange(50) < 9), rows(50)) is not None


def test_a_regression_whose_labels_are_all_alike_is_still_one() -> None:
    assert why_not("regression", rows(labels=np.full(100, 3.0)), rows()) is None
