"""Markdown: a real parser finds the same blocks and no more, whatever the data says, and a reader sees what it says."""

import carded
import hypothesis.strategies as st
import pytest
from card_numbers import parsed, said
from hypothesis import given, settings
from rendered import BARE_LINK, INLINE, markdown_blocks, markdown_inlines, markdown_said

from evergreen.record.registry.card import markdown
from evergreen.record.registry.card.annex_iv import annex_iv
from evergreen.record.registry.card.document import Command, Document, Facts, Heading, Items, Paragraph, Rows, Token
from evergreen.record.registry.card.document import plain as shown
from evergreen.record.registry.card.model_card import model_card, summary


def harmless_page(page, which, versions, made={}):  # noqa: B006  made once for all texts
    if (page, which) not in made:
        made[page, which] = markdown.render(page(carded.hostile(versions[which], "harmless").card))
    return made[page, which]


@pytest.mark.parametrize("which", ["binary", "multiclass"])
@pytest.mark.parametrize("text", carded.HOSTILE)
@pytest.mark.parametrize("page", [model_card, annex_iv], ids=["card", "annex"])
def test_page_has_the_same_blocks_whatever_its_data_says(page, text, which, versions):
    harmless = harmless_page(page, which, versions)
    written = markdown.render(page(carded.hostile(versions[which], text).card))
    assert markdown_blocks(written) == markdown_blocks(harmless)
    assert markdown_inlines(written) <= INLINE
    assert shown(text) in markdown_said(written)
    assert all(line.isprintable() for line in written.split("\n"))
    assert not BARE_LINK.search(written.replace("](", ""))


@pytest.mark.parametrize("text", carded.HOSTILE)
def test_summary_is_six_lines_at_most_and_nothing_in_it_acts(text, honest):
    written = summary(carded.hostile(honest, text).card)
    assert 3 <= len(written.splitlines()) <= 6
    assert markdown_inlines(written) <= INLINE
    assert {kind for kind, _, _ in markdown_blocks(written)} <= {
        "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "paragraph_open",
        "paragraph_close", "inline",
    }  # fmt: skip


@settings(max_examples=300)
@given(st.text(max_size=40) | st.text(alphabet="\\`*_{}[]()<>#+-.!|~&$@:/= \n1a", max_size=12))
def test_any_text_is_seen_as_it_is_and_acts_nowhere(text):
    cells = (text, Token(text))
    document = Document(text, text, "", (
        Heading(2, text), Paragraph(text), Items((text, text)), Facts(((text, text),)), Rows((text, text), (cells,)),
        Command(text), Paragraph("the end"),
    ))  # fmt: skip
    written = markdown.render(document)
    kinds = [kind for kind, _, _ in markdown_blocks(written) if kind.endswith("_open") or kind == "fence"]
    a_cell = ["tr_open", *["th_open"] * 2]
    assert kinds == [
        "heading_open", "heading_open", "paragraph_open", "bullet_list_open", "list_item_open", "paragraph_open",
        "list_item_open", "paragraph_open",
        "table_open", "thead_open", *a_cell, "tbody_open", "tr_open", "td_open", "td_open",
        "table_open", "thead_open", *a_cell, "tbody_open", "tr_open", "td_open", "td_open",
        "fence", "paragraph_open",
    ]  # fmt: skip
    assert markdown_inlines(written) <= INLINE
    inlines = [said(token) for token in parsed(written) if token.type == "inline"]
    assert inlines[2] == (shown(text) or "(empty)")
    assert inlines[3] == inlines[4] == (shown(text) or "(empty)")


def test_text_without_anything_that_acts_is_left_as_it_is():
    assert (
        markdown.text("0.7031 of 12 rows, e-mail later; 100 % (all)") == "0.7031 of 12 rows, e-mail later; 100 % (all)"
    )
