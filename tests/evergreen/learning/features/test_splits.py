"""The split: by time, which keeps its distance, or by the hash of a row or its group."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import tables
from trips import TRIPS, params_of

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.features import ordering, splits


def split(rows, contract, params):
    return features.split(rows, contract, params, seed=7)


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
        (lambda t: t.assign(tip=True), "column 'tip', the target, has the one class True in 10 rows"),
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
    found = features.Cut(TRIPS, params_of(), 7, late["start"].max()).described(gate_digest="ab")
    assert (found.end, found.rule, found.gate_digest) == (date(2013, 1, 10), None, "ab")


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
GROUP = {"name": "patient", "type": "integer", "role": "group"}
GROUPED = Contract.model_validate({**VISITS.model_dump(), "columns": [*VISITS.model_dump()["columns"], GROUP]})
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
    one, other = sides(visits()), sides(visits(), seed=8)
    assert one != other
    agreeing = np.mean([one[n] == other[n] for n in range(1_000)])
    assert agreeing == pytest.approx(0.7**2 + 0.3**2, abs=0.08)  # as for independent draws


def test_rule_is_the_same_for_the_same_draw_and_no_other():
    rule = features.Cut(VISITS, SHARE, 7, None).described(gate_digest="ab").rule
    assert features.Cut(VISITS, SHARE, 7, None).described(gate_digest="cd").rule == rule
    others = [
        features.Cut(VISITS, SHARE, 8, None),
        features.Cut(VISITS, SHARE.model_copy(update={"test_share": 0.31}), 7, None),
        features.Cut(KEYLESS, SHARE, 7, None),
        features.Cut(GROUPED, SHARE, 7, None),
    ]
    assert len({rule, *(other.described(gate_digest="ab").rule for other in others)}) == 5
    assert {other.described(gate_digest="ab").end for other in others} == {None}


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
    with pytest.raises(DataError, match=r"column 'days', the target, is 3 in all 1000 rows") as caught:
        features.split(visits().assign(days=3.0), RANK, SHARE, seed=7)
    assert caught.value.code == "DQ009"


def test_number_that_is_constant_on_one_side_is_a_data_error():
    _, is_test = features.Cut(RANK, SHARE, 7, None).sides(visits())
    rows = visits().assign(days=lambda t: t["days"].where(~is_test, 4.5))
    with pytest.raises(DataError, match=rf"'days', the target, does not vary in the {is_test.sum()} labelled test"):
        features.split(rows, RANK, SHARE, seed=7)


def test_target_without_a_value_is_a_data_error_that_names_it():
    for rows in (visits().iloc[:0], visits().assign(days=np.nan)):
        with pytest.raises(DataError, match="column 'days', the target") as caught:
            features.split(features.labelled(rows, RANK), RANK, SHARE, seed=7)
        assert (caught.value.code, caught.value.where) == ("DQ007", "visits")


def test_sides_that_cannot_be_split_are_refused_without_being_put_in_order():
    def refused(what, rows):
        try:
            what(rows, RANK, SHARE, seed=7)
        except DataError as error:
            return error.block()
        return None

    _, is_test = features.Cut(RANK, SHARE, 7, None).sides(visits())
    tables_of = (
        visits(),
        visits().sample(frac=1, random_state=3),
        visits().assign(days=3.0),
        visits().assign(days=lambda t: t["days"].where(~is_test, 4.5)),
        visits().iloc[:0],
        visits().assign(days=np.nan),
    )
    found = [refused(features.require_sides, rows) for rows in tables_of]
    assert found == [refused(features.split, rows) for rows in tables_of]
    assert [one is None for one in found] == [True, True, False, False, False, False]


# -- groups -------------------------------------------------------------------------------------------------------


def test_rows_of_a_group_are_on_one_side_and_the_share_is_of_groups():
    rows = visits(3_000).assign(patient=lambda t: t["visit"] % 500)
    train, test = features.split(rows, GROUPED, SHARE, seed=7)
    assert not set(train["patient"]) & set(test["patient"])
    assert len(train) + len(test) == 3_000
    assert abs(test["patient"].nunique() - 150) < 5 * (500 * 0.3 * 0.7) ** 0.5


def test_rows_that_do_not_tell_their_group_stand_alone():
    contract = Contract.model_validate(
        {**VISITS.model_dump(), "columns": [*GROUPED.model_dump()["columns"][:-1], GROUP | {"nullable": True}]}
    )
    rows = visits(3_000).assign(patient=lambda t: pd.array(t["visit"] % 40, dtype="Int64"))
    rows["patient"] = rows["patient"].mask(rows["visit"] % 2 == 0)
    train, test = features.split(rows, contract, SHARE, seed=7)
    assert not set(train["patient"].dropna()) & set(test["patient"].dropna())
    n_alone = test["patient"].isna().sum()
    assert abs(n_alone - 450) < 5 * (1_500 * 0.3 * 0.7) ** 0.5
    unknown = rows.assign(patient=pd.array([pd.NA] * len(rows), dtype="Int64"))
    assert sides(unknown, contract) == sides(rows)
    rules = {features.Cut(of, SHARE, 7, None).described(gate_digest="ab").rule for of in (contract, GROUPED, VISITS)}
    assert len(rules) == 3


def test_group_never_changes_sides_as_the_table_grows():
    def side(n: int) -> dict[int, bool]:
        rows = visits(n).assign(patient=lambda t: t["visit"] % 50)
        return dict(zip(rows["patient"], features.Cut(GROUPED, SHARE, 7, None).sides(rows)[1], strict=True))

    assert side(400) == side(1_000)


def test_time_goes_before_groups():
    contract = TRIPS.model_copy(
        update={"columns": (*TRIPS.columns, Column(name="driver", type="integer", role="group", nullable=True))}
    )
    rows = days_of(range(1, 11))
    for one, other in zip(
        split(rows.assign(driver=1), contract, params_of()), split(rows, TRIPS, params_of()), strict=True
    ):
        assert one["trip"].tolist() == other["trip"].tolist()


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


def overlap(train, test, contract):
    return features.check_overlap(*(ordering.row_hashes(side, contract.features) for side in (train, test)), contract)


def test_test_rows_that_are_among_the_train_rows_stop_the_run():
    with pytest.raises(
        DataError, match=r"20 of 50 test rows \(40.0%\) have the features of a train row; 30.0%"
    ) as caught:
        overlap(*overlapping(0.4, max_overlap=0.3))

    assert caught.value.code == "DQ020"


def test_overlap_within_what_is_allowed_is_silent_and_may_be_a_warning():
    assert overlap(*overlapping(0.3, max_overlap=0.3)) == ""
    warned = overlap(*overlapping(0.4, max_overlap=0.3, severity={"DQ020": "warn"}))
    assert warned == "20 of 50 test rows (40.0%) have the features of a train row"


def test_overlap_is_not_looked_at_without_a_limit():
    assert overlap(*overlapping(1.0)) == ""
