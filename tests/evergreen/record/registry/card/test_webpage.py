"""The page: one file without a network, in which a parser finds the same elements whatever the data says."""

import re

import carded
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from rendered import Page

from evergreen.record.registry.card import webpage
from evergreen.record.registry.card.annex_iv import annex_iv
from evergreen.record.registry.card.document import Document, Facts, Heading, Interval, Paragraph, Rows, Token, plain
from evergreen.record.registry.card.model_card import model_card
from evergreen.record.registry.card.values import Logged


@pytest.mark.parametrize("which", ["binary", "multiclass"])
@pytest.mark.parametrize("text", carded.HOSTILE)
@pytest.mark.parametrize("page", [model_card, annex_iv], ids=["card", "annex"])
def test_page_has_the_same_elements_and_attributes_whatever_its_data_says(page, text, which, versions):
    harmless = Page(webpage.render(page(carded.hostile(versions[which], "harmless").card)))
    written = webpage.render(page(carded.hostile(versions[which], text).card))
    hostile = Page(written)
    assert hostile.elements == harmless.elements
    assert hostile.others == harmless.others == []
    assert plain(text) in "\n".join(hostile.texts)
    assert "\u202e" not in written


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_any_text_is_seen_as_it_is_and_makes_no_element(text):
    blocks = (Heading(2, text), Paragraph(text), Facts(((text, text),)), Rows((text,), ((Token(text),),)))
    page = Page(webpage.render(Document(text, text, text, blocks)))
    assert [tag for tag, _ in page.elements] == [
        "html", "head", "meta", "meta", "title", "style", "body", "main", "header", "p", "h1",
        *(["span"] if text else []), "h2", "p", "div", "table", "tbody", "tr", "th", "td",
        "div", "table", "thead", "tr", "th", "tbody", "tr", "td", "code",
    ]  # fmt: skip
    assert {value for _, attributes in page.elements for name, value in attributes if name == "class"} <= {
        "scroll", "badge none", "badge PASS", "badge FAIL", "badge INCONCLUSIVE",
    }  # fmt: skip


def test_page_asks_nobody_for_anything(honest):
    written = webpage.render(model_card(honest.card))
    page = Page(written)
    names = {name for _, attributes in page.elements for name, _ in attributes}
    assert not names & {"src", "href", "srcset", "style", "data", "action"}
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "img", "base", "form"}
    assert not re.search(r"https?:|url\(|@import", written)
    assert "prefers-color-scheme:dark" in written
    assert "@media print" in written


def test_interval_is_drawn_with_its_value_inside_and_others_where_they_lie():
    low, high, value, prior = (
        Logged(name=name, value=at) for name, at in zip("abcd", (0.6, 0.8, 0.7, 0.5), strict=True)
    )
    cell = Interval(low, high, value, (("prior", prior),))
    page = Page(webpage.render(Document("", "", "", (Rows(("interval",), ((cell,),)),))))
    shapes = [dict(attributes) for tag, attributes in page.elements if tag in ("line", "circle")]
    span = next(shape for shape in shapes if shape.get("class") == "span")
    tick = next(shape for shape in shapes if shape.get("class") == "other")
    dot = next(shape for shape in shapes if shape.get("class") == "at")
    assert float(tick["x1"]) < float(span["x1"]) < float(dot["cx"]) < float(span["x2"])
    assert float(dot["cx"]) - float(span["x1"]) == pytest.approx(float(span["x2"]) - float(dot["cx"]), abs=0.2)
    assert "Dot: the value; bar: its interval; ticks: prior." in page.texts


def test_interval_of_no_width_is_drawn_too():
    same = Logged(name="a", value=0.0)
    page = Page(webpage.render(Document("", "", "", (Rows(("interval",), ((Interval(same, same, same),),)),))))
    assert [tag for tag, _ in page.elements].count("circle") == 1


def test_every_number_says_its_whole_value_and_the_name_of_its_metric(honest):
    version = honest
    page = Page(webpage.render(model_card(version.card)))
    said = [dict(attributes) for tag, attributes in page.elements if tag == "data"]
    assert len(said) > 100
    assert all(float(one["value"]) == version.metrics[one["title"]] for one in said)
