"""Values of any Arrow type, one by one and as texts."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from evergreen.data.typed.values import as_texts, coded_texts, one_by_one, shown, stored


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([1.0, 2.5, None, float("nan")]), ["1", "2.5", None, None]),
        (pa.array([Decimal("1.50"), None]), ["1.5", None]),
        (pa.array([dt.date(2024, 1, 5)]), ["2024-01-05"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([b"\xff", b"ok"]), [None, "ok"]),
    ],
)
def test_value_is_the_text_that_spells_it(values, texts):
    assert as_texts(one_by_one(stored(values))).to_pylist() == texts


def test_dictionary_of_texts_stays_one_and_any_other_is_none():
    assert coded_texts(pa.array(["a", "b", "a"]).dictionary_encode()).to_pylist() == ["a", "b", "a"]
    assert coded_texts(pa.array(["a\0", "b"]).dictionary_encode()) is None
    assert coded_texts(pa.array([1, 2]).dictionary_encode()) is None


def test_value_that_cannot_be_read_is_shown_all_the_same():
    assert shown(pa.scalar(b"\xff")) == "\\xff"
    assert shown(pa.scalar(10**18, pa.timestamp("s"))) == f"{10**18} (timestamp[s])"
