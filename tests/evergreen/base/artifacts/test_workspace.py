"""Artifacts: what is read is what was written, whole and verified, or an error; never half of it."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evergreen.base.artifacts.folders import MANIFEST, read_folder
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, Item, TableRef
from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.base.files import file_digest, write_bytes
from evergreen.base.values import digest_of


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture
def table() -> pd.DataFrame:
    times = pd.to_datetime(["2013-03-10T06:59:00Z", "2013-11-03T05:30:00Z", None])
    return pd.DataFrame(
        {
            "time": times.as_unit("us"),
            "whole": [1, 2, 3],
            "real": [0.1, np.nan, -1e300],
            "text": pd.Series(["a", None, "é 漢"], dtype="str"),
            "yes": [True, False, True],
            "group": pd.Categorical(["x", "y", "x"]),
        }
    )


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# -- tables -------------------------------------------------------------------------------------------------------


def test_table_comes_back_with_its_values_types_and_order(ws, table):
    pd.testing.assert_frame_equal(ws.read(ws.write("t", table)), table)


def test_flights_come_back_as_they_were(ws, flights_table):
    back = ws.read(ws.write("raw", flights_table))
    # Plain Parquet does not say which of pandas' types for integers and truth values it was.
    assert back["late"].dtype == object
    pd.testing.assert_frame_equal(back.astype(flights_table.dtypes.to_dict()), flights_table)


def test_nullable_integers_come_back_as_numbers_with_nan(ws):
    back = ws.read(ws.write("t", pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64")})))
    np.testing.assert_array_equal(back["n"].to_numpy(), [1.0, np.nan, 3.0])


def test_empty_table_comes_back_empty_with_its_types(ws, table):
    empty = table.drop(columns="group").iloc[:0]
    ref = ws.write("t", empty)
    assert ref.rows == 0
    pd.testing.assert_frame_equal(ws.read(ref), empty.reset_index(drop=True))


def test_index_is_not_kept(ws, table):
    assert ws.write("t", table.set_axis([7, 8, 9])) == ws.write("t", table)


def test_read_projects_columns_in_the_order_asked_for(ws, table):
    back = ws.read(ws.write("t", table), columns=["whole", "time"])
    pd.testing.assert_frame_equal(back, table[["whole", "time"]])


def test_reference_says_rows_and_the_digest_of_the_bytes(ws, table):
    ref = ws.write("t", table)
    content = ws.path(ref.uri).read_bytes()
    assert (ref.rows, ref.sha256) == (3, sha256(content))
    assert ref.uri == f"t-{ref.sha256[:16]}.parquet"
    assert pq.read_metadata(ws.path(ref.uri)).num_rows == 3


def long_table(n: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(n), "t": [None if i % 7 == 0 else f"text {i % 50_021}" for i in range(n)]})


@pytest.mark.parametrize("n", [0, 1, 1_000, ROWS_PER_GROUP, 2 * ROWS_PER_GROUP + 17])
def test_table_written_in_pieces_has_the_bytes_of_the_whole(ws, n):
    table = long_table(n)
    whole = ws.write("t", table)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    for size in (max(n // 3, 1), 50_000, 300_000):
        with ws.writer("t", arrow.schema) as writer:
            writer.add(arrow.slice(0, 0))
            for begin in range(0, n, size):
                for batch in arrow.slice(begin, size).to_batches(max_chunksize=40_000):
                    writer.add(batch)
        assert writer.ref == whole
    assert (whole.rows, files_in(ws.root)) == (n, [whole.uri])
    pd.testing.assert_frame_equal(ws.read(whole), table)
    groups = pq.read_metadata(ws.path(whole.uri))
    counts = [groups.row_group(g).num_rows for g in range(groups.num_row_groups)]
    assert counts == [ROWS_PER_GROUP] * (n // ROWS_PER_GROUP) + ([n % ROWS_PER_GROUP] if n % ROWS_PER_GROUP else [])


def test_many_small_pieces_cost_no_more_than_a_few_large_ones(ws):
    rows = pa.table({"n": range(20_000)})
    with ws.writer("t", rows.schema) as writer:
        for begin in range(20_000):
            writer.add(rows.slice(begin, 1))
    assert writer.ref == ws.write("t", rows.to_pandas())


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(5, "cannot read the source")])
def test_writing_that_fails_leaves_nothing_and_hides_nothing(ws, error):
    def write():
        rows = pa.table({"n": range(10)})
        with ws.writer("t", rows.schema) as writer:
            writer.add(rows)
            raise error

    with pytest.raises(type(error)) as caught:
        write()
    assert caught.value is error
    assert files_in(ws.root) == []


def test_rows_of_another_schema_leave_nothing(ws):
    def write():
        with ws.writer("t", pa.schema([("n", pa.int64())])) as writer:
            writer.add(pa.table({"n": [1]}))
            writer.add(pa.table({"m": ["a"]}))

    with pytest.raises(pa.ArrowInvalid):
        write()
    assert files_in(ws.root) == []


def test_pieces_that_do_not_fit_on_the_disk_leave_nothing(ws, limited_disk):
    rows = pa.table({"x": np.random.default_rng(7).random(3 * ROWS_PER_GROUP)})

    def write():
        with ws.writer("t", rows.schema) as writer:
            for begin in range(0, len(rows), 50_000):
                writer.add(rows.slice(begin, 50_000))

    with limited_disk(100_000), pytest.raises(ResourceError, match="RES001"):
        write()
    assert files_in(ws.root) == []


def test_equal_content_has_one_name_and_other_content_another(ws, table):
    first, again = ws.write("t", table), ws.write("t", table.copy())
    other = ws.write("t", table.assign(whole=[1, 2, 4]))
    assert first == again
    assert first.uri != other.uri
    assert files_in(ws.root) == sorted([first.uri, other.uri])
    pd.testing.assert_frame_equal(ws.read(first), table)


def test_schema_hash_follows_names_and_types_but_not_values(ws, table):
    first = ws.write("t", table)
    assert ws.write("t", table.assign(whole=[7, 8, 9])).schema_hash == first.schema_hash
    assert ws.write("t", table.astype({"whole": "float64"})).schema_hash != first.schema_hash
    assert ws.write("t", table.rename(columns={"whole": "part"})).schema_hash != first.schema_hash


def test_workspace_beside_uses_plain_names_and_overwrites(tmp_path, table):
    ws = Workspace.beside(tmp_path / "data")
    old = ws.write("t", table)
    new = ws.write("t", table.iloc[:1])
    assert files_in(ws.root) == ["t.parquet"]
    assert ws.table("t") == new
    with pytest.raises(IntegrityError, match="INT002"):
        ws.read(old)


def test_flipping_any_one_byte_is_found(ws, table):
    ref = ws.write("t", table)
    path = ws.path(ref.uri)
    content = path.read_bytes()
    for at in (0, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(IntegrityError) as caught:
            ws.read(ref)
        assert (caught.value.code, caught.value.where) == ("INT002", str(path))
    path.write_bytes(content)
    assert len(ws.read(ref)) == 3


def test_table_cut_short_is_found(ws, table):
    ref = ws.write("t", table)
    os.truncate(ws.path(ref.uri), 100)
    with pytest.raises(IntegrityError, match="INT002"):
        ws.read(ref)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: (path.unlink(), path.mkdir())], ids=["gone", "folder"])
def test_table_that_is_not_there_is_an_integrity_error(ws, table, damage):
    ref = ws.write("t", table)
    damage(ws.path(ref.uri))
    with pytest.raises(IntegrityError) as caught:
        ws.read(ref)
    assert (caught.value.code, caught.value.where) == ("INT001", str(ws.path(ref.uri)))


@pytest.mark.parametrize("content", [None, b"", b"PAR1 no parquet PAR1"], ids=["missing", "empty", "garbage"])
def test_plain_table_that_is_not_whole_is_an_integrity_error(tmp_path, content):
    ws = Workspace.beside(tmp_path)
    if content is not None:
        (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        ws.table("t")
    assert (caught.value.code, caught.value.where) == ("INT001", str(tmp_path / "t.parquet"))


# -- writing whole or not at all ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by_content", [True, False])
def test_table_that_does_not_fit_on_the_disk_leaves_nothing_new(tmp_path, limited_disk, by_content):
    ws = Workspace(root=tmp_path, by_content=by_content)
    small = pd.DataFrame({"x": [1]})
    kept = ws.write("t", small)
    large = pd.DataFrame({"x": np.random.default_rng(7).normal(size=100_000)})
    with limited_disk(65_536), pytest.raises(ResourceError) as caught:
        ws.write("t", large)
    assert caught.value.code == "RES001"
    assert files_in(tmp_path) == [kept.uri]
    pd.testing.assert_frame_equal(ws.read(kept), small)
    assert ws.write("t", large).rows == 100_000


def test_file_that_does_not_fit_on_the_disk_leaves_the_old_one(tmp_path, limited_disk):
    path = tmp_path / "some.json"
    write_bytes(path, b"old")
    with limited_disk(1_000), pytest.raises(ResourceError, match="RES001"):
        write_bytes(path, b"x" * 100_000)
    assert files_in(tmp_path) == ["some.json"]
    assert path.read_bytes() == b"old"


def test_folder_that_does_not_fit_on_the_disk_leaves_the_old_one(tmp_path, limited_disk):
    ws = Workspace.beside(tmp_path)
    old = ws.write_folder("model", {"a": b"old"}, {})
    with limited_disk(1_000), pytest.raises(ResourceError, match="RES001"):
        ws.write_folder("model", {"a": b"new", "b": b"x" * 100_000}, {})
    assert files_in(tmp_path) == ["model/a", f"model/{MANIFEST}"]
    assert read_folder(ws.path(old.uri), old.sha256)[1] == {"a": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "write",
    [
        lambda ws: ws.write("t", pd.DataFrame({"x": [1]})),
        lambda ws: ws.write_folder("m", {"a": b"x"}, {}),
        lambda ws: write_bytes(ws.root / "f", b"x"),
    ],
    ids=["table", "folder", "file"],
)
@pytest.mark.parametrize("inside", [".", "new"])
def test_writing_without_access_says_what_to_do(read_only_folder, write, inside):
    with pytest.raises(ResourceError) as caught:
        write(Workspace(root=read_only_folder / inside))
    assert caught.value.code == "RES002"
    assert "EVERGREEN_HOME" in caught.value.next_step
    assert list(read_only_folder.iterdir()) == []


def test_workspace_below_a_file_says_what_to_do(tmp_path, table):
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match="RES001"):
        Workspace(root=tmp_path / "file").write("t", table)


def test_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "some.json"
    contents = {bytes([letter]) * 200_000 for letter in b"abc"}
    write_bytes(path, b"a" * 200_000)
    done, seen = threading.Event(), set()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(20):
        for content in sorted(contents):
            write_bytes(path, content)
    done.set()
    reader.join()
    assert seen <= contents


KILLED = """
import os, signal, sys
from pathlib import Path
from evergreen.base.artifacts.workspace import Workspace
calls, kill_at = 0, int(sys.argv[2])
def counted(function):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return call
os.fsync, Path.replace, Path.rename = counted(os.fsync), counted(Path.replace), counted(Path.rename)
Workspace(root=Path(sys.argv[1])).write_folder("model", {"a": b"1", "b/c": b"2"}, {})
"""


@pytest.mark.parametrize("kill_at", [1, 4, 7])  # in the first file, in the last one, before the folder is renamed
def test_writer_killed_at_any_point_leaves_no_folder_and_the_next_one_succeeds(tmp_path, kill_at):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(kill_at)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    ws = Workspace(root=tmp_path)
    ref = ws.write_folder("model", {"a": b"1", "b/c": b"2"}, {})
    assert read_folder(ws.path(ref.uri), ref.sha256)[1] == {"a": b"1", "b/c": b"2"}


# -- folders ------------------------------------------------------------------------------------------------------


def test_folder_comes_back_with_its_files_and_what_it_is_about(ws):
    files = {"model.skops": b"\x00\x01", "deep/schema.json": b"{}", "empty": b""}
    ref = ws.write_folder("model", files, {"seed": 7, "rows": 3})
    manifest, back = read_folder(ws.path(ref.uri), ref.sha256)
    assert back == files
    assert (manifest["seed"], manifest["rows"]) == (7, 3)
    assert manifest["files"] == [
        {"path": path, "size": len(files[path]), "sha256": sha256(files[path])} for path in sorted(files)
    ]
    assert ref.sha256 == file_digest(ws.path(ref.uri) / MANIFEST)
    assert ref.uri == f"model-{ref.sha256[:16]}"


def test_folder_digest_depends_on_content_only(tmp_path):
    first = Workspace(root=tmp_path / "a").write_folder("model", {"x": b"1", "y": b"2"}, {"p": 1, "q": 2})
    second = Workspace.beside(tmp_path / "b" / "c").write_folder("other", {"y": b"2", "x": b"1"}, {"q": 2, "p": 1})
    assert first.sha256 == second.sha256


@pytest.mark.parametrize(
    ("files", "about"),
    [
        ({"x": b"1", "y": b"3"}, {"p": 1}),
        ({"x": b"1", "z": b"2"}, {"p": 1}),
        ({"x": b"1"}, {"p": 1}),
        ({"x": b"1", "y": b"2"}, {"p": 2}),
    ],
)
def test_folder_digest_changes_with_any_content(ws, files, about):
    one = ws.write_folder("model", {"x": b"1", "y": b"2"}, {"p": 1})
    assert ws.write_folder("model", files, about).sha256 != one.sha256


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "..", ".", "", "a//b", "..\\x", "C:\\x"])
def test_folder_with_a_path_that_leads_out_is_neither_written_nor_read(ws, path):
    with pytest.raises(ValueError, match="not paths inside"):
        ws.write_folder("model", {path: b"x"}, {})
    assert not ws.root.exists()
    (ws.root / "evil").mkdir(parents=True)
    (ws.root / "x").write_bytes(b"x")
    manifest = json.dumps({"files": [{"path": path, "size": 1, "sha256": sha256(b"x")}]}).encode()
    (ws.root / "evil" / MANIFEST).write_bytes(manifest)
    with pytest.raises(IntegrityError, match="leads out of the folder"):
        read_folder(ws.root / "evil", sha256(manifest))


@pytest.mark.parametrize(("files", "about"), [({MANIFEST: b"x"}, {}), ({"a": b"x"}, {"files": []})])
def test_folder_keeps_the_names_of_its_manifest(ws, files, about):
    with pytest.raises(ValueError, match="kept for the manifest"):
        ws.write_folder("model", files, about)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "a").write_bytes(b"2"), "file 'a' is not the one that was written"),
        (lambda folder: (folder / "a").write_bytes(b"11"), "file 'a' is not the one that was written"),
        (lambda folder: (folder / "a").unlink(), "file 'a' cannot be read: No such file"),
        (lambda folder: (folder / MANIFEST).write_bytes(b"{}"), "the manifest is not the one of digest"),
        (lambda folder: (folder / MANIFEST).unlink(), "no manifest: No such file"),
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "no manifest: No such file"),
    ],
)
def test_damaged_folder_is_refused_and_the_next_write_repairs_it(ws, damage, says):
    ref = ws.write_folder("model", {"a": b"1"}, {})
    folder = ws.path(ref.uri)
    damage(folder)
    with pytest.raises(IntegrityError) as caught:
        read_folder(folder, ref.sha256)
    assert (caught.value.code, caught.value.where) == ("INT003", str(folder))
    assert says in caught.value.what
    assert ws.write_folder("model", {"a": b"1"}, {}) == ref
    assert read_folder(folder, ref.sha256)[1] == {"a": b"1"}


def test_files_that_the_manifest_does_not_list_are_never_returned(ws):
    ref = ws.write_folder("model", {"a": b"1"}, {})
    (ws.path(ref.uri) / "evil.pkl").write_bytes(b"x")
    assert read_folder(ws.path(ref.uri), ref.sha256)[1] == {"a": b"1"}


@pytest.mark.parametrize("by_content", [True, False])
def test_folder_that_is_there_and_whole_is_left_alone(tmp_path, by_content):
    ws = Workspace(root=tmp_path, by_content=by_content)
    ref = ws.write_folder("model", {"a": b"1"}, {})
    before = ws.path(ref.uri).stat().st_ino, (ws.path(ref.uri) / "a").stat().st_ino
    assert ws.write_folder("model", {"a": b"1"}, {}) == ref
    assert (ws.path(ref.uri).stat().st_ino, (ws.path(ref.uri) / "a").stat().st_ino) == before


def test_plain_folder_is_replaced_by_other_content_without_leftovers(tmp_path):
    ws = Workspace.beside(tmp_path)
    ws.write_folder("model", {"a": b"1", "old": b"1"}, {})
    new = ws.write_folder("model", {"a": b"2"}, {})
    assert files_in(tmp_path) == ["model/a", f"model/{MANIFEST}"]
    assert ws.folder("model") == new


def test_folder_published_by_many_at_once_is_one_whole_folder(ws):
    files = {str(n): bytes([n]) * 1_000 for n in range(5)}
    with ThreadPoolExecutor(8) as pool:
        refs = {ref.sha256 for ref in pool.map(lambda _: ws.write_folder("model", files, {}), range(24))}
    ref = FolderRef(uri=f"model-{next(iter(refs))[:16]}", sha256=refs.pop())
    assert not refs
    assert read_folder(ws.path(ref.uri), ref.sha256)[1] == files
    assert [path.name for path in ws.root.iterdir()] == [ref.uri]


def test_plain_folder_that_is_missing_is_an_integrity_error(tmp_path):
    with pytest.raises(IntegrityError) as caught:
        Workspace.beside(tmp_path).folder("model")
    assert (caught.value.code, caught.value.where) == ("INT001", str(tmp_path / "model" / MANIFEST))


# -- what is here -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        lambda ref: ref,
        lambda ref: ref.model_dump(),
        lambda ref: {"model": ref.model_dump(), "rows": 3},
        lambda ref: [{"deep": [ref.model_dump()]}],
        lambda ref: {"pair": (ref, None)},
    ],
    ids=["reference", "json", "mapping", "list", "tuple"],
)
@pytest.mark.parametrize("kind", ["table", "folder"])
def test_workspace_knows_whether_it_holds_what_a_value_names(ws, table, wrap, kind):
    ref = ws.write("t", table) if kind == "table" else ws.write_folder("m", {"a": b"1"}, {})
    assert ws.holds(wrap(ref))
    path = ws.path(ref.uri)
    path.rename(path.with_name("elsewhere"))
    assert not ws.holds(wrap(ref))


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"uri": "no reference without a digest"}])
def test_workspace_holds_what_names_nothing(ws, value):
    assert ws.holds(value)


# -- digests of values --------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def without_uri(value):
    if isinstance(value, dict):
        return {key: without_uri(item) for key, item in value.items() if key != "uri"}
    return [without_uri(item) for item in value] if isinstance(value, list) else value


def moved(value, uri):
    """Return `value` with `uri` set in every mapping, however deep."""
    if isinstance(value, dict):
        return {**{key: moved(item, uri) for key, item in value.items()}, "uri": uri}
    return [moved(item, uri) for item in value] if isinstance(value, list) else value


@given(JSON, st.text(), st.text())
def test_digest_ignores_where_things_lie_at_any_depth(value, here, there):
    assert digest_of(moved(value, here)) == digest_of(moved(value, there)) == digest_of(without_uri(value))


@given(JSON, JSON)
def test_digest_tells_apart_what_json_tells_apart(one, other):
    # JSON text is the independent notion of equality: 1 and 1.0 and true are three values in it.
    same = json.dumps(without_uri(one), sort_keys=True) == json.dumps(without_uri(other), sort_keys=True)
    assert (digest_of(one) == digest_of(other)) == same


@given(st.dictionaries(st.text(), st.integers()))
def test_digest_does_not_depend_on_the_order_of_keys(value):
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@pytest.mark.parametrize(
    "ref",
    [
        TableRef(uri="a", rows=1, schema_hash="s", sha256="x"),
        FolderRef(uri="a", sha256="x"),
        Item(name="a", uri="/a", size=1, sha256="x", format="csv"),
        DatasetRef(uri="a", rows=1, facts="f", sha256="x"),
    ],
)
def test_digest_of_a_reference_equals_that_of_its_json(ref):
    assert digest_of(ref) == digest_of(json.loads(ref.model_dump_json()))
    assert digest_of({"in": [ref]}) == digest_of({"in": [ref.model_copy(update={"uri": "b"})]})
    assert digest_of(ref) != digest_of(ref.model_copy(update={"sha256": "y"}))


def test_digest_of_a_set_is_the_same_in_every_process():
    script = (
        "from evergreen.base.artifacts.workspace import digest_of; print(digest_of({'in': {'a', 'b', 'c', 'd', 'e'}}))"
    )
    seeds = ("1", "2")
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in seeds
    }
    assert len(found) == 1
