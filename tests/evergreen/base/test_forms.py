"""Expressions of spelled numbers and times: read alike with and without names, and what they are in the usual form."""

import re

import pytest

from evergreen.base import forms


@pytest.mark.parametrize(
    "spelling", ["%d.%m.%Y", "%B %d, %Y", "rfc 2822", "epoch seconds", "%m/%d/%y %I:%M %p", "100%% %Y"]
)
def test_expression_without_names_takes_the_same_texts(spelling):
    named = re.compile(forms.time(spelling))
    unnamed = re.compile(forms.unnamed(forms.time(spelling)))
    texts = ["1.2.2024", "May 3, 2024", "1 May 2024 10:00 GMT", "1700000000", "1/2/24 3:04 PM", "100% 2024", "2024", ""]

    taken = [text for text in texts if named.fullmatch(text)]

    assert len(taken) == 1 + (spelling == "epoch seconds")
    assert taken == [text for text in texts if unnamed.fullmatch(text)]


@pytest.mark.parametrize(
    ("spelling", "fault"),
    [
        ("%Y-%m-%d", ""),
        ("epoch nanoseconds", ""),
        ("epoch days", "it has no year"),
        ("%", "is not read"),
        ("%Y-%m-%d %M", "%M without what is larger"),
        ("%B %m %Y", "two places for what %m says"),
        ("%Y-%m-%d %p", "%I and %p need each other"),
    ],
)
def test_spelling_that_is_none_says_why(spelling, fault):
    said = forms.time_fault(spelling)
    assert fault in said
    assert bool(said) == bool(fault)


@pytest.mark.parametrize("text", ["$5", "a.b", "[x]", "m²", "1/2", "R$ (net)", "\\"])
def test_text_is_the_expression_of_itself_alone(text):
    assert re.fullmatch(forms.escaped(text), text)
    assert not re.fullmatch(forms.escaped(text), text + "x")


@pytest.mark.parametrize(
    ("types", "parts"),
    [
        (("timestamp", "integer", "integer"), ("date", "hour", "minute")),
        (("integer", "text"), ("year", "month")),
        (("timestamp", "text", "integer"), ()),
        (("timestamp", "timestamp"), ()),
        (("boolean", "integer"), ()),
        (("integer",), ()),
    ],
)
def test_types_say_what_parts_are(types, parts):
    assert forms.parts_of(types) == parts


def test_spaces_are_those_that_a_text_is_stripped_of():
    every = [chr(code) for code in range(0x11000)]
    assert [one for one in every if re.fullmatch(f"[{forms.SPACES}]", one)] == [one for one in every if one.isspace()]
