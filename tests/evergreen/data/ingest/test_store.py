"""The store: each item is read once, versions are made of what was read, and nothing is ever half done."""

import json
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, ResourceError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.data import datasets, ingest
from evergreen.data.ingest import store
from evergreen.data.ingest.items import item_of
from evergreen.data.typed.schema import ROW, UNREADABLE

ABOUT = {
    "name": "trips",
    "description": "d",
    "source": {"kind": "file", "path": "in/*"},
    "timezone": "America/New_York",
    "label_delay_days": 0,
    "columns": [
        {"name": "id", "type": "integer", "role": "key"},
        {"name": "at", "type": "timestamp", "role": "time"},
        {"name": "fare", "type": "number", "role": "feature", "nullable": True},
        {"name": "zone", "type": "category", "role": "feature", "nullable": True},
        {"name": "tip", "type": "boolean", "role": "target"},
    ],
}
JANUARY = ["1,2013-01-05T12:00:00,3.5,north,true", "2,2013-01-31T23:59:59,,south,false"]
FEBRUARY = ["3,2013-02-01T00:00:00,7,,true"]
HEADER = "id,at,fare,zone,tip"


def contract_of(**change) -> Contract:
    columns = [{**each, **change.pop(each["name"], {})} for each in ABOUT["columns"]]
    return Contract.model_validate({**ABOUT, "columns": columns, **change})


class Project:
    """Files beside a store, and how often the reader was asked for one."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inbox, self.store = root / "in", root / "store"
        self.inbox.mkdir()
        self.read: list[str] = []
        original = ingest.batches

        def counted(item, source, missing):
            self.read.append(item.name)
            yield from original(item, source, missing)

        monkeypatch.setattr(ingest, "batches", counted)

    def put(self, name: str, lines: list[str], header: str = HEADER) -> None:
        (self.inbox / name).write_text("\n".join([header, *lines]) + "\n")

    def sync(self, contract: Contract | None = None, *, joined=(), made_with="code", secret=b"s" * 32):
        """Return the version's folder and manifest; what was read for it is in `read`."""
        self.read.clear()
        items = tuple(item_of(path, name=f"in/{path.name}") for path in sorted(self.inbox.iterdir()))
        source = SourceRef(items=items, joined=joined)
        return store.sync(source, contract or contract_of(), self.store, made_with=made_with, secret=secret)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    return Project(tmp_path, monkeypatch)


def rows_of(path: Path, manifest) -> list[dict]:
    tables = [pq.read_table(path / part.path, partitioning=None) for part in manifest.fragments]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: (row["id"] or 0, row[ROW]))


def hidden(root: Path) -> list[str]:
    return [str(path) for path in root.rglob(".*")]


# -- incremental and idempotent -----------------------------------------------------------------------------------


def test_rows_are_typed_and_numbered_and_lie_in_their_local_month(project):
    project.put("a.csv", JANUARY + FEBRUARY)
    path, manifest = project.sync()
    assert [(row["id"], row["fare"], row["zone"], row["tip"], row[ROW]) for row in rows_of(path, manifest)] == [
        (1, 3.5, "north", True, 1), (2, None, "south", False, 2), (3, 7.0, None, True, 3),
    ]  # fmt: skip
    assert manifest.partitions == {"2013-01": 2, "2013-02": 1}
    assert (manifest.rows, manifest.source, manifest.name) == (3, "file", "trips")
    assert path == project.store / manifest.digest[:16]
    assert datasets.read_manifest(path) == manifest


def written(folder):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*.parquet")}


def test_second_sync_reads_nothing(project, monkeypatch):
    project.put("a.csv", JANUARY)
    first = project.sync()
    assert project.read == ["in/a.csv"]
    before = written(first[0])

    def fail(*_):
        raise AssertionError("read again")

    monkeypatch.setattr(ingest, "batches", fail)
    assert project.sync() == first
    assert written(first[0]) == before


def test_same_bytes_under_two_names_count_once_and_that_is_said(project, caplog):
    project.put("a.csv", JANUARY)
    alone = project.sync()[1]
    shutil.rmtree(project.store)
    project.put("b.csv", JANUARY)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        _, manifest = project.sync()
    assert caplog.messages == ["ingest: in/b.csv has the bytes of in/a.csv; its rows are counted once"]
    assert project.read == ["in/a.csv"]
    assert [(item.name, item.rows, item.duplicate_of) for item in manifest.items] == [
        ("in/a.csv", 2, ""), ("in/b.csv", 0, "in/a.csv"),
    ]  # fmt: skip
    assert (manifest.rows, manifest.digest) == (2, alone.digest)


def test_file_that_was_renamed_is_not_read_again(project):
    project.put("a.csv", JANUARY)
    _, first = project.sync()
    (project.inbox / "a.csv").rename(project.inbox / "z.csv")
    assert project.sync()[1].digest == first.digest
    assert project.read == []


def test_late_file_lands_in_its_own_month_and_leaves_the_others_as_they_are(project):
    project.put("b.csv", FEBRUARY)
    old_path, old = project.sync()
    project.put("a.csv", JANUARY)
    path, manifest = project.sync()
    assert project.read == ["in/a.csv"]
    assert manifest.partitions == {"2013-01": 2, "2013-02": 1}
    assert path != old_path
    (february,) = old.fragments
    assert february in manifest.fragments
    assert (path / february.path).stat().st_ino == (old_path / february.path).stat().st_ino
    assert [row["id"] for row in rows_of(old_path, old)] == [3]


def test_changed_file_is_a_new_version_and_the_old_one_stays_whole(project):
    project.put("a.csv", JANUARY)
    project.put("b.csv", FEBRUARY)
    old_path, old = project.sync()
    project.put("b.csv", ["3,2013-02-01T00:00:00,8,,true"])
    path, manifest = project.sync()
    assert project.read == ["in/b.csv"]
    assert [row["fare"] for row in rows_of(path, manifest)] == [3.5, None, 8.0]
    assert [row["fare"] for row in rows_of(old_path, old)] == [3.5, None, 7.0]
    found = datasets.diff(old, manifest)
    assert (found.changed_items, found.partitions) == (("in/b.csv",), {"2013-02": (1, 1)})
    assert [each for _, each in datasets.versions(project.store)] == [old, manifest]


def test_removed_file_takes_its_rows_along(project):
    project.put("a.csv", JANUARY)
    _, first = project.sync()
    project.put("b.csv", FEBRUARY)
    project.sync()
    (project.inbox / "b.csv").unlink()
    assert project.sync()[1] == first
    assert project.read == []


@pytest.mark.parametrize(
    ("change", "again"),
    [
        ({"fare": {"max": 5}}, False),
        ({"fare": {"role": "leakage"}, "rows": (1, 9)}, False),
        ({"description": "other"}, False),
        ({"fare": {"type": "text"}}, True),
        ({"zone": {"pii": "hash", "role": "ignore"}}, True),
        ({"tip": {"spelling": ("false", "true")}}, True),
        ({"timezone": "UTC"}, True),
        ({"missing": ("-",)}, True),
    ],
)
def test_only_what_decides_how_values_are_read_reads_again(project, change, again):
    project.put("a.csv", JANUARY)
    _, first = project.sync()
    _, second = project.sync(contract_of(**change))
    assert project.read == (["in/a.csv"] if again else [])
    assert again or second.digest == first.digest


def test_other_code_and_another_secret_read_again(project):
    project.put("a.csv", JANUARY)
    project.sync()
    project.sync(made_with="other")
    assert project.read == ["in/a.csv"]
    private = contract_of(zone={"pii": "hash", "role": "ignore"})
    (_, one), (_, two), (_, again) = (
        project.sync(private, secret=secret) for secret in (b"1" * 32, b"2" * 32, b"1" * 32)
    )
    assert project.read == []
    assert one.digest == again.digest != two.digest


def test_same_bytes_of_another_format_are_read_anew(project):
    project.put("a.csv", JANUARY)
    project.sync()
    (project.inbox / "a.csv").rename(project.inbox / "a.tsv")
    with pytest.raises(DataError, match="DQ029"):
        project.sync()


# -- one dataset from any format ----------------------------------------------------------------------------------


def test_same_rows_of_any_format_have_one_digest(project):
    typed = pd.DataFrame(
        {
            "id": [1, 2, 3],
            "at": pd.to_datetime(["2013-01-05 12:00:00", "2013-01-31 23:59:59", "2013-02-01 00:00:00"]),
            "fare": [3.5, None, 7.0],
            "zone": pd.Categorical(["north", "south", None]),
            "tip": [True, False, True],
        }
    )
    lines = [
        {"id": 1, "at": "2013-01-05T12:00:00", "fare": 3.5, "zone": "north", "tip": True},
        {"id": 2, "at": "2013-01-31T23:59:59", "zone": "south", "tip": False},
        {"id": 3, "at": "2013-02-01T00:00:00", "fare": 7, "tip": True},
    ]
    writers = {
        "a.csv": lambda path: path.write_text("\n".join([HEADER, *JANUARY, *FEBRUARY])),
        "a.tsv": lambda path: path.write_text("\n".join([HEADER, *FEBRUARY, *JANUARY]).replace(",", "\t")),
        "a.parquet": lambda path: typed.to_parquet(path),
        "b.parquet": lambda path: typed.astype({"id": "Int16", "zone": "str", "fare": "float32"}).to_parquet(path),
        "a.jsonl": lambda path: path.write_text("\n".join(map(json.dumps, lines))),
        "a.csv.gz": lambda path: typed.to_csv(path, index=False),
    }
    manifests = {}
    for name, put in writers.items():
        put(project.inbox / name)
        manifests[name] = project.sync()[1]
        (project.inbox / name).unlink()
    assert {each.digest for each in manifests.values()} == {manifests["a.csv"].digest}
    assert manifests["a.csv"].items[0].physical == manifests["a.jsonl"].items[0].physical == {}
    assert manifests["b.parquet"].items[0].physical["id"] == "int16"


def test_json_lines_may_name_a_column_late(project, monkeypatch):
    first = pa.RecordBatch.from_pydict({"id": ["1"], "at": ["2013-01-05"], "tip": ["true"]})
    second = pa.RecordBatch.from_pydict(
        {"id": ["2"], "at": ["2013-01-06"], "tip": ["true"], "fare": ["2"], "zone": ["n"]}
    )
    monkeypatch.setattr(ingest, "batches", lambda *_: iter([first, second]))
    (project.inbox / "a.jsonl").write_text("{}")
    path, manifest = project.sync()
    assert [row["fare"] for row in rows_of(path, manifest)] == [None, 2.0]
    monkeypatch.setattr(ingest, "batches", lambda *_: iter([first]))
    (project.inbox / "a.jsonl").write_text("{} ")
    with pytest.raises(DataError, match="DQ001: missing columns: fare, zone"):
        project.sync()


def test_facts_of_an_item_are_kept(project):
    project.put("a.csv", [line + ",9" for line in reversed(JANUARY)], HEADER + ",extra")
    _, manifest = project.sync()
    (item,) = manifest.items
    assert (item.unordered, item.undeclared, item.rows) == (1, ("extra",), 2)


def test_values_that_cannot_be_read_are_kept_beside_the_row(project):
    project.put("a.csv", ['1,2013-01-05T12:00:00,"1,200",north,true', "2,never,3,north,perhaps"])
    path, manifest = project.sync()
    notes = [json.loads(row[UNREADABLE]) for row in rows_of(path, manifest)]
    assert notes == [{"fare": "1,200"}, {"at": "never", "tip": "perhaps"}]
    assert manifest.partitions == {"2013-01": 1, datasets.UNDATED: 1}


def test_joined_columns_are_brought_and_another_joined_file_reads_again(project, tmp_path):
    join = {"source": {"kind": "file", "path": "zones.csv"}, "by": {"zone": "zone"}, "columns": {"km": "km"}}
    columns = [*ABOUT["columns"], {"name": "km", "type": "number", "role": "feature", "nullable": True}]
    contract = Contract.model_validate({**ABOUT, "joins": [join], "columns": columns})
    project.put("a.csv", JANUARY)
    for km in ("5", "6"):
        (tmp_path / "zones.csv").write_text(f"zone,km\nnorth,{km}\n")
        path, manifest = project.sync(contract, joined=((item_of(tmp_path / "zones.csv", name="zones.csv"),),))
        assert [row["km"] for row in rows_of(path, manifest)] == [float(km), None]
        assert project.read == ["zones.csv", "in/a.csv"]


# -- failures -----------------------------------------------------------------------------------------------------


def test_crash_while_reading_leaves_nothing_half_done(project, monkeypatch):
    project.put("a.csv", JANUARY)
    project.put("b.csv", FEBRUARY)
    counted = ingest.batches

    def failing(item, source, missing):
        yield from counted(item, source, missing)
        if item.name == "in/b.csv":
            raise KeyboardInterrupt

    monkeypatch.setattr(ingest, "batches", failing)
    with pytest.raises(KeyboardInterrupt):
        project.sync()
    assert hidden(project.store) == []
    assert datasets.versions(project.store) == []
    monkeypatch.setattr(ingest, "batches", counted)
    path, manifest = project.sync()
    assert project.read == ["in/b.csv"]
    assert len(rows_of(path, manifest)) == 3


@pytest.mark.parametrize(
    ("lines", "header", "code"),
    [
        (JANUARY, "id,at,fare,zone,tup", "DQ001"),
        ([*JANUARY, "3,2013-01-05T12:00:00Z,1,north,true"], HEADER, "DQ002"),
    ],
)
def test_faulty_file_is_refused_and_an_older_version_stays(project, lines, header, code):
    project.put("a.csv", JANUARY)
    old_path, old = project.sync()
    project.put("b.csv", lines, header)
    with pytest.raises(DataError) as caught:
        project.sync()
    assert (caught.value.code, caught.value.where) == (code, "in/b.csv")
    assert datasets.versions(project.store) == [(old_path, old)]
    assert hidden(project.store) == []


def test_file_replaced_while_it_is_read_is_noticed(project, monkeypatch):
    project.put("a.csv", JANUARY)
    counted = ingest.batches

    def replaced(item, source, missing):
        yield from counted(item, source, missing)
        project.put("a.csv", FEBRUARY)

    monkeypatch.setattr(ingest, "batches", replaced)
    with pytest.raises(DataError, match="DQ028"):
        project.sync()
    assert hidden(project.store) == []


def test_damaged_fragment_is_read_again(project):
    project.put("a.csv", JANUARY)
    path, manifest = project.sync()
    damaged = path / manifest.fragments[0].path
    content = damaged.read_bytes()
    damaged.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])  # the item's copy is the same file
    assert project.sync() == (path, datasets.read_manifest(path))
    assert project.read == ["in/a.csv"]
    assert damaged.read_bytes() == content


def test_full_disk_is_one_clear_block_and_leaves_nothing(project, limited_disk):
    project.put("a.csv", [f"{n},2013-01-05T12:00:00,{n * 1.37},zone {n},true" for n in range(20_000)])
    with limited_disk(10_000), pytest.raises(ResourceError, match="RES001"):
        project.sync()
    assert hidden(project.store) == []


def test_many_may_sync_the_same_files_at_once(project):
    for n in range(4):
        project.put(f"{n}.csv", [f"{n},2013-0{n + 1}-05T12:00:00,1,north,true"])
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: project.sync(), range(12)))
    assert len({(path, manifest.digest) for path, manifest in found}) == 1
    assert len(rows_of(*found[0])) == 4
    assert hidden(project.store) == []


# -- the period ---------------------------------------------------------------------------------------------------


def taken(project, ws, contract=None, **period):
    contract = contract or contract_of()
    path, manifest = project.sync(contract)
    ref = store.take(path, manifest, ws, contract, IngestParams(**period))
    rows = [row["id"] for _, batch in datasets.batches(ws.path(ref.uri), ref) for row in batch.to_pylist()]
    assert len(rows) == ref.rows
    return ref, sorted(rows)


def test_period_is_taken_into_the_workspace_and_undated_rows_with_it(project, tmp_path):
    ws = Workspace(root=tmp_path / "ws")
    project.put("a.csv", [*JANUARY, *FEBRUARY, "4,never,1,north,true"])
    whole, rows = taken(project, ws)
    assert rows == [1, 2, 3, 4]
    january, rows = taken(project, ws, end=date(2013, 2, 1))
    assert rows == [1, 2, 4]
    assert taken(project, ws, start=date(2013, 1, 6), end=date(2013, 2, 1))[1] == [2, 4]
    assert taken(project, ws, end=date(2013, 2, 1))[0] == january
    assert january.uri == f"raw-{january.sha256[:16]}-{january.facts[:8]}" != whole.uri
    assert taken(project, Workspace.beside(tmp_path / "data"), end=date(2013, 2, 1))[0].uri == "raw"
    assert hidden(ws.root) == []


def test_equal_periods_of_different_versions_are_one_dataset(project, tmp_path):
    ws = Workspace(root=tmp_path / "ws")
    project.put("a.csv", JANUARY)
    first, _ = taken(project, ws)
    project.put("b.csv", FEBRUARY)
    assert taken(project, ws, end=date(2013, 2, 1))[0] == first


def test_period_without_rows_says_what_there_is(project, tmp_path):
    ws = Workspace(root=tmp_path / "ws")
    project.put("a.csv", [*JANUARY, *FEBRUARY])
    with pytest.raises(DataError) as caught:
        taken(project, ws, start=date(2020, 1, 1))
    assert (caught.value.code, caught.value.where) == ("DQ007", "in/a.csv")
    assert caught.value.what == ("no rows between 2020-01-01 and the end; the source holds 3 rows, 2013-01 to 2013-02")
    project.put("a.csv", [])
    with pytest.raises(DataError, match="DQ007"):
        taken(project, ws)


def test_period_of_a_table_without_a_time_is_refused(project, tmp_path):
    contract = contract_of(at={"role": "ignore"})
    project.put("a.csv", JANUARY)
    ws = Workspace(root=tmp_path / "ws")
    with pytest.raises(DataError, match=r"DQ007: ingest\.start and ingest\.end name a period"):
        taken(project, ws, contract, start=date(2013, 1, 1))
    assert taken(project, ws, contract)[1] == [1, 2]


# -- folders whose files differ -----------------------------------------------------------------------------------


def without_zone(line: str) -> str:
    return ",".join(part for at, part in enumerate(line.split(",")) if at != 3)


def test_column_that_comes_with_a_later_file_is_null_before_and_stays(project, caplog):
    project.put("a.csv", [without_zone(line) for line in JANUARY], header="id,at,fare,tip")
    project.put("b.csv", FEBRUARY)
    with caplog.at_level(logging.WARNING):
        path, manifest = project.sync()
    assert [row["zone"] for row in rows_of(path, manifest)] == [None, None, None]
    assert [item.absent for item in manifest.items] == [("zone",), ()]
    assert caplog.messages == ["ingest: in/a.csv has no column zone; null in its rows"]
    assert project.sync()[1] == manifest
    assert project.read == []
    project.put("c.csv", ["4,2013-03-01T00:00:00,7,true"], header="id,at,fare,tip")
    with pytest.raises(DataError, match="missing columns: zone;") as caught:
        project.sync()
    assert caught.value.where == "in/c.csv"


def test_file_read_before_as_the_first_is_refused_behind_one_that_has_more(project):
    project.put("b.csv", [without_zone(line) for line in JANUARY], header="id,at,fare,tip")
    project.put("c.csv", FEBRUARY)
    project.sync()
    project.put("a.csv", ["9,2013-03-01T00:00:00,7,north,true"])
    with pytest.raises(DataError, match="missing columns: zone;") as caught:
        project.sync()
    assert (caught.value.code, caught.value.where) == ("DQ001", "in/b.csv")


def test_columns_that_no_file_has_and_those_that_may_not_be_null_are_missing(project):
    for name, line in (("a.csv", JANUARY[0]), ("b.csv", JANUARY[1])):
        project.put(name, [without_zone(line)], header="id,at,fare,tip")
    with pytest.raises(DataError, match="missing columns: zone; no file has them"):
        project.sync()
    project.put("b.csv", FEBRUARY)
    with pytest.raises(DataError, match="missing columns: zone; a file before it has them, or they may not be null"):
        project.sync(contract_of(zone={"nullable": False}))


def test_files_of_equal_bytes_count_once_for_each_value_of_their_folders(project):
    project.put("a.csv", [without_zone(line) for line in JANUARY], header="id,at,fare,tip")
    one = item_of(project.inbox / "a.csv", name="zone=north/a.csv", values={"zone": "north"})
    items = (one, one.model_copy(update={"name": "zone=x/a.csv", "values": {"zone": None}}),
             one.model_copy(update={"name": "zone=north/b.csv"}))  # fmt: skip
    source = SourceRef(items=items)
    path, manifest = store.sync(source, contract_of(), project.store, made_with="code", secret=b"s")
    found = sorted((row["id"], row["zone"] or "") for row in rows_of(path, manifest))
    assert found == [(1, ""), (1, "north"), (2, ""), (2, "north")]
    assert [item.duplicate_of for item in manifest.items] == ["", "", "zone=north/a.csv"]
    assert len({item.sha256 for item in manifest.items}) == 2


def test_way_to_read_files_is_part_of_what_was_read(project):
    project.put("a.csv", [line.replace(",", ";") for line in JANUARY], header=HEADER.replace(",", ";"))
    with pytest.raises(DataError, match="DQ029"):
        project.sync()
    source = {"kind": "file", "path": "in/*", "delimiter": ";"}
    _, manifest = project.sync(contract_of(source=source))
    assert (manifest.rows, project.read) == (2, ["in/a.csv"])
    project.sync(contract_of(source=source))
    assert project.read == []
    project.sync(contract_of(source={**source, "comment": "#"}))
    assert project.read == ["in/a.csv"]
