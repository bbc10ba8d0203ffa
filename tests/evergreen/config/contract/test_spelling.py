"""How a number is spelled, as a contract says it."""

import pytest
from pydantic import ValidationError

from evergreen.config.contract.spelling import NumberSpelling


@pytest.mark.parametrize(
    ("about", "number", "spelled"),
    [({"decimal": ",", "after": " €".strip()}, "12.5", "12,5€"), ({"before": "$"}, "-3", "$-3"), ({}, "1e3", "1e3")],
)
def test_number_is_written_in_the_spelling(about, number, spelled):
    assert NumberSpelling(**about).of(number) == spelled


@pytest.mark.parametrize("about", [{"before": "5"}, {"after": "0%"}, {"after": ",-"}, {"before": "-"}, {"before": "("}])
def test_what_stands_beside_a_number_is_no_part_of_it(about):
    with pytest.raises(ValidationError, match="taken for a part of it"):
        NumberSpelling(**about)


def test_unit_may_hold_digits_and_points_within():
    assert NumberSpelling(before="Rs.", after="m2").of("1") == "Rs.1m2"
