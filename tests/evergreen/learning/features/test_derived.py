"""What is derived from a row: hand-computed, finite, and the same for a row alone and in any table."""

import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen import own_code
from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features

TRIPS = Contract(
    name="trips",
    description="every type of feature",
    source=FileSource(kind="file", path="trips.csv"),
    timezone="America/New_York",
    label_delay_days=0,
    columns=(
        Column(name="start", type="timestamp", role="time"),
        Column(name="zone", type="category", role="feature", nullable=True),
        Column(name="fare", type="number", role="feature", nullable=True),
        Column(name="seats", type="integer", role="feature", nullable=True),
        Column(name="member", type="boolean", role="feature", nullable=True),
        Column(name="booked", type="timestamp", role="feature", nullable=True),
        Column(name="note", type="text", role="feature", nullable=True),
        Column(name="tip", type="boolean", role="target", nullable=True),
    ),
)
PARAMS = FeatureParams.model_validate(
    {
        "calendar": ["month"],
        "cyclic": ["hour", "weekday", "month", "day_of_year"],
        "ratios": {"fare_per_seat": ["fare", "seats"]},
        "differences": {"notice": ["start", "booked"], "margin": ["fare", "seats"]},
        "buckets": {"fare_band": {"of": "fare", "edges": [0, 10, 20]}},
        "lookups": {"zone": {"file": "zones.csv", "by": "zone", "numeric": ["area"], "categorical": ["side"]}},
        "history": {"seen": {"by": ["zone"], "aggregate": "count", "window_days": 7}},
        "functions": ["own_features.trip"],
        "rare_category": 1,
        "test_days": 1,
    }
)
ZONES = pd.DataFrame(
    {"area": [2.5, np.nan], "side": pd.Series(["left", "right"], dtype="str").array},
    index=pd.Index(["north", "south"], name="zone"),
)
LOOKUPS = {"zone": ZONES}
NIGHT = pd.Timestamp("2013-03-10T06:59:00Z")  # 01:59 in New York


def build(rows, params=PARAMS):
    return features.build(rows, TRIPS, params, LOOKUPS)


def with_(**params):
    return FeatureParams(rare_category=1, test_days=1, **params)


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "start": [NIGHT, pd.Timestamp("2013-07-01T16:00:00Z"), pd.Timestamp("2013-11-03T05:30:00Z")],
            "zone": ["north", None, "moon"],
            "fare": [12.0, np.nan, -3.0],
            "seats": pd.array([2, 0, 0], dtype="Int64"),
            "member": pd.array([True, None, False], dtype="boolean"),
            "booked": [NIGHT - pd.Timedelta("90s"), pd.NaT, pd.Timestamp("2013-11-04T05:30:00Z")],
            "note": ["late", None, ""],
            "tip": [True, False, True],
            "seen": [3.0, np.nan, 0.0],
        }
    )


def test_derived_columns_equal_those_computed_by_hand(rows):
    built = build(rows)

    angle = {"hour": (1 + 59 / 60) / 24, "weekday": 6 / 7, "month": 3 / 12, "day_of_year": 69 / 366}
    for part, turns in angle.items():
        assert built[f"start_{part}_sin"][0] == pytest.approx(math.sin(2 * math.pi * turns), abs=1e-15)
        assert built[f"start_{part}_cos"][0] == pytest.approx(math.cos(2 * math.pi * turns), abs=1e-15)
    expected = {
        "start_month": [3.0, 7.0, 11.0],
        "fare_per_seat": [6.0, np.nan, np.nan],
        "notice": [90.0, np.nan, -86_400.0],
        "margin": [10.0, np.nan, -3.0],
        "fare_band": [2.0, np.nan, 0.0],
        "zone_area": [2.5, np.nan, np.nan],
        "zone_side": pd.Series(["left", None, None], dtype="str"),
        "part_of_day": pd.Series(["night", "day", "night"], dtype="str"),
        "fare_per_seat_cubed": [1.5, np.nan, np.nan],
        "seen": [3.0, np.nan, 0.0],
        "note": pd.Series(["late", None, ""], dtype="str"),
    }
    pd.testing.assert_frame_equal(built[list(expected)], pd.DataFrame(expected))


@pytest.mark.parametrize(
    ("fare", "seats", "ratio"),
    [(0.0, 0, None), (5.0, 0, None), (None, 2, None), (5.0, None, None), (0.0, 4, 0.0), (1e308, 1, 1e308)],
)
def test_ratio_is_missing_where_it_is_no_number(rows, fare, seats, ratio):
    one = rows.iloc[[0]].assign(fare=fare, seats=pd.array([seats], dtype="Int64")).astype({"fare": "float64"})
    found = build(one)["fare_per_seat"].iloc[0]
    assert found == ratio if ratio is not None else np.isnan(found)


def test_value_on_an_edge_lies_above_it(rows):
    fares = [-0.1, 0.0, 9.9, 10.0, 20.0, 1e9]
    many = rows.iloc[[0] * 6].assign(fare=fares)
    assert build(many)["fare_band"].tolist() == [0.0, 1.0, 1.0, 2.0, 3.0, 3.0]


def test_cyclic_parts_of_neighbours_lie_near_each_other_across_midnight(rows):
    times = pd.to_datetime(["2013-07-01T03:59:00Z", "2013-07-01T04:00:00Z", "2013-07-01T16:00:00Z"])
    built = build(rows.assign(start=times), with_(cyclic=("hour",)))[["start_hour_sin", "start_hour_cos"]].to_numpy()
    assert np.linalg.norm(built[0] - built[1]) < 0.005
    assert np.linalg.norm(built[1] - built[2]) == pytest.approx(2.0)


def test_inputs_are_those_that_build_makes_in_their_order(rows):
    built, inputs = build(rows), features.inputs(TRIPS, PARAMS)
    assert sorted(inputs.names) == sorted(built)
    for kind, dtype in (("categorical", "str"), ("numeric", "float64"), ("text", "str")):
        names = list(getattr(inputs, kind))
        assert names == [name for name in built if name in names]
        assert (built[names].dtypes == dtype).all()
    assert inputs.text == ("note",)


def test_features_of_built_rows_are_the_same_again(rows):
    built = rows.assign(**build(rows))
    pd.testing.assert_frame_equal(build(built), build(rows))


def test_rows_lookups_and_what_functions_are_given_stay_as_they_were(rows):
    before, zones = rows.copy(deep=True), ZONES.copy(deep=True)
    params = with_(functions=("own_features.changes_what_it_is_given", "own_features.trip"))
    assert build(rows, params)["fare_per_seat_cubed"].iloc[0] == 1.5
    build(rows)
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(ZONES, zones)


def test_history_that_is_not_given_is_missing(rows):
    assert build(rows.drop(columns="seen"))["seen"].isna().all()
    given = build(rows.assign(seen=pd.Series([None, 2, np.inf], dtype="object")))["seen"]
    assert given.tolist() == pytest.approx([np.nan, 2.0, np.nan], nan_ok=True)


any_row = st.fixed_dictionaries(
    {
        "start": st.datetimes(pd.Timestamp(2000, 1, 1), pd.Timestamp(2030, 1, 1)).map(
            lambda t: t.replace(microsecond=0)
        ),
        "zone": st.sampled_from(["north", "south", "moon", "", None]),
        "fare": st.none() | st.floats(-1e300, 1e300),
        "seats": st.none() | st.integers(-5, 5),
        "member": st.sampled_from([True, False, None]),
        "booked": st.none() | st.datetimes(pd.Timestamp(2000, 1, 1), pd.Timestamp(2030, 1, 1)),
        "note": st.none() | st.text(max_size=5),
        "seen": st.none() | st.floats(0, 9),
    }
)


@given(st.lists(any_row, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_row_has_the_same_finite_features_alone_and_in_any_table_and_order(found, random):
    table = pd.DataFrame(found)
    table = table.assign(
        **{name: pd.to_datetime(table[name], utc=True) for name in ("start", "booked")},
        fare=table["fare"].astype("float64"),
        seats=table["seats"].astype("Int64"),
    )
    whole = build(table)
    names = list(table)
    random.shuffle(names)
    for n in range(len(table)):
        pd.testing.assert_frame_equal(build(table[names].iloc[[n]]), whole.iloc[[n]])
    assert not np.isinf(whole.select_dtypes("number").to_numpy()).any()


def test_examples_of_the_page_on_features_are_what_they_say(project, tmp_path, monkeypatch):
    page = (project / "docs" / "how-to" / "features.md").read_text()
    shown = dict(re.findall(r"^```(yaml|python)\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE))
    declared = FeatureParams.model_validate(yaml.safe_load(shown["yaml"])["features"])
    assert declared.history["tipped"].window_days == 7
    (tmp_path / "shown_trips.py").write_text(shown["python"])
    monkeypatch.syspath_prepend(tmp_path)
    haul = own_code.load_function("shown_trips.haul")
    start = pd.to_datetime(["2024-01-01T03:00:00", "2024-01-01T12:00:00"]).tz_localize("America/New_York")
    made = haul(pd.DataFrame({"start": start, "miles": [6.0, 1.0], "seats": [2.0, 1.0]}))
    assert made.to_dict("list") == {"miles_per_seat": [3.0, 1.0], "part_of_day": ["night", "day"]}
    assert {*haul.numeric, *haul.categorical} == {*made}


# -- functions of one's own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("raises", "KeyError: 'no such column'"),
        ("returns_other_columns", "it declares x and returned y"),
        ("returns_fewer_rows", "the index of its rows"),
        ("returns_words", "could not convert string to float"),
    ],
)
def test_function_that_fails_is_one_block_that_names_it(rows, name, says):
    with pytest.raises(DataError) as caught:
        build(rows, with_(functions=(f"own_features.{name}",)))
    assert caught.value.code == "FEA001"
    assert f"'own_features.{name}'" in caught.value.what
    assert says in caught.value.what


def test_function_that_looks_at_other_rows_is_found_out(rows):
    with pytest.raises(DataError) as caught:
        features.check_functions(rows, TRIPS, with_(functions=("own_features.trip", "own_features.sees_other_rows")))
    assert caught.value.code == "FEA002"
    assert caught.value.what.startswith("function 'own_features.sees_other_rows' gives a row above_mean = 0.0 alone")


@pytest.mark.parametrize("name", ["fills_gaps_with_the_median", "cuts_off_the_greatest", "knows_the_zone_before"])
def test_function_that_looks_at_other_rows_for_few_of_them_is_found_out(rows, name):
    many = pd.concat([rows.head(1)] * 2_000, ignore_index=True)
    many = many.assign(zone=many.index.astype(str), fare=many.index.astype("float64"))
    many.loc[1_234, "seats"] = pd.NA
    many.loc[1_998:, "zone"] = "1"
    with pytest.raises(DataError) as caught:
        features.check_functions(many, TRIPS, with_(functions=(f"own_features.{name}",)))
    assert caught.value.code == "FEA002"


def test_function_is_not_asked_for_no_row(rows):
    none = build(rows.iloc[:0], with_(functions=("own_features.needs_a_row", "own_features.trip")))
    some = build(rows, with_(functions=("own_features.needs_a_row", "own_features.trip")))
    assert none.dtypes.to_dict() == some.dtypes.to_dict()


def test_function_may_answer_in_types_that_hold_missing_values(rows):
    answered = build(rows.assign(seats=[2, None, 1]), with_(functions=("own_features.counts_in_nullable_types",)))["x"]
    assert answered.tolist() == pytest.approx([2.0, np.nan, 1.0], nan_ok=True)


def test_function_of_the_row_alone_passes_and_so_does_no_function(rows):
    features.check_functions(rows, TRIPS, PARAMS)
    features.check_functions(rows.iloc[:0], TRIPS, PARAMS)
    features.check_functions(rows, TRIPS, with_(functions=("own_features.rounds_otherwise_among_others",)))
    features.check_functions(rows, TRIPS, with_())
    with pytest.raises(DataError) as caught:  # the same rows tell when one function does look at others
        features.check_functions(rows, TRIPS, with_(functions=(*PARAMS.functions, "own_features.sees_other_rows")))
    assert "sees_other_rows" in caught.value.what
