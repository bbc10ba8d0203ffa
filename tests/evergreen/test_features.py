"""Features: the same for a row wherever it is met, and a split by time that keeps its distance."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import tables
from hypothesis import given
from hypothesis import strategies as st

from evergreen import features
from evergreen.contract import Column, Contract, FileSource
from evergreen.errors import DataError
from evergreen.features import splits
from evergreen.params import FeatureParams

ALL_PARTS = ("hour", "weekday", "month", "day_of_year")
TRIPS = Contract(
    name="trips",
    description="every type of feature",
    source=FileSource(kind="file", path="trips.csv"),
    timezone="America/New_York",
    key=("trip",),
    label_delay_days=0,
    columns=(
        Column(name="paid", type="number", role="leakage"),
        Column(name="start", type="timestamp", role="time"),
        Column(name="zone", type="category", role="feature", nullable=True),
        Column(name="fare", type="number", role="feature", nullable=True),
        Column(name="seats", type="integer", role="feature", nullable=True),
        Column(name="member", type="boolean", role="feature", nullable=True),
        Column(name="booked", type="timestamp", role="feature", nullable=True),
        Column(name="note", type="category", role="ignore"),
        Column(name="trip", type="integer", role="key"),
        Column(name="tip", type="boolean", role="target", nullable=True),
    ),
)


def params_of(*, calendar=ALL_PARTS, test_days=1, embargo_days=0) -> FeatureParams:
    return FeatureParams(calendar=calendar, rare_category=1, test_days=test_days, embargo_days=embargo_days)


def split(rows, contract, params):
    return features.split(rows, contract, params, seed=7)


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
    split(days_of(range(1, 5)), TRIPS, params_of())
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


# -- split --------------------------------------------------------------------------------------------------------


def days_of(days, *, hour=12) -> pd.DataFrame:
    """Return two labelled rows, one of each class, at that New York hour of each day of January 2013, newest first."""
    times = [pd.Timestamp(2013, 1, day, hour, tz="America/New_York").tz_convert("UTC") for day in days]
    return pd.DataFrame(
        {
            "start": [time for time in times for _ in "ab"][::-1],
            "trip": range(2 * len(times)),
            "tip": [True, False] * len(times),
        }
    )


def local_days(table: pd.DataFrame) -> list[int]:
    return sorted(set(table["start"].dt.tz_convert("America/New_York").dt.day))


@pytest.mark.parametrize(
    ("test_days", "embargo_days", "train", "test"),
    [
        (1, 0, list(range(1, 10)), [10]),
        (1, 1, list(range(1, 9)), [10]),
        (3, 0, list(range(1, 8)), [8, 9, 10]),
        (3, 2, [1, 2, 3, 4, 5], [8, 9, 10]),
        (8, 0, [1, 2], list(range(3, 11))),
    ],
)
def test_split_takes_the_last_days_and_leaves_the_embargo_out(test_days, embargo_days, train, test):
    found = split(days_of(range(1, 11)), TRIPS, params_of(test_days=test_days, embargo_days=embargo_days))
    assert [local_days(side) for side in found] == [train, test]


def test_split_counts_calendar_days_even_if_some_have_no_rows():
    train, test = split(days_of([1, 2, 10]), TRIPS, params_of(test_days=3, embargo_days=2))
    assert (local_days(train), local_days(test)) == ([1, 2], [10])


def test_split_cuts_at_midnight_in_the_contracts_time_zone():
    # 23:59 on the 8th in New York is 04:59 on the 9th in UTC
    table = days_of(range(1, 10))
    edge = pd.DataFrame(
        {
            "start": pd.to_datetime(["2013-01-09T04:59:00Z", "2013-01-09T05:00:00Z"]),
            "trip": [100, 101],
            "tip": [True, False],
        }
    )
    train, test = split(pd.concat([table, edge]), TRIPS, params_of(test_days=1))
    assert 100 in train["trip"].to_numpy()
    assert 101 in test["trip"].to_numpy()


def test_split_sorts_by_time_then_key_with_a_fresh_index():
    for side in split(days_of(range(1, 6)), TRIPS, params_of(test_days=2)):
        assert side.index.tolist() == list(range(len(side)))
        assert list(zip(side["start"], side["trip"], strict=True)) == sorted(
            zip(side["start"], side["trip"], strict=True)
        )


def test_split_does_not_depend_on_the_order_of_rows():
    table = days_of(range(1, 6))
    shuffled = table.sample(frac=1, random_state=7)
    for one, other in zip(
        split(table, TRIPS, params_of()),
        split(shuffled, TRIPS, params_of()),
        strict=True,
    ):
        pd.testing.assert_frame_equal(one, other)


def test_split_of_flights_leaves_one_day_between_train_and_test(flights_table, contract, params):
    rows = features.labelled(flights_table, contract)
    train, test = split(rows, contract, params.features)
    day = lambda table: table[contract.time].dt.tz_convert("America/New_York").dt.date  # noqa: E731  used twice here
    last = date(2013, 2, 28)
    assert (day(test).min(), day(test).max()) == (last - timedelta(days=params.features.test_days - 1), last)
    assert day(train).max() == day(test).min() - timedelta(days=1 + params.features.embargo_days)
    between = rows[(day(rows) > day(train).max()) & (day(rows) < day(test).min())]
    assert len(train) + len(test) + len(between) == len(rows)


def test_split_of_no_rows_is_a_data_error():
    with pytest.raises(DataError) as caught:
        split(days_of([1]).iloc[:0], TRIPS, params_of())
    assert (caught.value.code, caught.value.where) == ("DQ007", "trips")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t[t["start"] > "2013-01-05"], "class True has 0 train rows of 1 in all, at least 2 needed"),
        (lambda t: t.assign(tip=t["tip"] | (t["start"] > "2013-01-05")), "class False has 0 test rows of 4 in all"),
        (lambda t: t.assign(tip=t["tip"] & (t["start"] > "2013-01-05")), "class True has 0 train rows of 1 in all"),
        (lambda t: t.assign(tip=True), "the target has the one class True in 10 rows"),
        (
            lambda t: t.assign(tip=t["tip"].astype("boolean").mask(t["start"] > "2013-01-05")),
            "class True has 0 test rows of 4 in all, at least 1 needed",
        ),
    ],
    ids=["no train", "one class in test", "one class in train", "one class", "no label in test"],
)
def test_split_that_leaves_a_class_out_of_a_side_is_a_data_error_that_names_it(change, says):
    with pytest.raises(DataError) as caught:
        split(change(days_of(range(1, 6))), TRIPS, params_of())
    assert caught.value.code == "DQ009"
    assert says in caught.value.what
    assert "cutoff 2013-01-05, data runs from 2013-01-0" in caught.value.what
    assert caught.value.where == "features.test_days = 1"
    assert caught.value.next_step == "Change features.test_days, or bring more rows."


def test_end_is_the_day_after_the_last_local_day():
    late = days_of([3, 9], hour=23)  # 04:00 on the 10th in UTC
    found = features.describe_split(late, TRIPS, params_of(), seed=7)
    assert (found.end, found.rule) == (date(2013, 1, 10), None)


# -- split without time -------------------------------------------------------------------------------------------

VISITS = Contract(
    name="visits",
    description="no time column",
    source=FileSource(kind="file", path="visits.csv"),
    timezone="UTC",
    key=("visit",),
    label_delay_days=0,
    columns=(
        Column(name="visit", type="integer", role="key"),
        Column(name="ward", type="category", role="feature", nullable=True),
        Column(name="age", type="number", role="feature", nullable=True),
        Column(name="ill", type="boolean", role="target", nullable=True),
    ),
)
KEYLESS = VISITS.model_copy(update={"key": ()})
RANK = Contract.model_validate(
    {
        **VISITS.model_dump(),
        "columns": [*VISITS.model_dump()["columns"][:3], {"name": "days", "type": "number", "role": "target"}],
    }
)
SHARE = FeatureParams(rare_category=1, test_share=0.3)


def visits(n=1_000, *, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "visit": rng.permutation(n),
            "ward": pd.Series(rng.choice(np.array(["north", "south", None], dtype=object), n), dtype="str"),
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 90, n)),
            "ill": rng.random(n) < 0.4,
            "days": rng.normal(5, 2, n),
        }
    )


def sides(rows, contract=VISITS, seed=7) -> dict[int, str]:
    train, test = features.split(rows, contract, SHARE, seed=seed)
    return dict.fromkeys(train["visit"], "train") | dict.fromkeys(test["visit"], "test")


def test_each_row_is_on_one_side_and_the_share_is_about_what_was_asked():
    train, test = features.split(visits(), VISITS, SHARE, seed=7)
    assert sorted([*train["visit"], *test["visit"]]) == list(range(1_000))
    assert abs(len(test) - 300) < 5 * (1_000 * 0.3 * 0.7) ** 0.5
    assert train["visit"].is_monotonic_increasing
    assert test["visit"].is_monotonic_increasing


def test_row_never_changes_sides_as_the_table_grows_or_its_other_columns_change():
    before = sides(visits().head(400))
    changed = visits().assign(age=1.0, ward="other")
    assert before.items() <= sides(visits()).items()
    assert sides(changed) == sides(visits())


def test_without_a_key_equal_rows_are_on_one_side():
    rows = pd.concat([visits().assign(visit=n) for n in range(3)]).assign(visit=range(3_000))
    side = sides(rows, KEYLESS)
    found = rows.assign(side=rows["visit"].map(side)).groupby(["ward", "age"], dropna=False)["side"].nunique()
    assert (found == 1).all()
    assert found.size > 200


@pytest.mark.parametrize(
    "types",
    [
        {"visit": "Int64", "ward": "object", "age": "object"},
        {"visit": "int32", "ward": "category", "age": "float32"},
        {"visit": "float64", "ward": "string[pyarrow]", "age": "Float64"},
        {"visit": "object", "ward": "string[python]"},
    ],
)
@pytest.mark.parametrize("contract", [VISITS, KEYLESS])
def test_side_and_order_do_not_depend_on_the_stored_types(types, contract):
    plain = features.split(visits(), contract, SHARE, seed=7)
    other = features.split(visits().astype(types), contract, SHARE, seed=7)
    for one, two in zip(plain, other, strict=True):
        assert one["visit"].tolist() == two["visit"].tolist()


@pytest.mark.parametrize("contract", [VISITS, KEYLESS, RANK])
def test_hash_split_does_not_depend_on_the_order_of_rows(contract):
    for one, other in zip(
        features.split(visits(), contract, SHARE, seed=7),
        features.split(visits().sample(frac=1, random_state=3), contract, SHARE, seed=7),
        strict=True,
    ):
        pd.testing.assert_frame_equal(one, other)


def test_whole_numbers_beyond_a_float_are_told_apart():
    large = visits().assign(visit=lambda t: 2**60 + t["visit"])
    n_test = len(features.split(large, VISITS, SHARE, seed=7)[1])
    assert abs(n_test - 300) < 5 * (1_000 * 0.3 * 0.7) ** 0.5


def test_zero_has_one_side_whatever_its_sign():
    rows = pd.DataFrame({"visit": [1, 2], "ward": "a", "age": [0.0, -0.0], "ill": [True, False]})
    one, other = splits._hash_shares(rows, KEYLESS, seed=7)
    assert one == other


def test_sides_follow_the_seed():
    assert sides(visits()) != sides(visits(), seed=8)
    agreeing = np.mean([sides(visits())[n] == sides(visits(), seed=8)[n] for n in range(1_000)])
    assert agreeing == pytest.approx(0.7**2 + 0.3**2, abs=0.08)  # as for independent draws


def test_rule_is_the_same_for_the_same_draw_and_no_other():
    rule = features.describe_split(visits(), VISITS, SHARE, seed=7).rule
    assert features.describe_split(visits(50), VISITS, SHARE, seed=7).rule == rule
    others = [
        features.describe_split(visits(), VISITS, SHARE, seed=8),
        features.describe_split(visits(), VISITS, SHARE.model_copy(update={"test_share": 0.31}), seed=7),
        features.describe_split(visits(), KEYLESS, SHARE, seed=7),
    ]
    assert len({rule, *(found.rule for found in others)}) == 4
    assert [found.end for found in others] == [None] * 3


def test_class_of_one_row_is_a_data_error_that_names_it():
    contract = Contract.model_validate(
        {
            **VISITS.model_dump(),
            "columns": [*VISITS.model_dump()["columns"][:3], {"name": "kind", "type": "category", "role": "target"}],
        }
    )
    rows = visits().assign(kind=["often", "rare"] * 499 + ["often", "once"])
    with pytest.raises(DataError) as caught:
        features.split(rows, contract, SHARE, seed=7)
    assert caught.value.code == "DQ009"
    assert "class once has " in caught.value.what
    assert " of 1 in all" in caught.value.what
    assert caught.value.where == "features.test_share = 0.3"


def test_constant_number_is_a_data_error():
    with pytest.raises(DataError, match=r"the target does not vary in the \d+ labelled train rows") as caught:
        features.split(visits().assign(days=3.0), RANK, SHARE, seed=7)
    assert caught.value.code == "DQ009"


@pytest.mark.parametrize(
    ("contract", "target", "kind"), [(VISITS, "ill", np.bool_), (RANK, "days", np.float64)], ids=["truths", "numbers"]
)
def test_targets_are_fitted_on_without_python_objects(contract, target, kind):
    for stored in ("object", "boolean" if target == "ill" else "Float64"):
        found = features.fit_target(visits().astype({target: stored}), contract)
        assert found.dtype == kind


def test_classes_are_fitted_on_as_plain_text():
    contract = Contract.model_validate(
        {
            **VISITS.model_dump(),
            "columns": [*VISITS.model_dump()["columns"][2:3], {"name": "ward", "type": "category", "role": "target"}],
            "key": [],
        }
    )
    found = features.fit_target(visits().dropna(), contract)
    assert found.dtype.kind == "U"
    assert set(found) == {"north", "south"}


# Overlap


def overlapping(share, **table):
    contract = tables.contract_of("regression").model_copy(update=table)
    rows = tables.table("regression")
    n_known = int(share * 50)
    return rows.head(200), pd.concat([rows.head(n_known), rows.tail(50 - n_known)]), contract


def test_test_rows_that_are_among_the_train_rows_stop_the_run():
    with pytest.raises(
        DataError, match=r"20 of 50 test rows \(40.0%\) have the features of a train row; 30.0%"
    ) as caught:
        features.check_overlap(*overlapping(0.4, max_overlap=0.3))

    assert caught.value.code == "DQ020"


def test_overlap_within_what_is_allowed_is_silent_and_may_be_a_warning():
    assert features.check_overlap(*overlapping(0.3, max_overlap=0.3)) == ""
    warned = features.check_overlap(*overlapping(0.4, max_overlap=0.3, severity={"DQ020": "warn"}))
    assert warned == "20 of 50 test rows (40.0%) have the features of a train row"


def test_overlap_is_not_looked_at_without_a_limit():
    assert features.check_overlap(*overlapping(1.0)) == ""
