"""Rows in memory: the rules on single values, whatever dtypes the values come in."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.data.validation import Validation, check

COLUMNS = (
    Column(name="time", type="timestamp", role="time"),
    Column(name="id", type="integer", role="key", min=1),
    Column(name="size", type="category", role="feature", nullable=True, categories=("S", "M")),
    Column(name="weight", type="number", role="feature", nullable=True, min=0, max=30, unit="kg"),
    Column(name="stops", type="integer", role="feature", nullable=True, max=9),
    Column(name="note", type="category", role="ignore", nullable=True),
    Column(name="insured", type="boolean", role="feature"),
)


def clean(n=6, **columns):
    """Return n rows that break no rule, with some columns given."""
    rows = {
        "time": pd.date_range("2024-03-01", periods=n, freq="h", tz="UTC"),
        "id": np.arange(1, n + 1),
        "size": ["S", "M", None] * (n // 3) + ["S"] * (n % 3),
        "weight": np.linspace(0, 30, n),
        "stops": [0.0, np.nan, 9.0] * (n // 3) + [1.0] * (n % 3),
        "note": ["x"] * n,
        "insured": [True, False] * (n // 2) + [True] * (n % 2),
    }
    return pd.DataFrame({**rows, **columns})


def counts(checked):
    """Return how many rows break each rule, where any does."""
    return {(rule.code, rule.column): rule.n_bad for rule in checked.validation.rules if rule.n_bad}


def one(values, **about):
    """Check a single column that may be missing, and return its codes and what was kept of it."""
    column = Column.model_validate({"name": "x", "role": "feature", "nullable": True, **about})
    checked = check(pd.DataFrame({"x": values}), [column])
    return checked.codes.tolist(), checked.kept["x"]


def test_clean_rows_are_all_kept_and_every_rule_says_nought():
    checked = check(clean(), COLUMNS)

    assert checked.validation.kept == checked.validation.rows == 6
    assert checked.validation.quarantined == 0
    assert checked.validation.broken == ()
    assert checked.codes.tolist() == [""] * 6


def test_every_rule_of_the_contract_is_reported_once_and_no_other():
    checked = check(clean(), COLUMNS)

    reported = [(rule.code, rule.column) for rule in checked.validation.rules]
    assert sorted(reported) == sorted(
        [("DQ002", column.name) for column in COLUMNS]
        + [("DQ003", name) for name in ("time", "id", "insured")]
        + [("DQ004", name) for name in ("id", "weight", "stops")]
        + [("DQ005", "size"), ("DQ013", "")]
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": [1, 2, "x", "", 5, 6]}, {("DQ002", "id"): 1, ("DQ003", "id"): 1}),
        ({"weight": [0, 1, np.inf, -np.inf, np.nan, 30]}, {("DQ002", "weight"): 2}),
        ({"stops": [0, 0.5, 1, None, 2.25, 9]}, {("DQ002", "stops"): 2}),
        ({"insured": [True, False, 1, 0, "yes", 2]}, {("DQ002", "insured"): 2}),
        ({"insured": [True, None, None, False, None, True]}, {("DQ003", "insured"): 3}),
        ({"id": [1, None, 3, 4, 5, 6]}, {("DQ003", "id"): 1}),
        ({"weight": [-0.001, 0, 30, 30.001, 31, None]}, {("DQ004", "weight"): 3}),
        ({"stops": [9, 10, -1_000_000, None, 11, 9]}, {("DQ004", "stops"): 2}),  # only `max` is declared
        ({"id": [1, 0, -5, 2**62, 3, 4]}, {("DQ004", "id"): 2}),  # only `min` is
        ({"size": ["S", "M", "L", "s", "S ", None]}, {("DQ005", "size"): 3}),
        ({"note": ["anything", "at", "all", "", None, "x"]}, {}),
    ],
)
def test_rule_counts_exactly_the_rows_that_break_it(change, expected):
    assert counts(check(clean(**change), COLUMNS)) == expected


def test_row_of_a_wrong_type_is_judged_by_no_other_rule():
    rows = clean(id=["x", 0, 3, 4, 5, 6], weight=[99, 99, 1, 1, 1, 1])

    checked = check(rows, COLUMNS)

    assert checked.codes.tolist() == ["DQ002", "DQ004", "", "", "", ""]
    assert counts(checked) == {("DQ002", "id"): 1, ("DQ004", "id"): 1, ("DQ004", "weight"): 1}


def test_row_that_breaks_several_rules_names_each_code_once():
    rows = clean(size=["L", "S", None, "S", "S", "S"], weight=[-1] * 6, stops=[10] * 6, insured=[None] + [True] * 5)

    checked = check(rows, COLUMNS)

    assert sorted(checked.codes[0].split()) == ["DQ003", "DQ004", "DQ005"]
    assert checked.codes[1] == "DQ004"
    assert checked.validation.quarantined == 6


def test_kept_rows_have_the_declared_types():
    as_text = clean().astype("str")  # as a CSV with a stray value in every column is read

    for rows in (clean(), as_text.assign(insured=clean()["insured"])):
        kept = check(rows, COLUMNS).kept
        assert kept.dtypes.astype(str).to_dict() == {
            "time": "datetime64[us, UTC]",
            "id": "Int64",
            "size": "str",
            "weight": "float64",
            "stops": "Int64",
            "note": "str",
            "insured": "boolean",
        }
        assert kept["id"].tolist() == [1, 2, 3, 4, 5, 6]
        assert kept["weight"].tolist() == pytest.approx(np.linspace(0, 30, 6))


def test_types_are_the_declared_ones_even_where_no_value_is_left():
    nothing = pd.DataFrame({column.name: pd.Series([None, None], dtype="object") for column in COLUMNS})
    wrong = pd.DataFrame({column.name: [[1], [2]] for column in COLUMNS if column.type != "boolean"})

    for rows in (nothing, nothing.head(0), wrong.assign(insured=["?", "?"])):
        kept = check(rows, COLUMNS).kept
        assert kept.dtypes.equals(check(clean(), COLUMNS).kept.dtypes)


def test_numbers_written_as_text_are_numbers():
    assert one(["1", "2.5", "-3e2", "word", "", "1,5"], type="number")[0] == ["", "", "", "DQ002", "", "DQ002"]
    assert one(["1", "2.5", "-3e2"], type="number")[1].tolist() == [1.0, 2.5, -300.0]


def test_lengths_of_time_are_numbers_of_seconds():
    lengths = pd.to_timedelta([1, 90.5], unit="s")
    assert one(lengths, type="number")[1].tolist() == [1.0, 90.5]


@pytest.mark.parametrize(
    "values",
    [
        [True, False],
        np.array([True, False]),
        pd.array([True, None], dtype="boolean"),
        pd.to_datetime(["2024-01-01", "2024-01-02"]),
        pd.to_datetime(["2024-01-01", "2024-01-02"], utc=True),
        [pd.Timestamp("2024-01-01"), "x"],
        [np.inf, -np.inf],
        ["inf", "-Infinity"],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["number", "integer"])
def test_what_is_no_number_is_not_made_one(kind, values):
    codes, kept = one(values, type=kind)

    assert codes == ["DQ002" if known else "" for known in pd.Series(values).notna()]
    assert kept.isna().all()


def test_truth_value_among_numbers_is_a_wrong_type():
    assert one([True, 2.5, 1], type="number")[0] == ["DQ002", "", ""]


@pytest.mark.parametrize(
    "values",
    [
        [2**53 + 1, 2**53, -(2**63)],
        pd.array([2**53 + 1, 2**53, -(2**63)], dtype="Int64"),
        [str(2**53 + 1), str(2**53), str(-(2**63))],
        np.array([2**53 + 1, 2**53, 1], dtype="uint64"),
    ],
    ids=["int64", "Int64", "text", "uint64"],
)
def test_large_integers_stay_what_they_are_and_apart(values):
    rows = pd.DataFrame({"x": values})

    checked = check(rows, [Column(name="x", type="integer", role="key")])

    assert checked.codes.tolist() == ["", "", ""]
    assert checked.kept["x"].tolist() == [int(value) for value in values]


def test_large_integers_stay_what_they_are_beside_a_wrong_value():
    codes, kept = one([str(2**53 + 1), "word", None], type="integer")

    assert codes == ["", "DQ002", ""]
    assert kept.tolist() == [2**53 + 1, pd.NA]


@pytest.mark.parametrize("value", [2**63, 2**70, -(2**70), 1e300, str(2**70)])
def test_integer_beyond_64_bits_is_a_wrong_type_and_never_another_number(value):
    codes, kept = one([value, 5], type="integer")

    assert codes == ["DQ002", ""]
    assert kept.tolist() == [5]


def test_times_in_any_iso_spelling_are_the_instants_that_they_name():
    spelled = ["2024-03-01T05:15:00Z", "2024-03-01 06:15:00.5+01:00", "2024-03-01T05:15:01", "2024-03-02"]

    codes, kept = one(spelled, type="timestamp")

    assert codes == [""] * 4
    assert [str(value) for value in kept] == [
        "2024-03-01 05:15:00+00:00",
        "2024-03-01 05:15:00.500000+00:00",
        "2024-03-01 05:15:01+00:00",
        "2024-03-02 00:00:00+00:00",
    ]


def test_time_that_cannot_be_read_does_not_change_how_others_are():
    good = ["2024-03-01T05:15:00Z", "2024-03-01T05:15:00.5Z", "2024-03-02"]

    codes, kept = one(["yesterday", *good, None, "2024-02-30"], type="timestamp")

    assert codes == ["DQ002", "", "", "", "", "DQ002"]
    assert kept.dropna().tolist() == one(good, type="timestamp")[1].tolist()


@pytest.mark.parametrize("values", [[1_709_269_200, 5], [1.7e9, 0.5], [True, False]])
def test_number_is_not_a_time_in_1970(values):
    assert one(values, type="timestamp")[0] == ["DQ002", "DQ002"]


def test_missing_values_are_missing_in_every_spelling_of_missing():
    for missing in (None, np.nan, pd.NA, pd.NaT):
        rows = pd.DataFrame({"x": pd.Series([missing], dtype="object")})
        for kind in ("timestamp", "category", "number", "integer", "boolean"):
            column = Column(name="x", type=kind, role="feature", nullable=False)
            assert check(rows, [column]).codes.tolist() == ["DQ003"], (missing, kind)


def test_category_holds_text_whatever_it_came_as():
    codes, kept = one([3, "a", True, None], type="category")

    assert codes == [""] * 4
    assert kept.dropna().tolist() == ["3", "a", "true"]
    assert kept.isna().tolist() == [False, False, False, True]


def test_broken_rules_come_worst_first():
    rows = clean(weight=[-1, 1, 1, 1, 1, 1], size=["L", "L", "L", None, "S", "S"], insured=[None, None] + [True] * 4)

    broken = check(rows, COLUMNS).validation.broken

    assert [(rule.code, rule.n_bad) for rule in broken] == [("DQ005", 3), ("DQ003", 2), ("DQ004", 1)]


def test_rows_may_come_under_any_index():
    rows = pd.concat([clean(3), clean(3, size=["L", "S", None])]).sample(frac=1, random_state=3)

    checked = check(rows, COLUMNS)

    assert checked.codes.tolist() == check(rows.reset_index(drop=True), COLUMNS).codes.tolist()
    assert checked.codes.index.tolist() == list(range(6))


def test_validation_survives_json():
    validation = check(clean(weight=[-1] * 6), COLUMNS).validation

    assert Validation.model_validate_json(validation.model_dump_json()) == validation


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 12),
    st.floats(),
    st.sampled_from(["", "S", "M", "L", "5", "5.0", "nan", "inf", "2024-03-01", "2024-03-01T05:00:00Z", "word"]),
    st.text(max_size=4),
    st.datetimes().map(pd.Timestamp),
    st.just(pd.NA),
)
DIRTY = st.integers(0, 8).flatmap(
    lambda n: st.fixed_dictionaries({c.name: st.lists(ANYTHING, min_size=n, max_size=n) for c in COLUMNS})
)


@given(DIRTY)
def test_every_row_is_kept_or_set_aside_whatever_came(columns):
    rows = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})
    before = rows.copy(deep=True)

    checked = check(rows, COLUMNS)

    pd.testing.assert_frame_equal(rows, before)
    v = checked.validation
    assert v.rows == len(rows) == v.kept + v.quarantined
    assert (len(checked.kept), (checked.codes != "").sum()) == (v.kept, v.quarantined)
    assert sorted([*checked.kept.index, *checked.codes.index[checked.codes != ""]]) == list(range(len(rows)))
    again = check(checked.kept, COLUMNS)
    assert again.validation.quarantined == 0
    pd.testing.assert_frame_equal(again.kept, checked.kept.reset_index(drop=True))


@given(DIRTY)
def test_kept_values_are_those_that_came(columns):
    rows = pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in columns.items()})

    kept = check(rows, COLUMNS).kept

    for row in kept.index:
        for name in ("id", "stops"):
            if pd.notna(kept[name][row]):
                came = rows[name][row]
                assert int(kept[name][row]) == (int(float(came)) if isinstance(came, (str, float)) else came)


SAME = {
    "Arrow types": lambda rows: rows.astype({n: pd.ArrowDtype(t) for n, t in ARROW.items()}),
    "objects": lambda rows: rows.astype("object"),
    "categoricals": lambda rows: rows.astype({"size": "category", "note": "category", "insured": "category"}),
    "string[pyarrow]": lambda rows: rows.astype({"size": "string[pyarrow]", "note": "string[pyarrow]"}),
    "string[python]": lambda rows: rows.astype({"size": "string[python]", "note": "string[python]"}),
    "nullable numbers": lambda rows: rows.astype({"weight": "Float64", "id": "Int32", "insured": "boolean"}),
    "floats": lambda rows: rows.astype({"stops": "float64", "id": "float64"}),
    "seconds": lambda rows: rows.assign(time=rows["time"].dt.as_unit("s")),
    "another zone": lambda rows: rows.assign(time=rows["time"].dt.tz_convert("Asia/Tokyo")),
}
ARROW = {
    "time": pa.timestamp("ns", "UTC"),
    "id": pa.int16(),
    "size": pa.dictionary(pa.int32(), pa.string()),
    "weight": pa.float64(),
    "stops": pa.int8(),
    "note": pa.large_string(),
    "insured": pa.bool_(),
}


@pytest.mark.parametrize("name", SAME)
def test_same_values_in_other_dtypes_are_judged_and_kept_alike(name):
    rows = clean(
        weight=[-1, 1, 2, None, 31, 6], size=["S", "L", None, "M", "S", "S"], stops=[1, None, 3, 12, 5, 6]
    ).astype({"stops": "Int64"})

    expected, found = check(rows, COLUMNS), check(SAME[name](rows), COLUMNS)

    assert (expected.codes != "").sum() == 4
    pd.testing.assert_series_equal(found.codes, expected.codes)
    pd.testing.assert_frame_equal(found.kept, expected.kept)
    assert found.validation == expected.validation


def test_wall_time_is_read_in_the_zone_that_is_given():
    rows = pd.DataFrame({"time": ["2024-01-01 00:00"]})

    kept = check(rows, COLUMNS[:1], zone="America/New_York").kept

    assert str(kept["time"][0]) == "2024-01-01 05:00:00+00:00"
