"""Pieces of the page: what data says is text in them, and every state has a shape beside its word."""

import re
from html.parser import HTMLParser

import pytest

from evergreen.record.standing.markup import facts, glyph, meter, table, unknown, word
from evergreen.record.standing.style import GLYPHS
from evergreen.record.standing.values import WORSE

EVIL = '"><script>alert(1)</script>'


def read(markup):
    """Return the tags of markup and what a person reads in it."""
    tags, said = [], []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: tags.append(tag)
    reader.handle_data = said.append
    reader.feed(markup)
    return tags, said


@pytest.mark.parametrize("state", WORSE)
def test_state_is_its_word_beside_a_shape_that_the_page_holds(state):
    assert glyph(state) in word(state)
    assert read(word(state))[1] == [state]
    assert f'id="{re.findall("#(.+?)" + chr(34), glyph(state))[0]}"' in GLYPHS


def test_facts_are_names_beside_values_as_text():
    tags, said = read(facts({"by": EVIL, EVIL: "b"}, more="<div><dt>why</dt><dd>so</dd></div>"))
    assert said == ["by", EVIL, EVIL, "b", "why", "so"]
    assert set(tags) == {"dl", "div", "dt", "dd"}


def test_what_is_not_known_says_so_and_what_would_tell():
    tags, said = read(unknown(EVIL, f"ask {EVIL}"))
    assert said == [f"UNKNOWN: {EVIL}.", f" ask {EVIL}"]
    assert "script" not in tags


@pytest.mark.parametrize(
    ("share", "wide"), [(0.0, "0.0"), (0.375, "37.5"), (1.0, "100.0"), (1.7, "100.0"), (-1, "0.0")]
)
def test_meter_is_as_wide_as_its_share_and_never_wider_than_full(share, wide):
    assert re.findall(r"width:([^%]*)%", meter(share)) == [wide]


def test_each_cell_of_a_table_has_the_class_and_the_name_of_its_column():
    shown = table({"column": "k", "moved": "n"}, [["<b>age</b>", "+0.1"], ["city", ""]])
    assert re.findall(r'<th class="(\w+)">(\w+)</th>', shown) == [("k", "column"), ("n", "moved")]
    assert re.findall(r'<td class="(\w+)" data-l="(\w+)">(.*?)</td>', shown) == [
        ("k", "column", "<b>age</b>"),
        ("n", "moved", "+0.1"),
        ("k", "column", "city"),
        ("n", "moved", ""),
    ]


def test_row_that_is_too_short_is_not_drawn_below_other_names():
    with pytest.raises(ValueError, match="shorter"):
        table({"column": "k", "moved": "n"}, [["age"]])
