"""The worst of states, which is what a tile and a page are headed by."""

from itertools import permutations

import pytest
import stood

from evergreen.record.standing.assemble import standing
from evergreen.record.standing.values import Part, Standing, tile, worst

STATES = ("OK", "NOTE", "UNKNOWN", "BAD")


def part(state, says=""):
    return Part(name="p", state=state, says=says or state.lower(), resolve="do something")


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_worst_is_the_last_of_ok_note_unknown_bad_in_whatever_order(n):
    assert {worst(order) for order in permutations(STATES[:n])} == {STATES[n - 1]}


def test_nothing_that_was_looked_at_is_not_well():
    assert worst([]) == "UNKNOWN"


def test_tile_is_headed_by_the_worst_of_its_parts_and_of_equals_by_the_first():
    parts = part("OK"), part("BAD", "age is broken"), part("NOTE"), part("BAD", "city is broken")
    found = tile("Data", *parts)
    assert (found.state, found.headline, found.parts) == ("BAD", "age is broken", parts)


def test_page_is_as_its_worst_tile_and_the_same_after_a_program_read_it(tmp_path):
    ledger = stood.ledger_in(tmp_path)
    stood.promote(ledger, 1, stood.at("03-01"))
    stood.looked(ledger, stood.look(*stood.week(0), harm=stood.BROKEN))
    found = standing(ledger, stood.MODEL, at=stood.at("03-09T03:00"))
    assert [one.state for one in found.tiles].count("BAD") == 1
    assert found.state == "BAD"
    assert Standing.model_validate_json(found.model_dump_json()) == found
