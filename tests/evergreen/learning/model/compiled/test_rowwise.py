"""Rows one by one: what a plan makes of a value, in plain numbers; `test_columnwise` compares with the pipeline."""

import pytest

from evergreen.learning.model.compiled.plan import VERSION, Bucket, Calendar, Category, Lookup, Number, Plan, PlanColumn
from evergreen.learning.model.compiled.rowwise import RowEncoder

COLUMNS = (
    PlanColumn("at", "timestamp", nullable=True),
    PlanColumn("place", "category", nullable=True),
    PlanColumn("size", "number", nullable=True),
    PlanColumn("many", "integer", nullable=True),
)
NEW_YEAR = 1_357_016_400_000_000  # 2013-01-01T05:00:00Z, midnight in New York


def plan(**parts):
    plain = {
        "version": VERSION, "task": "binary", "classes": (), "zone": "America/New_York", "columns": COLUMNS,
        "time": None, "seconds": (), "calendar": (), "ratios": (), "differences": (), "buckets": (), "lookups": (),
        "categories": (), "numbers": (), "width": 1, "link": "", "calibration": None,
    }  # fmt: skip
    return Plan(**{**plain, **parts})


def numbered(of, **more):
    return {"numbers": (Number(of=of, at=0, missing=-7.0, **more),)}


@pytest.mark.parametrize(
    ("parts", "row", "expected"),
    [
        (numbered(2), (None, None, 1.5, None), [1.5]),
        (numbered(2), (None, None, None, None), [-7.0]),
        (numbered(2), (None, None, -1e31, None), [-1e30]),
        (numbered(2, centre=1.0, scale=2.0), (None, None, 4.0, None), [1.5]),
        ({**numbered(2, flag=(1, 0.25, 0.75)), "width": 2}, (None, None, 4.0, None), [4.0, 0.25]),
        ({**numbered(2, flag=(1, 0.25, 0.75)), "width": 2}, (None, None, None, None), [-7.0, 0.75]),
        ({**numbered(4), "seconds": (0,)}, (NEW_YEAR, None, None, None), [1_357_016_400.0]),
        ({**numbered(4), "time": 0, "calendar": (Calendar("hour", 24),)}, (NEW_YEAR, None, None, None), [0.0]),
        ({**numbered(4), "time": 0, "calendar": (Calendar("weekday", 7),)}, (NEW_YEAR, None, None, None), [1.0]),
        ({**numbered(4), "time": 0, "calendar": (Calendar("day_of_year", 366),)}, (NEW_YEAR - 1, None, 0, 0), [366.0]),
        ({**numbered(4), "time": 0, "calendar": (Calendar("month", 12, "cos"),)}, (NEW_YEAR - 1, None, 0, 0), [1.0]),
        ({**numbered(4), "time": 0, "calendar": (Calendar("month", 12),)}, (None, None, 0, 0), [-7.0]),
        ({**numbered(4), "ratios": ((2, 3),)}, (None, None, 3.0, 2), [1.5]),
        ({**numbered(4), "ratios": ((2, 3),)}, (None, None, 3.0, 0), [-7.0]),
        ({**numbered(4), "differences": ((2, 3),)}, (None, None, 3.0, 2), [1.0]),
        ({**numbered(4), "differences": ((2, 3),)}, (None, None, None, 2), [-7.0]),
        ({**numbered(4), "buckets": (Bucket(2, (5.0, 10.0)),)}, (None, None, 5.0, None), [1.0]),
        ({**numbered(4), "lookups": (Lookup(3, (1.0, 2.0), ((10.0, None),)),)}, (None, None, None, 1), [10.0]),
        ({**numbered(4), "lookups": (Lookup(3, (1.0, 2.0), ((10.0, None),)),)}, (None, None, None, 2), [-7.0]),
        ({**numbered(4), "lookups": (Lookup(3, (1.0, 2.0), ((10.0, None),)),)}, (None, None, None, 3), [-7.0]),
    ],
)
def test_value_becomes_the_number_that_the_plan_says(parts, row, expected):
    made = plan(**parts)

    assert made.fault() == ""
    assert RowEncoder(made).encode(row) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [("in", [0.0, 1.0, 0.5]), ("out", [2.0, 0.0, 0.5]), (None, [0.0, 9.0, 0.75]), ("x", [0.0, 0.0, -1.0])],
)
def test_category_fills_the_places_that_its_pairs_name_and_leaves_0_in_the_others(place, expected):
    wide = Category(1, 0, 2, ("in", "out"), (((1, 1.0),), ((0, 2.0),)), ((1, 9.0),), ())
    single = Category(1, 2, 1, ("in", "out"), (((0, 0.5),), ((0, 0.5),)), ((0, 0.75),), ((0, -1.0),))
    made = plan(categories=(wide, single), width=3)

    assert made.fault() == ""
    assert RowEncoder(made).encode((None, place, None, None)) == expected


def test_row_leaves_nothing_behind_for_the_next():
    encoder = RowEncoder(plan(categories=(Category(1, 0, 2, ("in",), (((1, 1.0),),), (), ()),), width=2))

    assert encoder.encode((None, "in", None, None)) == [0.0, 1.0]
    assert encoder.encode((None, None, None, None)) == [0.0, 0.0]
