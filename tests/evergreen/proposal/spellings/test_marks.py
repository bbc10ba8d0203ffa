"""What means missing: words among numbers, and numbers far outside the others."""

import numpy as np
import pytest

from evergreen.proposal.spellings import marks


@pytest.mark.parametrize("sentinel", [-200.0, -999.0, 9999.0, -1.0, 99.0, 1e20])
def test_a_number_that_repeats_far_outside_the_others_is_found(sentinel: float):
    others = np.linspace(0.1, 0.9, 50)
    assert marks.sentinels(np.append(others, sentinel), np.append(np.full(50, 7), 20)) == [sentinel]


def test_two_sentinels_on_both_sides_are_found():
    values = np.concatenate([np.linspace(10, 20, 50), [-999.0, 9999.0]])
    assert sorted(marks.sentinels(values, np.full(52, 5))) == [-999.0, 9999.0]


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([0, 1, 2, 3, 4, 5, 6], [900, 5, 5, 5, 5, 5, 5]),  # many zeros
        ([1, 2, 3, 4, 5, 6, 99], [5, 5, 5, 5, 5, 5, 1]),  # once: an outlier
        ([1, 2, 4, 8, 16, 32, 64], [9] * 7),  # a tail
        ([0, 9999], [500, 100]),  # two codes
        ([1, 2, 3, 4, 5, 6, 9], [9] * 7),
        (list(range(0, 10_000, 99)), [9] * 102),  # 9999 among its like
    ],
)
def test_numbers_among_their_like_are_no_sentinels(values: list[float], counts: list[int]):
    assert marks.sentinels(np.array(values, float), np.array(counts[: len(values)])) == []


@pytest.mark.parametrize(
    "text",
    ["?", "-", "N/A", "not recorded", "n.d.", "#DIV/0!", "(null)", "—", ":", "Not tested", "ERR", "brak danych",
     "#WERT!", "#VALEUR!", "#¡DIV/0!", "#NOME?", "#NV"],
)  # fmt: skip
def test_marks_are_known_in_any_case(text: str):
    assert marks.is_mark(text)


@pytest.mark.parametrize(
    "text", ["0000-00-00", "0000-00-00 00:00:00", "9999-12-31", "31.12.9999", "99991231", "0001-01-01T00:00:00"]
)
def test_days_of_no_calendar_are_marks(text: str):
    assert marks.is_mark(text)


@pytest.mark.parametrize("text", ["many", "0", "x", "a", "north", "#1", "#hot!!", "2024-12-31", "1999-12-31", "9999"])
def test_words_are_no_marks(text: str):
    assert not marks.is_mark(text)
