"""What a model's records hold, by its contract."""

import logged
import msgspec

from evergreen.config.contract.columns import Column
from evergreen.record.predictions.records import Feedback, LoggedColumn, columns_of


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


def test_feedback_of_a_log_that_knew_no_propensities_is_read():
    values = msgspec.msgpack.decode(msgspec.msgpack.encode(logged.feedback("a", 1, label=True)))
    before = msgspec.msgpack.encode(values[:-1])
    assert msgspec.msgpack.decode(before, type=Feedback).label_propensity is None
