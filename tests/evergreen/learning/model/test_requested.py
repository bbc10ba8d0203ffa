"""What a row is asked with."""

import compiling

from evergreen.config.params.features import FeatureParams
from evergreen.learning.model.requested import requested


def test_request_columns_come_first_then_the_past_each_with_the_rules_that_refuse_a_row():
    asked = requested(compiling.contract(), FeatureParams.model_validate(compiling.EVERYTHING))

    assert [column.name for column in asked if column.given] == ["last_fare"]
    assert asked[-1].given
    assert [column.name for column in asked][:2] == ["start", "booked"]
    fare = next(column for column in asked if column.name == "fare")
    assert (fare.type, fare.nullable, fare.max) == ("number", True, 1e300)
    assert fare.refuses == ("DQ003", "DQ004", "DQ005", "DQ011")
