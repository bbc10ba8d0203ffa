"""Rows of labels: what is read of them, and why others are refused."""

import logged
import pyarrow as pa
import pytest
import validated

from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import ROW, UNREADABLE
from evergreen.record.labels.files import LabelFile

ID = "0123456789abcdef" * 2


def sifted(contract, *, is_text=True, unreadable=None, **columns):
    n = len(next(iter(columns.values())))
    about = {ROW: list(range(1, n + 1)), UNREADABLE: pa.array(unreadable or [None] * n, pa.string())}
    file = LabelFile(contract, list(columns), digest="d" * 64, received_us=7)
    return list(file.sift(pa.RecordBatch.from_pydict({**columns, **about}), is_text=is_text))


@pytest.mark.parametrize("spelled", ["true", "TRUE", " True ", "1", "1.0"])
def test_label_is_read_as_the_contract_reads_the_target(spelled):
    (found,) = sifted(logged.CONTRACT, prediction_id=[ID], back=[spelled])
    assert [(row.prediction_id, row.keys, row.label, row.received_us) for row in found.said] == [(ID, None, True, 7)]


def test_spelling_and_categories_of_the_contract_hold():
    target = logged.CONTRACT.columns[-1].model_copy(update={"spelling": ("no", "yes")})
    contract = logged.CONTRACT.model_copy(update={"columns": (*logged.CONTRACT.columns[:-1], target)})
    (found,) = sifted(contract, prediction_id=[ID] * 3, back=["yes", "no", "true"])
    assert [row.label for row in found.said] == [True, False]
    assert found.refused.column("row").to_pylist() == [3]


def test_numbers_are_values_and_their_bounds_hold():
    contract = validated.contract_of(
        {"name": "x", "type": "number"}, {"name": "price", "type": "number", "role": "target", "min": 0}
    )
    (found,) = sifted(contract, prediction_id=[ID] * 4, price=["1.5e1", "-1", "inf", "NA"])
    assert [(row.value, row.label) for row in found.said] == [(15.0, None)]
    assert found.refused.column("codes").to_pylist() == ["DQ004", "DQ002"]
    assert found.n_unlabelled == 1


def test_row_without_an_id_is_about_its_key():
    by_id, by_key = sifted(
        logged.CONTRACT,
        prediction_id=[ID, None, ""],
        person=["Ann", "Bo", "Cy"],
        day=["1", "2", "x"],
        back=["1", "0", "1"],
    )
    assert [(row.prediction_id, row.keys) for row in (*by_id.said, *by_key.said)] == [(ID, None), (None, ["Bo", 2])]
    assert by_key.refused.column("why").to_pylist() == ["day: x is not of type integer"]


def test_when_by_whom_and_with_which_probability_are_kept():
    (found,) = sifted(
        logged.CONTRACT,
        prediction_id=[ID] * 3,
        back=["1"] * 3,
        known_at=["2024-05-01T12:00:15.000250Z", None, "2024-05-01 14:00:15.00025"],
        by=["ann", None, "x" * 201],
        label_propensity=["0.02", None, "0"],
    )
    first, second = found.said
    assert (first.known_us, first.by, first.label_propensity) == (logged.NOON, "ann", 0.02)
    assert (second.known_us, second.by, second.label_propensity) == (None, None, None)
    assert found.refused.column("codes").to_pylist() == ["DQ004 DQ011"]


def test_name_that_is_the_contracts_too_is_the_contracts():
    noted = logged.CONTRACT.columns[3].model_copy(update={"name": "known_at"})
    contract = logged.CONTRACT.model_copy(
        update={"columns": (*logged.CONTRACT.columns[:3], noted, *logged.CONTRACT.columns[4:])}
    )
    (found,) = sifted(contract, prediction_id=[ID], back=["1"], known_at=["Elm Street"])
    assert [row.known_us for row in found.said] == [None]


def test_values_of_a_typed_file_are_read_as_they_are():
    (found,) = sifted(
        logged.CONTRACT,
        is_text=False,
        person=["Ann", "Bo", None],
        day=pa.array([1, 2, 3], pa.int32()),
        back=[True, None, False],
        known_at=pa.array([logged.NOON] * 3, pa.timestamp("us", "UTC")),
    )
    assert [(row.keys, row.label, row.known_us) for row in found.said] == [(["Ann", 1], True, logged.NOON)]
    assert found.n_unlabelled == 1
    assert found.refused.to_pylist()[0] == {
        **{"row": 3, "person": None, "day": "3", "back": "false", "known_at": "2024-05-01 12:00:15.000250Z"},
        **{"codes": "DQ003", "why": "person: it is missing"},
    }


def test_personal_values_of_refused_rows_are_withheld():
    raw = '{"*": "Ann,1,tr\\"ue"}'
    (found,) = sifted(logged.CONTRACT, person=["Ann", None], day=["x", None], back=["1", None], unreadable=[None, raw])
    assert "Ann" not in str(found.refused.to_pylist())
    assert found.refused.column("person").to_pylist() == ["(withheld: personal)", None]


@pytest.mark.parametrize("names", [["back"], ["prediction_id"], ["person", "back"], ["day", "person"]])
def test_file_that_cannot_say_anything_is_refused_with_what_is_lacking(names):
    with pytest.raises(DataError, match="DQ001") as refused:
        LabelFile(logged.CONTRACT, names, digest="d", received_us=0)
    assert "A file of labels has prediction_id, or person, day; and back" in refused.value.next_step


def test_contract_without_a_key_needs_ids():
    contract = logged.CONTRACT.model_copy(update={"key": ()})
    with pytest.raises(DataError, match="missing columns: prediction_id"):
        LabelFile(contract, ["person", "day", "back"], digest="d", received_us=0)


def test_labels_are_spelled_as_in_the_training_file_and_a_time_in_the_key_is_told_by_its_parts():
    about = {"name": "sales", "description": "", "source": {"kind": "file", "path": "s.csv"}, "timezone": "UTC"}
    columns = [
        {"name": "day", "type": "timestamp", "role": "ignore", "spelling": "%d.%m.%Y"},
        {"name": "hour", "type": "integer", "role": "feature"},
        {"name": "at", "type": "timestamp", "role": "time", "parts": ["day", "hour"]},
        {
            "name": "sum",
            "type": "number",
            "role": "target",
            "missing": ["-1"],
            "spelling": {"decimal": ",", "after": "€"},
        },
    ]
    contract = Contract.model_validate({**about, "label_delay_days": 0, "key": ["at"], "columns": columns})
    rows = {"day": ["02.01.1970"] * 3, "hour": ["1", "25", "2"], "sum": ["12,5 €", "3 €", "-1 €"]}
    batch = pa.RecordBatch.from_pydict({**rows, "_row": [1, 2, 3], "_unreadable": pa.nulls(3, pa.string())})

    (sifted,) = LabelFile(contract, [*rows], digest="0" * 64, received_us=0).sift(batch, is_text=True)

    assert [(said.keys, said.value) for said in sifted.said] == [([86_400_000_000 + 3_600_000_000], 12.5)]
    assert (sifted.n_unlabelled, sifted.refused.num_rows) == (1, 1)
    assert sifted.refused.column("why").to_pylist() == ["at: 02.01.1970 25 is not of type timestamp, told by day, hour"]
