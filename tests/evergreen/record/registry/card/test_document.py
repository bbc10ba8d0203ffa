"""Texts and numbers as every renderer shows them."""

import card_numbers
import hypothesis.strategies as st
import pytest
from hypothesis import given

from evergreen.record.registry.card.document import Items, Paragraph, listed, number, plain
from evergreen.record.registry.card.values import Logged


@given(st.text())
def test_text_is_one_line_of_what_prints(text):
    assert plain(text).isprintable()
    assert plain(plain(text)) == plain(text)


def test_what_turns_a_line_around_is_spelled_out():
    assert plain("a\u202eb \u2066c\x1b[31m\x00") == "a\\u202eb \\u2066c\\x1b[31m\\x00"
    assert plain(" two\r\n lines\u2028and more ") == "two lines and more"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_number_is_the_value_rounded_to_what_is_shown(value):
    assert card_numbers.is_shown_of(number(Logged(name="rmse", value=value)), value)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("rows_kept", 28834.0, "28,834"),
        ("slice.3.rows", 7.0, "7"),
        ("tune_trials", 12.0, "12"),
        ("rmse", 12345.6789, "12,345.6789"),
        ("roc_auc", 1.0, "1.0000"),
        ("mae", -0.00012345, "-0.0001234"),
        ("mae", 0.0, "0.0000"),
        ("mae", 1e-20, "1.000e-20"),
        ("mae", 2.5e17, "2.500e+17"),
    ],
)
def test_numbers_are_shown_so_that_they_say_something(name, value, shown):
    assert number(Logged(name=name, value=value)) == shown


def test_nothing_to_list_is_said():
    assert listed(("a",)) == Items(("a",))
    assert listed(()) == Paragraph("Not stated.")
