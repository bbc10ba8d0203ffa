"""Why a row is refused: every rule that it breaks, by column and value; the same rows as `check` refuses."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import validated

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import ROW, UNREADABLE, conform, from_pandas
from evergreen.data.validation import check
from evergreen.data.validation.reasons import RowJudge

COLUMNS = validated.contract_of(
    {"name": "weight", "type": "number", "min": 0, "max": 30, "unit": "kg"},
    {"name": "size", "type": "category", "categories": ["S", "M", "L"]},
    {"name": "code", "type": "text", "pattern": "[a-z]{2}"},
    {"name": "count", "type": "integer", "nullable": False, "min": 1},
    {"name": "kind", "type": "category", "categories": ["a"], "open": True},
    {"name": "at", "type": "timestamp"},
    {"name": "yes", "type": "boolean"},
).columns


def judged(rows):
    """Judge rows with their texts one by one, and as dictionaries, of which the same is said."""
    columns = [column for column in COLUMNS if column.name in rows]
    found, coded = (
        RowJudge(columns).judge(conform(from_pandas(rows, columns), columns, zone="UTC", coded=coded))
        for coded in (False, True)
    )
    for one, other in ((found.keeps, coded.keeps), (found.codes, coded.codes), (found.why, coded.why)):
        assert one.equals(other)
    return found


def why(**values):
    good = {"weight": 1.0, "size": "S", "code": "ab", "count": 2, "kind": "a", "at": "2024-01-01", "yes": True}
    found = judged(pd.DataFrame({name: [value] for name, value in {**good, **values}.items()}))
    assert (found.codes[0].as_py() == "") == found.keeps[0].as_py() == (found.why[0].as_py() == "")
    return found.codes[0].as_py(), found.why[0].as_py()


@pytest.mark.parametrize(
    ("values", "codes", "says"),
    [
        ({}, "", ""),
        ({"weight": 31.0}, "DQ004", "weight: 31 is not between 0 and 30 kg"),
        ({"weight": -0.5}, "DQ004", "weight: -0.5 is not between 0 and 30 kg"),
        ({"size": "XL"}, "DQ005", "size: XL is not one of S, M, L"),
        ({"code": "abc"}, "DQ011", "code: abc is not all of the pattern [a-z]{2}"),
        ({"count": None}, "DQ003", "count: it is missing"),
        ({"count": 0, "weight": 31.0}, "DQ004", "weight: 31 is not between 0 and 30 kg; count: 0 is not at least 1"),
        ({"count": "two"}, "DQ002", "count: two is not of type integer"),
        ({"at": "today"}, "DQ002", "at: today is not of type timestamp"),
        ({"yes": "maybe", "weight": 99}, "DQ002", "yes: maybe is not of type boolean"),
        ({"kind": "b"}, "", ""),  # reported, and kept
        ({"size": "X", "count": None}, "DQ003 DQ005", "size: X is not one of S, M, L; count: it is missing"),
    ],
)
def test_reason_names_column_value_and_rule(values, codes, says):
    assert why(**values) == (codes, says)


def test_reason_has_a_bounded_length():
    assert len(why(code="x" * 10_000)[1]) < 200
    many = validated.contract_of({"name": "c", "type": "category", "categories": [f"v{n}" for n in range(5_000)]})
    typed = conform(pa.RecordBatch.from_pydict({"c": ["w"]}), many.columns[:1], zone="UTC")
    assert len(RowJudge(many.columns[:1]).judge(typed).why[0].as_py()) < 300


def test_row_that_could_not_be_split_says_so():
    batch = pa.RecordBatch.from_arrays(
        [pa.array([1.0, None]), pa.array([1, 2]), pa.array([None, '{"*": "3,4,5"}'])], names=["weight", ROW, UNREADABLE]
    )
    found = RowJudge(COLUMNS[:1]).judge(conform(batch, COLUMNS[:1], zone="UTC"))
    assert found.codes.to_pylist() == ["", "DQ013"]
    assert found.why.to_pylist() == ["", "the row cannot be read: 3,4,5"]


def test_no_row_and_no_column():
    assert len(judged(pd.DataFrame({"weight": []})).keeps) == 0
    batch = pa.RecordBatch.from_pydict({ROW: [1, 2], UNREADABLE: pa.nulls(2, pa.string())})
    assert RowJudge([]).judge(batch).keeps.to_pylist() == [True, True]


def test_same_rows_and_codes_as_the_check_of_a_table_in_memory():
    rng, n = np.random.default_rng(7), 3_000
    rows = pd.DataFrame(
        {
            "weight": rng.choice(np.array([1.0, 31, -1, None, "heavy", "2"], dtype=object), n),
            "size": rng.choice(np.array(["S", "XL", None, 3], dtype=object), n),
            "code": rng.choice(np.array(["ab", "ABC", None, ""], dtype=object), n),
            "count": rng.choice(np.array([1, 0, None, 2.5, "9"], dtype=object), n),
            "kind": rng.choice(np.array(["a", "b"], dtype=object), n),
            "at": rng.choice(np.array(["2024-01-01", "soon", None], dtype=object), n),
            "yes": rng.choice(np.array([True, "no", "false", None], dtype=object), n),
        }
    )
    expected, found = check(rows, COLUMNS[:7]), judged(rows)
    assert found.codes.to_pylist() == expected.codes.tolist()
    assert np.flatnonzero(found.keeps.to_numpy(zero_copy_only=False)).tolist() == expected.kept.index.tolist()
    for codes, reason in zip(found.codes.to_pylist(), found.why.to_pylist(), strict=True):
        assert (codes == "") == (reason == "")
        assert len(codes.split()) <= reason.count("; ") + 1 or not codes


def test_reason_says_how_a_column_is_spelled():
    columns = [
        Column(name="price", type="number", role="feature", spelling={"decimal": ",", "after": "€"}),
        Column(name="sold", type="timestamp", role="feature", spelling="%d.%m.%Y"),
        Column(name="paid", type="boolean", role="feature", spelling=("no", "yes")),
        Column(name="day", type="timestamp", role="ignore"),
        Column(name="at", type="timestamp", role="time", parts=("day", "hour")),
        Column(name="hour", type="integer", role="feature"),
    ]
    row = {"price": ["12.5 €"], "sold": ["2024-12-31"], "paid": ["Y"], "day": ["2024-01-05"], "hour": ["24"]}
    typed = conform(pa.RecordBatch.from_pydict(row), columns, zone="UTC")

    (said,) = RowJudge(columns).judge(typed).why.to_pylist()

    assert said.split("; ") == [
        "price: 12.5 € is not of type number, spelled like 12,5€",
        "sold: 2024-12-31 is not of type timestamp, spelled as %d.%m.%Y",
        "paid: Y is not of type boolean, spelled as no or yes",
        "at: 2024-01-05 24 is not of type timestamp, told by day, hour",
    ]
