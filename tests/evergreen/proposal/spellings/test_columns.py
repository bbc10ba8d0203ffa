"""What one column is told to be: times, numbers, marks and notes together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.config.contract.columns import MISSING
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.spellings.columns import tell
from evergreen.proposal.spellings.told import Told

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = pd.date_range("2021-03-01", periods=300, freq="D")


def told(values: Sequence[Any], name: str = "column") -> Told | None:
    array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    seen = ColumnProfile(name)
    seen.add(array)
    return tell(seen, array, missing=MISSING, decimal=None, now=NOW)


@pytest.mark.parametrize(
    ("others", "spelling"),
    [
        ([f"{n / 7:.2f}".replace(".", ",") for n in range(90)], NumberSpelling(decimal=",")),
        ([day.strftime("%d/%m/%Y") for day in DAYS], "%d/%m/%Y"),
        ([f"{n / 7:.2f}" for n in range(90)], None),
    ],
)
@pytest.mark.parametrize("mark", ["-", "n.d.", "Unknown", "?"])
def test_marks_in_a_column_are_missing_in_it_alone(others: list[str], spelling: Any, mark: str):
    found = told([*others, *[mark] * 30])
    assert found is not None
    assert (found.spelling, found.missing) == (spelling, (mark,))
    assert any("read as missing" in note for note in found.notes)


def test_blanks_and_the_usual_marks_need_no_word():
    assert told(["1.5", " ", "NA", None, "2.5"] * 9) is None


@pytest.mark.parametrize(
    "values", [["a", "b", "-"] * 30, ["+", "-"] * 30, ["north", "Unknown"] * 30, ["yes", "none"] * 9]
)
def test_marks_among_words_are_words(values: list[str]):
    assert told(values) is None


def test_a_question_mark_among_words_is_noted():
    found = told(["a", "b", " ?"] * 30)
    assert found is not None
    assert (found.type, found.missing) == (None, ())
    assert "missing: ['?']" in found.notes[0]


@pytest.mark.parametrize(
    ("values", "spelled"),
    [
        (["1,5", "2,25", "3,75", "2,5", "1,75", "2", "-200"] * 9, "'-200'"),
        ([str(n % 40) for n in range(200)] + ["-999"] * 9, "'-999'"),
        (pa.array([n % 40 + 0.5 for n in range(200)] + [9999.0] * 9), "'9999.0'"),
        (pa.array([n % 40 for n in range(200)] + [-1000] * 9), "'-1000'"),
    ],
)
def test_numbers_far_outside_are_noted_with_the_line_that_sets_them(values: Any, spelled: str):
    found = told(values)
    assert found is not None
    assert f"missing: [{spelled}]" in found.notes[-1]
    assert "9 rows" in found.notes[-1]
    assert found.missing == ()


def test_words_among_numbers_of_a_spelling_are_noted():
    found = told([f"{n / 7:.2f}".replace(".", ",") for n in range(90)] + ["many"] * 30)
    assert found is not None
    assert found.type is None
    assert "75% of its values" in found.notes[0]
    assert "missing: ['many']" in found.notes[0]


def test_few_bounds_among_numbers_are_noted():
    found = told([f"{n / 7:.2f}" for n in range(300)] + ["<5"] * 3)
    assert found is not None
    assert "bounds" in found.notes[0]


def test_a_time_of_day_alone_is_noted():
    found = told([f"{n % 24:02}:{n % 60:02}" for n in range(100)])
    assert found is not None
    assert found.type is None
    assert "times of day" in found.notes[0]


@pytest.mark.parametrize(
    "values",
    [
        [f"{n / 7:.2f}" for n in range(90)],
        [day.isoformat() for day in DAYS],
        [f"C{n}" for n in range(90)],
        [f"{n:06}" for n in range(90)],
        ["no", "yes"] * 20,
        [f"user{n}@example.org" for n in range(90)],
        [f"+44 20 7946 {n:04}" for n in range(90)],
        [str(2**64 + n) for n in range(90)],
    ],
)
def test_usual_columns_are_left_alone(values: list[str]):
    assert told(values) is None


def test_what_is_told_of_drawn_values_does_not_depend_on_their_order():
    texts = [f"{n / 7:.2f}".replace(".", ",") for n in range(3_000)]
    shuffled = np.random.default_rng(0).permutation(texts).tolist()
    first, second = told(texts), told(shuffled)
    assert first is not None
    assert second is not None
    assert first.spelling == second.spelling == NumberSpelling(decimal=",")


@pytest.mark.parametrize("never", ["9999-12-31", "0000-00-00", "0001-01-01"])
def test_days_of_no_calendar_are_missing_among_times(never: str):
    found = told([*(str(day.date()) for day in DAYS), *[never] * 200])
    assert found is not None
    assert (found.type, found.spelling, found.missing) == ("timestamp", None, (never,))


def test_a_word_among_plain_numbers_is_noted_with_what_to_set_and_many_are_not():
    found = told([f"{n / 7:.2f}" for n in range(90)] + ["hemolyzed"] * 9)
    assert found is not None
    assert found.type is None
    assert "set type: number and missing: ['hemolyzed']" in found.notes[0]
    assert told([f"{n}" for n in range(90)] + [f"house {chr(97 + n)}" for n in range(20)]) is None


def test_pairs_of_numbers_are_noted():
    found = told([f"{120 + n}/{80 + n}" for n in range(30)])
    assert found is not None
    assert "two numbers in one value" in found.notes[0]
