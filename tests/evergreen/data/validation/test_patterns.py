"""Patterns: whole values as Python's `re` reads them, whoever matches."""

import re

import pyarrow as pa
import pytest

from evergreen.data.validation.patterns import _fast, breaking

TEXTS = ["", "a", "ab", "b", "a\n", "A", "1", "٣", "a-b", "a b", "é", "aé", "[", "a$", "aa", "0000", "x" * 50, "a\x00"]
PATTERNS = [
    "a", "a|b", "ab?", "^a$", "[a-z]+", r"\d", r"\d{4}", r"\w+", r"\w\s\w", ".", "a.", r"a\$", "(a|ab)", "(?i)a",
    r"(?=a).*", "", r"[^a]", r"\D*", "(a)\\1", r"a\b", "é", "[é]+",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_that_break_a_pattern_are_those_that_python_does_not_match(pattern):
    expected = [re.fullmatch(pattern, text) is None for text in TEXTS]
    assert breaking(pattern)(pa.array(TEXTS)).to_pylist() == expected
    for text, broken in zip(TEXTS, expected, strict=True):
        assert breaking(pattern)(pa.array([text])).to_pylist() == [broken]


@pytest.mark.parametrize("pattern", ["a", r"a\b"])
def test_missing_value_says_nothing(pattern):
    assert breaking(pattern)(pa.array(["b", None, "a"])).to_pylist() == [True, None, False]
    assert breaking(pattern)(pa.array([], pa.string())).to_pylist() == []


def test_patterns_that_two_engines_may_read_differently_are_pythons():
    assert [_fast(pattern) is not None for pattern in ("[a-z]+", r"\d{4}", "a|b")] == [True] * 3
    assert [_fast(pattern) for pattern in (r"\s", r"a\b", "(?=a)", "(?i)a")] == [None] * 4
