"""Columns of any spelling are read as they were meant, or not at all: a seeded campaign with its own writer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from evergreen.config.contract.columns import MISSING
from evergreen.data.typed.schema import conform
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.spellings.columns import tell
from evergreen.proposal.spellings.told import Told

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Rng = np.random.Generator
UNITS = (("", ""), ("$", ""), ("", " €"), ("", "%"), ("", " kg"), ("EUR ", ""), ("", "°C"), ("£", ""), ("", " km/h"))
GROUPS = {".": ("", ",", " ", "'", "\u202f"), ",": ("", ".", " ", "'", "\u00a0")}
DATES = (
    "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m/%d/%y", "%d.%m.%y", "%Y%m%d", "%Y%m%dT%H%M%S",
    "%B %d, %Y", "%d %b %Y", "%d-%b-%y", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S UTC",
    "%a, %d %b %Y %H:%M:%S +0000", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%d/%b/%Y:%H:%M:%S +0000", "%y/%m/%d",
)  # fmt: skip
OTHERS: dict[str, Callable[[Rng, int], str]] = {
    "zip": lambda rng, n: f"{rng.integers(99_999):05}",
    "phone": lambda rng, n: f"{rng.integers(200, 999)}-{rng.integers(200, 999)}-{rng.integers(9_999):04}",
    "foreign phone": lambda rng, n: f"+49 {rng.integers(100, 999)} {rng.integers(10**6, 10**7)}",
    "version": lambda rng, n: f"{rng.integers(4)}.{rng.integers(20)}.{rng.integers(9)}",
    "address": lambda rng, n: ".".join(str(part) for part in rng.integers(1, 255, 4)),
    "range": lambda rng, n: f"{n % 7 * 10}-{n % 7 * 10 + 9}",
    "clock": lambda rng, n: f"{rng.integers(24):02}:{rng.integers(60):02}",
    "fraction": lambda rng, n: f"{rng.integers(1, 9)}/{rng.integers(1, 9)}",
    "code": lambda rng, n: f"{rng.choice(list('ABC'))}{rng.integers(100, 999)}",
    "seat": lambda rng, n: f"{rng.integers(1, 40)}{rng.choice(list('ABCDEF'))}",
    "season": lambda rng, n: f"{2000 + n % 20}-{(n + 1) % 20:02}",
    "size": lambda rng, n: f"{rng.integers(10, 40)}x{rng.integers(10, 40)}",
    "book": lambda rng, n: f"978-{rng.integers(9)}-{rng.integers(9_999):04}-{rng.integers(9_999):04}-{rng.integers(9)}",
    "person": lambda rng, n: f"{rng.integers(999):03}-{rng.integers(99):02}-{rng.integers(9_999):04}",
    "plate": lambda rng, n: f"{rng.integers(10, 99)}-{rng.choice(list('ABC'))}-{rng.integers(100, 999)}",
    "rating": lambda rng, n: f"{rng.integers(1, 6)}/5",
    "version and date": lambda rng, n: f"v{2_000 + n % 20}.{n % 12}",
    "hexadecimal": lambda rng, n: f"{rng.integers(10**9):x}",
    "grade": lambda rng, n: f"{n % 9 + 1}{['st', 'nd', 'rd'][n % 9] if n % 9 < 3 else 'th'}",
}


def told(texts: list[str]) -> Told | None:
    values = pa.array(texts)
    seen = ColumnProfile("value")
    seen.add(values)
    return tell(seen, values, missing=MISSING, decimal=None, now=NOW)


def read(texts: list[str], found: Told) -> pa.Array:
    batch = pa.RecordBatch.from_pydict({"value": texts})
    return conform(batch, [found.column("value")], zone="UTC").column("value")


def drawn_numbers(rng: Rng) -> tuple[list[str], list[float]]:
    """Return numbers as people of some country write them, and what they are."""
    digits, scale = int(rng.integers(0, 4)), 10.0 ** rng.integers(-1, 7)
    decimal = str(rng.choice([".", ","]))
    group = str(rng.choice(GROUPS[decimal]))
    before, after = UNITS[rng.integers(len(UNITS))]
    if before in ("$", "£") and decimal == ",":  # three decimals behind a comma are taken for thousands there
        digits = min(digits, 2)
    values = (rng.normal(rng.choice([0, 1]), 1, int(rng.integers(8, 200))) * scale).round(digits) + 0.0
    in_parentheses = rng.random() < 0.2

    def spelled(value: float) -> str:
        text = f"{abs(value):,.{digits}f}".replace(".", "_").replace(",", group).replace("_", decimal)
        text = f"{before}{text}{after}"
        return text if value >= 0 else f"({text})" if in_parentheses else f"-{text}"

    return [spelled(value) for value in values.tolist()], values.tolist()


def drawn_times(rng: Rng) -> tuple[list[str], list[Any]]:
    """Return times of one spelling and the instants that they are; of few rows, of short and of long periods."""
    form = DATES[rng.integers(len(DATES))]
    start = pd.Timestamp("1995-01-01") + pd.Timedelta(days=int(rng.integers(0, 10_000)))
    days = rng.integers(0, int(rng.choice([3, 12, 40, 2_000])) + 1, int(rng.integers(8, 200)))
    times = pd.DatetimeIndex(start + pd.to_timedelta(np.sort(days), "D"))
    if any(part in form for part in ("%H", "%I")):
        times = times + pd.to_timedelta(rng.integers(0, 1_440, len(times)), "min")
    return [time.strftime(form) for time in times], times.tz_localize("UTC").to_list()


def check_numbers(rng: Rng) -> bool:
    texts, values = drawn_numbers(rng)
    found = told(texts)
    if found is None or found.type != "number":
        return False
    got = read(texts, found).to_pylist()
    assert got == pytest.approx(values), (texts[:5], found)
    return True


def check_times(rng: Rng) -> bool:
    texts, times = drawn_times(rng)
    found = told(texts)
    if found is None or found.type is None:
        return False
    assert found.type == "timestamp", (texts[:5], found)
    assert read(texts, found).to_pylist() == times, (texts[:5], found)
    return True


def check_others(rng: Rng, kind: str) -> None:
    texts = [OTHERS[kind](rng, n) for n in range(int(rng.integers(8, 200)))]
    found = told(texts)
    assert found is None or not found.is_read_again, (texts[:5], found)


@pytest.mark.parametrize(("seeds", "numbers", "times"), [
    (range(60), 20, 35),
    pytest.param(range(100, 4_100), 1_500, 2_500, marks=pytest.mark.long),
])  # fmt: skip
def test_no_value_is_read_as_another(seeds: range, numbers: int, times: int):
    rngs = [np.random.default_rng(seed) for seed in seeds]
    assert sum(check_numbers(rng) for rng in rngs) >= numbers
    assert sum(check_times(rng) for rng in rngs) >= times


@pytest.mark.parametrize("kind", OTHERS)
def test_what_only_looks_like_numbers_or_times_is_not_read(kind: str):
    for seed in range(5):
        check_others(np.random.default_rng(seed), kind)
