"""A table that may be ordered in time says so before its rows are split at random."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from proposals import frame, proposed

HOURS = pd.date_range("2024-01-01", periods=600, freq="h")


def said(**columns: Any) -> str:
    proposal = proposed(frame(**columns), target="target")
    assert proposal.contract.time is None
    return "\n".join(note for note in proposal.review if "ordered in time" in note)


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"when": [f"{n % 12 + 1:02}/{n % 11 + 1:02}/2024" for n in range(600)]}, "'when' looks like a time"),
        ({"week": [f"2024-W{n // 30 + 10}" for n in range(600)]}, "'week' looks like a time"),
        ({"stand": ["3. März 2024", "4. Mai 2024"] * 300}, "'stand' looks like a time"),
        ({"at": [None if n % 3 else at.isoformat() for n, at in enumerate(HOURS)]}, "values are missing"),
        ({"at": [at.isoformat() for at in HOURS[:48]] * 12 + [HOURS[0].isoformat()] * 24}, "of 2 days only"),
        ({"at": [None if n < 9 else at.isoformat() for n, at in enumerate(HOURS)]}, "9 rows have none"),
        ({"year": [1990 + n // 30 for n in range(600)]}, "sorted by 'year'"),
        ({"timeStep": [n // 3 for n in range(600)]}, "sorted by 'timeStep'"),
        ({"YEAR": HOURS.year, "DOY": HOURS.dayofyear, "HR": HOURS.hour}, "sorted by 'YEAR' and 'DOY' and 'HR'"),
        ({"Jahr": [2023 + n // 300 for n in range(600)], "KW": [n // 10 % 30 for n in range(600)]}, "'Jahr' and 'KW'"),
        ({"Date": [45_000 + n / 24 for n in range(600)]}, "'Date' looks like a time"),
        ({"clock0": [1_700_000_000 + 60 * n for n in range(600)]}, "'clock0' looks like a time"),
    ],
)
def test_a_table_that_may_be_a_series_says_so(columns: dict[str, Any], why: str):
    assert why in said(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"birth_date": HOURS.strftime("%d/%m/%Y").to_list()[::-1]},
        {"year": np.random.default_rng(0).integers(1990, 2020, 600)},
        {"rank": range(600)},
        {"year": [2020, 2021] * 300, "week": [n % 52 for n in range(600)]},
        {"month": [n % 12 + 1 for n in range(600)], "day": [n % 28 + 1 for n in range(600)]},
        {"year": [2020] * 300 + [2021] * 300},
    ],
)
def test_other_tables_say_nothing_of_it(columns: dict[str, Any]):
    assert said(**columns) == ""
