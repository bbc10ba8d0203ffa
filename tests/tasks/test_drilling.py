"""What a drill reads and writes: rows of a window and those before, a fault among them, and when it showed."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import referenced
import versions

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.drift import DriftParams
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.table import to_table
from evergreen.decisions.drill.caught import Alarm
from tasks.drilling import (
    PAST,
    WINDOW,
    calmly,
    copied,
    last_day,
    noticed,
    rows_between,
    write_copy,
    write_faulted,
)

MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)
CONTRACT = Contract.model_validate(
    {
        "name": "d",
        "description": "",
        "source": {"kind": "file", "path": "d.csv"},
        "timezone": versions.NEW_YORK,
        "label_delay_days": 1,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time", "nullable": True},
            {"name": "n", "type": "integer", "role": "feature", "nullable": True, "physical": "int32"},
            {"name": "x", "type": "number", "role": "feature", "nullable": True},
            {"name": "t", "type": "text", "role": "ignore", "nullable": True, "pii": "hash"},
            {"name": "u", "type": "category", "role": "feature"},
            {"name": "b", "type": "boolean", "role": "target", "nullable": True},
        ],
    }
)
TIMES = [
    "2024-02-29T23:59", "2024-03-01T04:59", "2024-03-01T05:00", "2024-03-15T12:00", "2024-04-01T03:59",
    "2024-04-01T04:00", None,
]  # fmt: skip  # midnight of New York is five hours after that of UTC, and four in April


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path)


def raw(ws: Workspace, times=TIMES, name="raw"):
    """Return a dataset version whose rows are numbered in the order of their times."""
    rows = [
        {"at": time and versions.at(time), "n": n, "x": n / 2, "t": f"p{n}", "u": "box", "b": n % 2 == 0}
        for n, time in enumerate(times)
    ]
    return versions.publish(ws.root, [versions.rows_of(rows)], name)[1]


def numbers(path) -> list[int]:
    return sorted(pq.read_table(path)["n"].to_pylist())


def month(ws: Workspace, a_day: int = 30) -> tuple[FolderRef, pd.DataFrame]:
    """Return the reference of two months of rows, and those of March as typed rows."""
    rng, n = np.random.default_rng(5), 91 * a_day
    rows = pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01T06:00", periods=n, freq=pd.Timedelta(days=1) / a_day, tz="UTC").floor("s"),
            "n": pd.array(rng.integers(0, 9, n), dtype="Int64"),
            "x": rng.normal(size=n),
            "t": "p",
            "u": rng.choice(["box", "bag"], n),
            "b": rng.random(n) < 0.4,
        }
    )
    types = {"n": "integer", "x": "number", "u": "category"}
    before = rows[rows["at"] < "2024-03-01T05:00"]
    leaned = {"x": 0.9, "n": 0.2, "u": 0.1}
    made = referenced.reference(
        referenced.seen(before, types, zone=versions.NEW_YORK), "binary", None, importances=leaned
    )
    return referenced.kept(ws, made), rows[rows["at"] >= "2024-03-01T05:00"]


def stored(rows: pd.DataFrame, folder) -> None:
    """Write the rows of a window as `write_copy` does."""
    folder.mkdir()
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / WINDOW)


def test_window_and_what_came_before_are_of_the_local_calendar(ws, tmp_path):
    write_copy(raw(ws), tmp_path / "copy", ws=ws, contract=CONTRACT, start=MARCH, end=APRIL)
    assert numbers(tmp_path / "copy" / WINDOW) == [2, 3, 4, 6]  # and that without a time
    assert numbers(tmp_path / "copy" / PAST) == [0, 1]


def test_past_that_has_no_rows_is_no_file(ws, tmp_path):
    write_copy(raw(ws), tmp_path / "copy", ws=ws, contract=CONTRACT, start=date(2024, 2, 1), end=APRIL)
    assert [path.name for path in (tmp_path / "copy").iterdir()] == [WINDOW]


def test_copy_is_read_as_it_was_stored_and_nothing_is_hashed_or_renamed_again(ws, tmp_path):
    write_copy(raw(ws), tmp_path / "copy", ws=ws, contract=CONTRACT, start=MARCH, end=APRIL)
    contract = copied(CONTRACT, tmp_path / "copy")
    assert [(column.name, column.type, column.role) for column in contract.columns] == [
        (column.name, column.type, column.role) for column in CONTRACT.stored
    ]
    assert {column.pii for column in contract.columns} == {None, "keep"}
    assert {column.physical for column in contract.columns} == {None}
    found = sources.locate(contract, Settings(project=tmp_path / "elsewhere", home=tmp_path))
    assert sorted(item.name for item in found.items) == [PAST, WINDOW]
    assert pq.read_table(tmp_path / "copy" / WINDOW)["t"].to_pylist() == ["p2", "p3", "p4", "p6"]


@pytest.mark.parametrize(
    ("times", "day"),
    [(TIMES, APRIL), (TIMES[:5], date(2024, 3, 31)), ([*reversed(TIMES[:2])], date(2024, 2, 29)), ([None], None)],
)
def test_last_day_is_that_of_the_latest_row_in_local_time(ws, times, day):
    assert last_day(raw(ws, times), ws, CONTRACT) == day


@pytest.mark.parametrize(
    ("first", "last", "rows"),
    [
        (MARCH, MARCH, 1),
        (MARCH, date(2024, 3, 15), 2),
        (date(2024, 3, 31), date(2024, 3, 31), 1),
        (MARCH, APRIL, 3),  # the one without a time lies on no day
        (date(2024, 3, 2), date(2024, 3, 3), 0),
    ],
)
def test_rows_of_days_are_counted_with_both_ends(ws, tmp_path, first, last, rows):
    write_copy(raw(ws), tmp_path / "copy", ws=ws, contract=CONTRACT, start=MARCH, end=APRIL)
    assert rows_between(tmp_path / "copy", CONTRACT, first, last) == rows


def test_fault_is_in_the_window_alone_and_the_past_beside_it_is_the_same(ws, tmp_path):
    reference, rows = month(ws)
    stored(rows, tmp_path / "copy")
    pq.write_table(pa.table({"n": [1]}), tmp_path / "copy" / PAST)
    given = {
        "reference": reference, "ws": ws, "contract": CONTRACT, "start": MARCH, "end": APRIL, "seed": 7,
        "odd": frozenset(),
    }  # fmt: skip
    put = write_faulted("unit-x100", tmp_path / "copy", tmp_path / "faulted", **given)
    assert (put.columns, put.since) == (("x",), MARCH)  # on which the model leans most
    with_fault = pq.read_table(tmp_path / "faulted" / WINDOW).to_pandas()
    np.testing.assert_allclose(with_fault["x"], rows["x"] * 100)
    assert with_fault["n"].tolist() == rows["n"].tolist()
    assert (tmp_path / "faulted" / PAST).read_bytes() == (tmp_path / "copy" / PAST).read_bytes()
    np.testing.assert_allclose(pq.read_table(tmp_path / "copy" / WINDOW)["x"], rows["x"])  # as it was

    odd = write_faulted("unit-x100", tmp_path / "copy", tmp_path / "odd", **{**given, "odd": frozenset({"x"})})
    assert odd.columns == ("n",)
    assert not (tmp_path / "none").exists()
    stored(rows.assign(u="box"), tmp_path / "plain")
    assert write_faulted("renamed-category", tmp_path / "plain", tmp_path / "none", **given) is None
    assert not (tmp_path / "none").exists()


def noticed_of(ws: Workspace, rows: pd.DataFrame, reference: FolderRef, *new: Alarm) -> dict[Alarm, date]:
    bins = referenced.Reference.read(ws.path(reference.uri), reference.sha256).features.bins
    typed = pa.Table.from_pandas(rows[["at", *bins]], preserve_index=False)
    seen = to_table(profile(typed, bins, time="at", zone=versions.NEW_YORK))
    given = {"reference": reference, "ws": ws, "params": DriftParams(), "start": MARCH, "end": APRIL}
    with ws.writer("profile", seen.schema) as writer:
        writer.add(seen)
    return noticed(new, writer.ref, **given)


def test_fault_of_the_first_day_is_noticed_on_it_and_one_that_began_later_after_it_did(ws):
    reference, rows = month(ws)
    constant, wholly = Alarm("faults", "x", "constant"), Alarm("faults", "n", "unit")
    since_10 = rows["at"] >= "2024-03-10T05:00"
    times = since_10.map({True: 100, False: 1}).to_numpy()
    broken = rows.assign(x=3.0, n=rows["n"] * times)
    found = noticed_of(ws, broken, reference, constant, wholly)
    assert found == {constant: MARCH, wholly: date(2024, 3, 14)}  # of the first ten days only one is of another unit
    assert noticed_of(ws, rows, reference, constant, wholly) == {}


def test_what_a_profile_does_not_show_was_noticed_on_no_day(ws):
    reference, rows = month(ws)
    assert noticed_of(ws, rows, reference, Alarm("harm"), Alarm("labels", "", "late")) == {}
    asked = {"reference": reference, "ws": ws, "params": DriftParams(), "start": MARCH, "end": APRIL}
    assert noticed([Alarm("faults", "x", "constant")], None, **asked) == {}


def test_version_without_a_proof_is_asked_of_its_rows_alone(ws, params, monkeypatch):
    monkeypatch.setattr("evergreen.decisions.drill.calm.WINDOWS", 10)
    reference, _ = month(ws)
    found = calmly(reference, ws=ws, contract=CONTRACT, params=params, threshold=0.5, days=())
    measured = {one.alarm: one for one in found}
    assert list(measured) == ["shift", "faults", "harm"]
    assert (measured["faults"].n, measured["faults"].raised) == (10, 0)
    assert measured["harm"].measured is None
    assert measured["harm"].why_not
