"""Single values are read as batch scoring reads them, whatever stands beside them; a fault names row and column."""

from typing import Any

import pandas as pd
import pytest
import released

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data.typed.schema import conform, from_pandas
from evergreen.learning.model.requested import requested
from serving.reading import Fault, Reading

ABOUT = {"name": "visits", "description": "", "source": {"kind": "file", "path": "v.csv"}, "timezone": "Europe/Paris"}


def reading(*columns: dict[str, Any]) -> Reading:
    """Return what reads rows of these columns."""
    target = {"name": "late", "type": "boolean", "role": "target"}
    contract = Contract.model_validate({**ABOUT, "label_delay_days": 0, "columns": [*columns, target]})
    plan = requested(contract, FeatureParams(rare_category=5, test_days=7))
    return Reading(contract.request_columns, plan, zone=contract.timezone)


def feature(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "role": "feature", **more}


PARCELS = released.CONTRACT.request_columns
READING = Reading(PARCELS, requested(released.CONTRACT, released.FEATURES), zone=released.CONTRACT.timezone)
PLAIN = list(released.requests(1)[0].values())
ODD: dict[str, tuple[Any, ...]] = {
    "handed_in": ("2024-03-01", "2024-03-01 12:00", "2024-03-01T12:00:00.123456+05:30", "2024-07-01T00:00"),
    "carrier": (7, 2.5, True, 1e20, "NA.", "é"),
    "size": (None, "L"),
    "weight": ("3.5", " 3.5 ", "1e-05", "+7", "07", 30, 0, "null"),
    "stops": ("3", "3.0", "007", 3.0, "", None),
    "insured": ("TRUE", "false", 1, 0, "1.0"),
    "copy": ("-1e3", 10**20, "0.1", -0.0, 2**53 + 1),
}


def by_batch(row: list[Any]) -> list[Any]:
    """Return what batch scoring makes of a row that came as JSON has it."""
    frame = pd.DataFrame(
        {column.name: pd.Series([value], dtype=object) for column, value in zip(PARCELS, row, strict=True)}
    )
    batch = conform(from_pandas(frame, PARCELS), PARCELS, zone=released.CONTRACT.timezone)
    typed = [batch.column(column.name) for column in PARCELS]
    return [
        (each.cast("int64") if column.type == "timestamp" else each).to_pylist()[0]
        for column, each in zip(PARCELS, typed, strict=True)
    ]


def test_every_spelling_is_the_value_that_batch_scoring_reads_alone_or_among_others():
    names = [column.name for column in PARCELS]
    rows = [
        [*PLAIN[: names.index(name)], value, *PLAIN[names.index(name) + 1 :]] for name in names for value in ODD[name]
    ]

    together = READING.read(rows)

    assert together == [by_batch(row) for row in rows] == [READING.read([row])[0] for row in rows]


def test_fault_names_the_first_row_that_has_one_and_in_it_the_first_column():
    odd = [*PLAIN[:3], "7", *PLAIN[4:]]
    rows = [PLAIN, odd, PLAIN, [*PLAIN[:3], "31", "x", *PLAIN[5:]], [*PLAIN[:1], None, *PLAIN[2:]]]

    with pytest.raises(Fault) as found:
        READING.read(rows)

    assert (found.value.row, found.value.column) == (3, "weight")
    assert found.value.what == 'must be a number between 0 and 30 kg, or null, got "31"'
    assert found.value.allowed == "It may be a number between 0 and 30 kg, or null."


@pytest.mark.parametrize("value", ["secret", 1e300])
def test_personal_value_is_not_repeated_to_whoever_sent_it(value):
    visits = reading(feature("age", "integer", min=0, max=120, pii="keep"), feature("ward", "integer"))

    with pytest.raises(Fault) as personal:
        visits.read([[value, 1]])
    with pytest.raises(Fault) as other:
        visits.read([[1, value]])

    assert personal.value.column == "age"
    assert "got" not in personal.value.what
    assert "got" in other.value.what


def test_long_value_is_shown_by_its_beginning():
    with pytest.raises(Fault) as found:
        reading(feature("ward", "integer")).read([["x" * 100_000]])

    assert len(found.value.what) < 130


def test_rule_that_only_warns_refuses_nothing():
    visits = reading(feature("fare", "number", min=0, severity={"DQ004": "warn"}))

    assert visits.read([[3], [-1], [-2.5], ["-3"]]) == [[3.0], [-1.0], [-2.5], [-3.0]]


def test_number_is_not_taken_for_a_text_that_must_keep_a_pattern():
    codes = reading(feature("code", "category", pattern="[0-9]{2}", nullable=True))

    assert codes.read([["07"], [None]]) == [["07"], [None]]
    for value in (17, 1.5, True):
        with pytest.raises(Fault, match="pattern"):
            codes.read([[value]])


def test_truth_is_spelled_as_in_the_source():
    tips = reading(feature("tip", "boolean", spelling=["No", "Yes"]))

    assert tips.read([["Yes"], [" No "], [True], [False]]) == [[True], [False], [True], [False]]
    with pytest.raises(Fault) as found:
        tips.read([["true"]])
    assert found.value.what == 'must be Yes or No, got "true"'


def test_contract_that_asks_for_nothing_reads_rows_of_nothing():
    assert Reading((), (), zone="UTC").read([[], []]) == [[], []]
