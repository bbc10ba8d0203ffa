"""Which spelling of a number is found: the one that every text has, and none where two would do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from evergreen.config.contract.columns import Column
from evergreen.config.contract.spelling import NumberSpelling
from evergreen.data.typed.schema import conform
from evergreen.proposal.spellings import numbers
from evergreen.proposal.spellings.told import Told

VALUES = np.random.default_rng(0).normal(0, 2_000, 200).round(2).tolist()
POSITIVE = [abs(value) + 1 for value in VALUES]


def read(texts: Sequence[str], spelling: NumberSpelling) -> pa.Array:
    column = Column(name="n", type="number", role="ignore", spelling=spelling, nullable=True)
    return conform(pa.RecordBatch.from_pydict({"n": list(texts)}), [column], zone="UTC").column("n")


def told(texts: Sequence[str], **asked: Any) -> Told | None:
    texts = list(dict.fromkeys(texts))
    return numbers.told(texts, np.ones(len(texts), np.int64), read=lambda way: read(texts, way), **asked)


def german(value: float, digits: int = 2) -> str:
    return f"{value:,.{digits}f}".replace(",", "_").replace(".", ",").replace("_", ".")


@pytest.mark.parametrize(
    ("texts", "values", "unit"),
    [
        ([f"{v:.1f}%" for v in VALUES], [round(v, 1) for v in VALUES], "%"),
        ([f"${v:,.2f}" for v in POSITIVE], POSITIVE, "$"),
        ([f"-${-v:,.2f}" if v < 0 else f"${v:,.2f}" for v in VALUES], VALUES, "$"),
        ([f"({-v:,.2f})" if v < 0 else f"{v:,.2f}" for v in VALUES], VALUES, ""),
        ([german(v) for v in VALUES], VALUES, ""),
        ([german(v) + " €" for v in VALUES], VALUES, "€"),
        ([f"{v:,.2f}".replace(",", "\u202f").replace(".", ",") for v in VALUES], VALUES, ""),
        ([f"CHF {v:,.2f}".replace(",", "'") for v in POSITIVE], POSITIVE, "CHF"),
        ([f"{v:.1f}°C" for v in VALUES], [round(v, 1) for v in VALUES], "°C"),
        ([f"{v:.1f} km/h" for v in POSITIVE], [round(v, 1) for v in POSITIVE], "km/h"),
        ([f"{v:.2f}".replace(".", ",").replace("-", "\u2212") for v in VALUES], VALUES, ""),
        ([f"{v:.2f}".replace("-", "\u2212") for v in VALUES], VALUES, ""),
        ([f"{v:.2f}".replace("-", "\u2013") for v in VALUES], VALUES, ""),
        ([f"\u2013{-v:,.2f} €" if v < 0 else f"{v:,.2f} €" for v in VALUES], VALUES, "€"),
    ],
)
def test_numbers_of_one_spelling_are_read_as_they_were_meant(texts: list[str], values: list[float], unit: str):
    found = told(texts)
    assert found is not None
    assert found.type == "number"
    assert isinstance(found.spelling, NumberSpelling)
    assert read(texts, found.spelling).to_pylist() == pytest.approx(values)
    assert found.unit == unit


def test_no_thousands_begin_with_a_zero():
    texts = ["-0,123", "1,234", "2,345"]
    found = told(texts)
    assert found is not None
    assert found.spelling == NumberSpelling(decimal=",")
    assert read(texts, NumberSpelling(decimal=",")).to_pylist() == [-0.123, 1.234, 2.345]


@pytest.mark.parametrize(
    "texts", [["1,234", "2,345", "12,123"], ["1,234", "234", "2,345"], ["1,234 mi", "500 mi", "2,000 mi"]]
)
def test_a_comma_that_may_be_either_is_noted_with_both_readings(texts: list[str]):
    found = told(texts)
    assert found is not None
    assert found.type is None
    assert "1.234 or 1234" in found.notes[0] or "2 or 2000" in found.notes[0]
    assert "{decimal: ','" in found.notes[0]
    assert "{thousands: ','" in found.notes[0]
    assert "--decimal" in found.remedy


def test_a_comma_is_what_a_person_says_it_is():
    texts = ["1,234", "2,345", "12,123"]
    for decimal, wanted in ((",", 1.234), (".", 1_234.0)):
        found = told(texts, decimal=decimal)
        assert found is not None
        assert isinstance(found.spelling, NumberSpelling)
        assert read(texts, found.spelling)[0].as_py() == wanted


def test_a_price_in_dollars_has_no_three_decimals():
    found = told(["$1,234", "$950", "$12,500"])
    assert found is not None
    assert found.spelling == NumberSpelling(thousands=",", before="$")
    for sign, text in (("¥", "¥{:,}"), ("円", "{:,}円"), ("₩", "₩{:,}"), ("₹", "₹ {:,}")):
        found = told([text.format(n) for n in (31_139, 950, 12_500)])
        assert found is not None
        assert isinstance(found.spelling, NumberSpelling)
        assert (found.spelling.thousands, found.unit) == (",", sign)
    per_litre = told(["1,459 €", "1,499 €", "1,519 €"])
    assert per_litre is not None
    assert per_litre.type is None


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["1 kg", "2 lb", "3 kg", "4 kg"], "'kg', 'lb'"),
        (["10%", "0.2", "30%"], "'%', nothing"),
        (["1.5k", "2M", "3.5k"], "'k', 'M'"),
        (["<5", "5.2", "6.1", "7"], "bounds"),
        (["12.5-", "13", "14-"], "minus behind"),
        (["1,000+", "5,000+", "10,000+"], "plus behind"),
        (["1,234.5", "1.234,5", "3"], "several spellings"),
        (["1,00,000", "12,34,567", "5,000"], "groups of two"),
    ],
)
def test_numbers_that_cannot_be_read_are_noted_with_what_to_do(texts: list[str], said: str):
    found = told(texts)
    assert found is not None
    assert found.type is None
    assert said in found.notes[0]
    assert ";" in found.notes[0]
    assert found.fault


@pytest.mark.parametrize(
    "texts",
    [
        ["36 months", "60 months"],
        ["A12", "B13", "C14"],
        ["12A", "13A", "14A"],
        ["10-20", "20-30", "30-40"],
        ["01234 x", "01235 x", "0123 x"],
        ["612 345 678", "655 123 456", "699 111 222"],
        ["10.1.2.3", "10.2.3.4", "1.2.3.4"],
        ["1.2.3", "1.2.4", "2.0.1"],
        ["10:30", "11:40", "12:50"],
        ["1/2", "3/4", "5/8"],
        ["1 year", "2 years", "10+ years"],
        ["Q1", "Q2", "Q3"],
        ["1.5", "2", "3e4"],
    ],
)
def test_what_is_no_number_of_an_unusual_spelling_is_left_alone(texts: list[str]):
    assert told(texts) is None


def test_two_numbers_in_one_value_are_noted():
    found = numbers.told_in_pairs(["120/80", "135 / 92", "118/76"])
    assert found is not None
    assert "'120/80'" in found.notes[0]
    assert numbers.told_in_pairs(["120/80", "low", "118/76"]) is None
