"""A window that a fault is put into: which rows lie since a day, and which columns a fault is put into first."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.decisions.drill.window import NUMBERS, Window, whole

TYPES = {"fare": "number", "seats": "integer", "zone": "category", "member": "boolean"}
IMPORTANCES = {"seats": 0.2, "fare": 0.5, "zone": 0.4}
AT = ["2024-03-01T00:00", "2024-03-10T23:30", "2024-03-11T03:30", "2024-03-11T04:00", "2024-03-30T12:00"]


def window(*, zone: str = "UTC", pii: tuple[str, ...] = (), **changed: Any) -> Window:
    """Return five rows of March; `changed`: columns with other values, or fields of the window."""
    contract = Contract(
        name="rides",
        description="",
        source=FileSource(kind="file", path="rides.csv"),
        timezone=zone,
        label_delay_days=1,
        columns=(
            Column(name="at", type="timestamp", role="time"),
            *(
                Column(name=name, type=kind, role="feature", nullable=True, pii="keep" if name in pii else None)
                for name, kind in TYPES.items()
            ),
            Column(name="tip", type="boolean", role="target", nullable=True),
        ),
    )
    rows = pd.DataFrame(
        {
            "at": pd.to_datetime(AT, utc=True),
            "fare": [5.0, 6.5, None, 8.0, 9.0],
            "seats": pd.array([1, 2, 3, 4, None], dtype="Int64"),
            "zone": ["north", "south", "north", None, "south"],
            "member": pd.array([True, False, None, True, True], dtype="boolean"),
            "tip": pd.array([True, None, None, False, True], dtype="boolean"),
        }
    )
    columns = {name: values for name, values in changed.items() if name in rows}
    fields = {name: value for name, value in changed.items() if name not in rows}
    about = {"importances": IMPORTANCES, "start": date(2024, 3, 1), "end": date(2024, 3, 31), "seed": 7, **fields}
    return Window(rows=rows.assign(**columns), contract=contract, **about)


@pytest.mark.parametrize(
    ("zone", "rows"),
    [
        ("UTC", [False, False, True, True, True]),
        ("America/New_York", [False, False, False, True, True]),  # four hours behind: the clocks went on the tenth
        ("Asia/Tokyo", [False, True, True, True, True]),
    ],
)
def test_row_is_since_a_day_by_the_local_calendar(zone, rows):
    assert window(zone=zone).since(date(2024, 3, 11)).tolist() == rows


@pytest.mark.parametrize(
    ("end", "third"),
    [
        (date(2024, 3, 31), date(2024, 3, 11)),
        (date(2024, 3, 8), date(2024, 3, 3)),
        (date(2024, 3, 2), date(2024, 3, 1)),
    ],
)
def test_third_begins_on_a_whole_day(end, third):
    assert window(end=end).third == third


def test_column_is_that_which_the_model_leans_on_most_of_the_types_that_are_asked():
    assert window().leaned_on(*NUMBERS) == ["fare", "seats"]
    assert window().leaned_on("number", "integer", "category", "boolean") == ["fare", "zone", "seats", "member"]
    assert window(importances={"seats": 1.0}).first(*NUMBERS) == "seats"
    assert window(importances={}).leaned_on(*NUMBERS) == ["fare", "seats"]  # in the contract's order
    assert window().first("text") is None


def test_columns_of_which_something_is_said_already_come_last_and_are_not_left_out():
    assert window(odd=frozenset({"fare"})).leaned_on(*NUMBERS) == ["seats", "fare"]
    assert window(odd=frozenset({"fare", "seats"})).leaned_on(*NUMBERS) == ["fare", "seats"]


def test_columns_that_do_not_vary_and_personal_ones_are_not_chosen():
    assert window(fare=[1.0, None, 1.0, 1.0, 1.0]).leaned_on(*NUMBERS) == ["seats"]
    assert window(fare=[None] * 5, seats=pd.array([None] * 5, dtype="Int64")).first(*NUMBERS) is None
    assert window(pii=("fare",)).leaned_on(*NUMBERS) == ["seats"]


def test_draws_are_the_same_each_time_and_others_of_another_seed():
    draws = window().draws()
    assert draws.shape == (5,)
    assert ((draws >= 0) & (draws < 1)).all()
    np.testing.assert_array_equal(draws, window().draws())
    assert not np.array_equal(draws, window(seed=8).draws())


def test_other_values_leave_the_rows_that_were_given_and_whole_numbers_whole():
    given = window()
    before = given.rows.copy(deep=True)
    given.rows.index = before.index = pd.Index([9, 4, 1, 0, 7])
    found = given.with_columns({"seats": [0.6, 1e300, np.nan, -2.2, np.inf], "fare": np.arange(5.0)})
    assert found["seats"].dtype == "Int64"
    assert found["seats"].tolist() == [1, pd.NA, pd.NA, -2, pd.NA]
    assert found["fare"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert found.index.tolist() == [9, 4, 1, 0, 7]
    pd.testing.assert_frame_equal(given.rows, before)
    pd.testing.assert_frame_equal(found.drop(columns=["seats", "fare"]), before.drop(columns=["seats", "fare"]))


def test_labels_are_all_or_none():
    assert window().labels.isna().tolist() == [False, True, True, False, False]
    assert window(tip=pd.array([None] * 5, dtype="boolean")).labels.empty


def test_whole_numbers_are_those_that_a_float_tells_from_their_neighbours():
    most = 2**53
    found = whole(pd.Series([float(most - 1), float(most), -float(most), 0.5, 1.5]))
    assert found.tolist() == [most - 1, pd.NA, pd.NA, 0, 2]  # halves to even
