"""DQ011: a text that its pattern does not match as a whole, as Python's re reads it."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from validated import both, contract_of, stream

from evergreen.data.validation.patterns import _fast, breaking

CODE = {"type": "text", "role": "ignore", "pattern": r"[A-Z]{2}\d+"}
FAST = [r"[A-Z]{2}\d+", r"^a|b$", r"(?:ab|a)b*", r"\w+-\d{1,3}", r"[^a]b?", r"a{2,}", r"x\.y", r".", r"[\d.]+", ""]
SLOW = [r"\s", r"a\b", r"(?i)a", r"(?=a)a", r"a$b", r"a{,2}", r"(a)\1", r"a*+", r"a{1001}"]


def test_value_that_does_not_match_as_a_whole_fires():
    run = both({"x": ["AB1", "AB12 ", "xAB1", "", "AB1\n", None]}, contract_of(CODE))

    found = run.result("DQ011")
    assert (found.n_bad, found.rows, found.outcome) == (4, 5, "failed")
    assert found.rule == r"all of the pattern [A-Z]{2}\d+"


def test_silent_on_what_matches_and_warning_keeps_the_row():
    assert stream({"x": ["AB1", None]}, contract_of(CODE)).result("DQ011").outcome == "passed"
    assert stream({"x": ["ab"]}, contract_of({**CODE, "severity": {"DQ011": "warn"}})).kept.num_rows == 1


def test_not_applicable_without_a_value():
    assert stream({"x": [None]}, contract_of(CODE)).result("DQ011").outcome == "not applicable"


def test_digits_and_letters_are_those_of_every_script_in_both_layers():
    run = both({"x": ["AB٣", "ÄB1", "AB3"]}, contract_of(CODE))

    assert [sample.value for sample in run.result("DQ011").samples] == ["ÄB1"]


def test_only_what_both_engines_read_alike_goes_to_arrows():
    assert [pattern for pattern in FAST if _fast(pattern) is None] == []
    assert [pattern for pattern in [*SLOW, r"[[:alpha:]]"] if _fast(pattern) is not None] == []


@pytest.mark.parametrize("pattern", FAST + SLOW)
@given(texts=st.lists(st.none() | st.text("aAbBxy01٣é .-\n\x0b\0$", max_size=5), max_size=20))
def test_same_as_python_on_any_text(pattern, texts):
    found = breaking(pattern)(pa.array(texts, pa.string())).to_pylist()

    assert found == [None if text is None else re.fullmatch(pattern, text) is None for text in texts]
