"""What labels are read as."""

import logged
import pytest

from evergreen.record.labels.columns import key_columns, label_column


def test_label_must_be_there_whatever_the_contract_lets_rows_lack():
    target = logged.CONTRACT.with_role("target")[0]
    lax = target.model_copy(update={"nullable": True, "severity": {"DQ003": "warn", "DQ005": "fail"}})
    contract = logged.CONTRACT.model_copy(update={"columns": (*logged.CONTRACT.columns[:-1], lax)})
    column = label_column(contract)
    assert (column.name, column.type, column.nullable, column.severity) == ("back", "boolean", False, {"DQ005": "fail"})


@pytest.mark.parametrize("bounds", [{}, {"min": 1, "max": 5}])
def test_key_is_read_by_its_types_alone(bounds):
    day = logged.CONTRACT.columns[2].model_copy(update=bounds)
    contract = logged.CONTRACT.model_copy(
        update={"columns": (*logged.CONTRACT.columns[:2], day, *logged.CONTRACT.columns[3:])}
    )
    found = [(column.name, column.type, column.nullable, column.min, column.pii) for column in key_columns(contract)]
    assert found == [("person", "text", False, None, "hash"), ("day", "integer", False, None, None)]
