"""What was told of a column is what its contract will say."""

from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.proposal.spellings.told import Told


def test_told_makes_a_column_that_is_read_so():
    told = Told("number", NumberSpelling(decimal=","), missing=("-",))
    assert told.column("price", "integer") == Column(
        name="price", type="integer", role="ignore", nullable=True, spelling=NumberSpelling(decimal=","), missing=("-",)
    )


def test_only_what_is_another_value_than_it_seems_is_read_again():
    assert Told("number", missing=("-",)).is_read_again
    assert Told("timestamp", is_date=True).is_read_again
    assert not Told("number", notes=("far outside",)).is_read_again
    assert not Told(notes=("looks like a time",), is_date=True).is_read_again
