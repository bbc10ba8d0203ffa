"""What a model's records hold, by its contract."""

import logged

from evergreen.config.contract.columns import Column
from evergreen.record.predictions.records import LoggedColumn, columns_of


def test_columns_are_what_is_asked_and_what_names_the_row_but_nothing_that_is_known_later_or_dropped():
    lag = Column(name="lag", type="number", role="feature", nullable=True)
    columns = columns_of(logged.CONTRACT, [lag], ["a", "b"])

    assert [column.name for column in columns.features] == ["at", "weight", "stops", "Version", "insured", "lag"]
    assert columns.keys == (
        LoggedColumn("person", "text", "key", "hash"),
        LoggedColumn("day", "integer", "key"),
        LoggedColumn("street", "text", "ignore", "mask"),
    )
    assert (columns.key, columns.target, columns.task) == (("person", "day"), "back", "binary")
    assert columns.classes == ("a", "b")
    assert columns.all == (*columns.features, *columns.keys)
