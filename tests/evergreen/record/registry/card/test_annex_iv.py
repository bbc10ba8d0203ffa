"""Annex IV: all nine headings, the same evidence, what a person must add, and no claim of conformity."""

import re

import card_numbers

from evergreen.record.registry.card import markdown
from evergreen.record.registry.card.annex_iv import annex_iv
from evergreen.record.registry.card.document import Heading, ToDo
from evergreen.record.registry.card.model_card import model_card


def parts(document):
    """Return the blocks of each numbered part."""
    found, at = {}, None
    for block in document.blocks:
        if isinstance(block, Heading) and block.level == 2:
            at = int(block.text.partition(".")[0])
        found.setdefault(at, []).append(block)
    return found


def test_headings_are_those_of_the_annex_and_each_says_what_a_person_must_add(honest):
    found = parts(annex_iv(honest.card))
    assert list(found) == [None, *range(1, 10)]
    for number in range(1, 10):
        assert any(isinstance(block, ToDo) for block in found[number]), number


def test_every_lettered_point_of_the_first_two_parts_has_its_heading(honest):
    found = parts(annex_iv(honest.card))
    for number in (1, 2):
        headings = " ".join(block.text for block in found[number] if isinstance(block, Heading) and block.level == 3)
        spans = re.findall(r"\((\w)\)(?: to \((\w)\))?", headings)
        letters = {chr(c) for low, high in spans for c in range(ord(low), ord(high or low) + 1)}
        assert letters == set("abcdefgh")


def test_evidence_is_that_of_the_card(honest):
    card = card_numbers.numbers(markdown.render(model_card(honest.card)))
    assert card_numbers.numbers(markdown.render(annex_iv(honest.card))) == card


def test_page_claims_no_conformity(honest):
    written = markdown.render(annex_iv(honest.card)).replace("\\", "")
    assert "it claims no conformity" in written
    assert not re.search(r"(?i)\b(compliant|conforms|complies|certified|high-risk)\b", written)


def test_what_nobody_has_stated_is_asked_for(honest):
    silent = honest._replace(proof=honest.proof.model_copy(update={"card": None}))
    asked, more = (
        [block.text for block in annex_iv(version.card).blocks if isinstance(block, ToDo)]
        for version in (honest, silent)
    )
    assert len(more) == len(asked) + 3
