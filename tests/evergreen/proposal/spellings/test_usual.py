"""Texts of any spelling in the usual one, and others as they came."""

import pyarrow as pa

from evergreen.config.contract.spelling import NumberSpelling
from evergreen.proposal.spellings.told import Told
from evergreen.proposal.spellings.usual import as_read


def read(texts: list[str | None], told: Told) -> list[str | None]:
    return as_read(pa.RecordBatch.from_pydict({"x": texts}), "x", told, {"x": told}).to_pylist()


def test_numbers_are_written_as_usual_and_strays_stay():
    told = Told("number", NumberSpelling(decimal=",", thousands="."), missing=("-", "n.d."))
    assert read(["1.234,5", "-", None, " n.d.", "-0,5", "many"], told) == ["1234.5", None, None, None, "-0.5", "many"]


def test_marks_of_usual_numbers_are_missing():
    assert read(["1.5", "?", "7"], Told("number", missing=("?",))) == ["1.5", None, "7"]


def test_times_keep_whether_they_say_an_offset():
    wall = Told("timestamp", "%d/%m/%Y %H:%M")
    assert read(["31/12/2024 08:30", "soon"], wall) == ["2024-12-31 08:30:00.000000", "soon"]
    zoned = Told("timestamp", "%d/%m/%Y %H:%M %z")
    assert read(["31/12/2024 08:30 +0200"], zoned) == ["2024-12-31 06:30:00.000000Z"]
    assert read(["1704067200"], Told("timestamp", "epoch seconds")) == ["2024-01-01 00:00:00.000000Z"]


def test_parts_are_joined_and_missing_ones_leave_no_time():
    batch = pa.RecordBatch.from_pydict({"day": ["31/12/2024", "01/01/2025", None], "hour": ["23", None, "4"]})
    told = {
        "day": Told("timestamp", "%d/%m/%Y"),
        "hour": Told("integer"),
        "at": Told("timestamp", parts=("day", "hour")),
    }
    assert as_read(batch, "at", told["at"], told).to_pylist() == ["2024-12-31 23:00:00.000000", None, None]
    assert as_read(batch.select(["day"]), "at", told["at"], told).to_pylist() == [None, None, None]


def test_a_column_that_a_batch_lacks_is_missing_there():
    batch = pa.RecordBatch.from_pydict({"y": ["1"]})
    assert as_read(batch, "x", Told("number", missing=("-",)), {}).to_pylist() == [None]
