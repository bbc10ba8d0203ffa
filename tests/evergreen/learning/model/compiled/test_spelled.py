"""Single values as a contract spells them; that columns of them are read alike is held by the tests of the doors."""

import pytest
from msgspec import UNSET

from evergreen.learning.model.compiled.plan import NumberForm, PlanColumn
from evergreen.learning.model.compiled.reading import Reader, Unusual
from evergreen.learning.model.compiled.spelled import is_spelled, marked, usual

EURO = NumberForm(decimal=",", thousands=".", before="", after="€", parentheses=False)


def read(column, value, *, texts=False):
    into = []
    Reader([column], zone="UTC", texts=texts).read([value], into)
    return into[0]


@pytest.mark.parametrize(
    ("column", "value", "typed"),
    [
        (PlanColumn("x", "number", nullable=True, spelling=EURO), "1.234,5 €", 1234.5),
        (PlanColumn("x", "number", nullable=True, spelling=EURO), 1.234, 1.234),
        (PlanColumn("x", "number", nullable=True, missing=("-200",)), -200, None),
        (PlanColumn("x", "integer", nullable=True, missing=("999",)), 999.0, None),
        (PlanColumn("x", "category", nullable=True, missing=("-",)), " - ", None),
        (PlanColumn("x", "category", nullable=True), "  ", None),
        (PlanColumn("x", "timestamp", nullable=True, spelling="epoch seconds"), 1, 1_000_000),
        (PlanColumn("x", "timestamp", nullable=True, spelling="%Y%m%d"), 19700102, 86_400_000_000),
        (PlanColumn("x", "timestamp", nullable=True, spelling="%d.%m.%Y"), "1970-01-01T00:00:01Z", 1_000_000),
    ],
)
def test_value_is_read_as_it_is_spelled(column, value, typed):
    assert read(column, value) == typed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (PlanColumn("x", "number", nullable=True, spelling=EURO), "1234.5"),
        (PlanColumn("x", "number", nullable=False, missing=("-200",), refuses=("DQ003",)), -200.0),
        (PlanColumn("x", "timestamp", nullable=True, spelling="%d.%m.%Y"), "1970-01-01"),
        (PlanColumn("x", "timestamp", nullable=True, spelling="%d.%m.%Y"), "30.02.2024"),
        (PlanColumn("x", "timestamp", nullable=True), 19700102),
    ],
)
def test_value_that_is_spelled_otherwise_is_left_to_others(column, value):
    with pytest.raises(Unusual):
        read(column, value)


def test_plain_column_costs_nothing_and_words_of_the_table_are_no_categories():
    plain = PlanColumn("x", "number", nullable=True)
    size = PlanColumn("x", "category", nullable=True, categories=("S", "NA"))
    assert usual(plain, texts=False) is None
    assert not is_spelled(plain)
    assert marked(size, ("NA", "null"), known=("null",)).missing is UNSET
    assert marked(size, ("NA", "?")).missing == ("?",)
