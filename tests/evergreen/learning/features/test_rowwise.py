"""Features: the same for a row wherever it is met."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trips import TRIPS, params_of

from evergreen.learning import features


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "paid": [1.0, 2.0, 3.0],
            "start": pd.to_datetime(["2013-03-10T06:59:00Z", "2013-03-10T07:00:00Z", "2013-11-03T05:30:00Z"]),
            "zone": ["north", None, "south"],
            "fare": [12.5, np.nan, -3.0],
            "seats": pd.array([2, None, 4], dtype="Int64"),
            "member": pd.array([True, None, False], dtype="boolean"),
            "booked": pd.to_datetime(["1970-01-02T00:00:00Z", None, "2013-01-01T00:00:00.5Z"], format="ISO8601"),
            "note": ["a", "b", "c"],
            "trip": [1, 2, 3],
            "tip": pd.array([True, None, False], dtype="boolean"),
        }
    )


# -- build --------------------------------------------------------------------------------------------------------


def test_features_of_hand_computed_rows(rows):
    expected = pd.DataFrame(
        {
            "zone": pd.Series(["north", None, "south"], dtype="str"),
            "fare": [12.5, np.nan, -3.0],
            "seats": [2.0, np.nan, 4.0],
            "member": [1.0, np.nan, 0.0],
            "booked": [86_400.0, np.nan, 1_356_998_400.5],
            # New York: 01:59 before and 03:00 after the clocks went forward; 01:30, for the first time, as they go back
            "start_hour": [1 + 59 / 60, 3.0, 1.5],
            "start_weekday": [6.0, 6.0, 6.0],  # Sundays
            "start_month": [3.0, 3.0, 11.0],
            "start_day_of_year": [69.0, 69.0, 307.0],
        }
    )
    pd.testing.assert_frame_equal(features.build(rows, TRIPS, params_of()), expected)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)))
def test_calendar_parts_equal_those_of_the_standard_library(moment):
    from zoneinfo import ZoneInfo

    one = pd.DataFrame({"start": [moment]}).reindex(columns=[c.name for c in TRIPS.columns])
    built = features.build(one, TRIPS, params_of()).iloc[0]
    local = moment.astimezone(ZoneInfo("America/New_York"))
    assert built["start_hour"] == local.hour + local.minute / 60
    assert built["start_weekday"] == local.weekday()
    assert built["start_month"] == local.month
    assert built["start_day_of_year"] == local.timetuple().tm_yday


def test_row_has_the_same_features_alone_and_in_a_table(rows):
    table = features.build(rows, TRIPS, params_of())
    for n in range(len(rows)):
        pd.testing.assert_frame_equal(features.build(rows.iloc[[n]], TRIPS, params_of()), table.iloc[[n]])


def test_flight_has_the_same_features_alone_and_in_the_table(flights_table, contract, params):
    table = features.build(flights_table, contract, params.features)
    for n in np.random.default_rng(7).choice(len(table), size=20, replace=False):
        alone = features.build(flights_table.iloc[[n]], contract, params.features)
        pd.testing.assert_frame_equal(alone, table.iloc[[n]])


def test_flight_sent_as_json_has_the_features_of_its_table_row(flights_table, contract, params):
    table = features.build(flights_table, contract, params.features)
    with_gaps = flights_table[flights_table["seats"].isna() & flights_table["wind_gust"].isna()].index[0]
    for n in (0, with_gaps):
        sent = {
            column.name: None if pd.isna(value := flights_table.at[n, column.name]) else value
            for column in contract.request_columns
        }
        sent["scheduled_departure"] = sent["scheduled_departure"].isoformat()
        alone = features.build(pd.DataFrame([sent], index=[n]), contract, params.features)
        pd.testing.assert_frame_equal(alone, table.loc[[n]])


def test_order_and_number_of_columns_do_not_matter(rows):
    expected = features.build(rows, TRIPS, params_of())
    reversed_ = rows[rows.columns[::-1]].assign(unknown="x")
    pd.testing.assert_frame_equal(features.build(reversed_, TRIPS, params_of()), expected)


@pytest.mark.parametrize(
    "types",
    [
        {"zone": "object", "fare": "object", "seats": "object", "member": "object", "start": "object"},
        {"zone": "category", "fare": "Float64", "seats": "float64", "member": "Float64"},
        {"zone": "string[pyarrow]", "fare": "float32", "seats": "Float64", "member": "Int64"},
        {"zone": "string[python]", "seats": "float32", "member": "float64"},
        {"start": "datetime64[s, UTC]", "booked": "datetime64[ns, UTC]"},
        {"start": "datetime64[ns, UTC]", "booked": "datetime64[ms, UTC]"},
        {"start": "datetime64[ms, Asia/Tokyo]", "booked": "datetime64[us, Asia/Tokyo]"},
        {"start": "str", "booked": "object"},
    ],
)
def test_types_of_the_columns_do_not_matter(rows, types):
    built = features.build(rows.astype(types), TRIPS, params_of())
    pd.testing.assert_frame_equal(built, features.build(rows, TRIPS, params_of()))


def test_times_as_text_may_differ_in_precision(rows):
    text = rows.assign(start=["2013-03-10T06:59:00Z", "2013-03-10 07:00+00:00", "2013-11-03T05:30:00.000Z"])
    pd.testing.assert_frame_equal(features.build(text, TRIPS, params_of()), features.build(rows, TRIPS, params_of()))


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_row_with_nothing_known_has_missing_features(missing):
    nothing = pd.DataFrame({c.name: pd.Series([missing], dtype="object") for c in TRIPS.request_columns})
    built = features.build(nothing, TRIPS, params_of())
    assert built.isna().all(axis=None)
    assert built.dtypes.astype(str).to_dict() == {"zone": "str"} | dict.fromkeys(built.columns[1:], "float64")


def test_missing_category_is_missing_and_not_a_word(rows):
    words = rows.assign(zone=pd.Series(["nan", None, "None"], dtype="object"))
    assert features.build(words, TRIPS, params_of())["zone"].isna().tolist() == [False, True, False]


def test_empty_table_has_the_same_columns_and_types(rows):
    built = features.build(rows.iloc[:0], TRIPS, params_of())
    expected = features.build(rows, TRIPS, params_of())
    assert len(built) == 0
    assert built.dtypes.to_dict() == expected.dtypes.to_dict()


def test_index_is_kept_even_if_it_repeats(rows):
    assert features.build(rows.set_axis([5, 5, 2]), TRIPS, params_of()).index.tolist() == [5, 5, 2]


def test_rows_are_not_changed(rows):
    before = rows.copy(deep=True)
    features.build(rows, TRIPS, params_of())
    pd.testing.assert_frame_equal(rows, before)


def test_only_the_calendar_parts_asked_for_are_built(rows):
    built = features.build(rows, TRIPS, params_of(calendar=("month",)))
    assert [name for name in built if name.startswith("start")] == ["start_month"]
    assert not [name for name in features.build(rows, TRIPS, params_of(calendar=())) if name.startswith("start")]


def test_inputs_are_those_that_build_makes(rows, flights_table, contract, params):
    for frame, of, with_ in ((rows, TRIPS, params_of()), (flights_table, contract, params.features)):
        built = features.build(frame.head(3), of, with_)
        inputs = features.inputs(of, with_)
        assert sorted(inputs.names) == sorted(built.columns)
        assert (built[list(inputs.categorical)].dtypes == "str").all()
        assert (built[list(inputs.numeric)].dtypes == "float64").all()


def test_features_never_hold_a_consequence_of_the_target_nor_the_target(flights_table, contract, params):
    names = set(features.build(flights_table.head(3), contract, params.features).columns)
    outcomes = {column.name for column in contract.columns if column.role in ("leakage", "target")}
    assert len(outcomes) == 6
    assert not outcomes & names


def test_features_do_not_depend_on_any_consequence_of_the_target(flights_table, contract, params):
    some = flights_table.head(500)
    outcomes = [column.name for column in contract.columns if column.role not in ("feature", "time")]
    expected = features.build(some, contract, params.features)
    pd.testing.assert_frame_equal(features.build(some.drop(columns=outcomes), contract, params.features), expected)


# -- labelled -----------------------------------------------------------------------------------------------------


def test_labelled_keeps_the_rows_whose_target_is_known(rows):
    assert features.labelled(rows, TRIPS)["trip"].tolist() == [1, 3]
    assert features.labelled(rows.astype({"tip": "object"}), TRIPS)["trip"].tolist() == [1, 3]
    assert features.labelled(rows.iloc[[1]], TRIPS).empty


def test_labelled_flights_are_those_that_arrived(flights_table, contract):
    known = features.labelled(flights_table, contract)
    assert len(known) == flights_table["arr_delay"].notna().sum()
    assert known["arr_delay"].notna().all()
