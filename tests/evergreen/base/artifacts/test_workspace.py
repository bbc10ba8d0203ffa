"""The workspace: what is read is what was written, whole and verified, or an error; never half of it."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.base.files import write_bytes


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


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


def test_equal_content_has_one_name_and_other_content_another(ws, table):
    first, again = ws.write("t", table), ws.write("t", table.copy())
    other = ws.write("t", table.assign(whole=[1, 2, 4]))
    assert first == again
    assert first.uri != other.uri
    assert files_in(ws.root) == sorted([first.uri, other.uri])
    pd.testing.assert_frame_equal(ws.read(first), table)


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


# -- taken from another workspace --------------------------------------------------------------------------------------


def test_artifacts_of_another_workspace_are_here_under_the_same_references(ws, table, tmp_path):
    other = Workspace(root=tmp_path / "other")
    rows, folder = ws.write("t", table), ws.write_folder("f", {"a/b.txt": b"text"}, {"kind": "test"})
    for _ in range(2):
        for ref in (rows, folder):
            other.take(ref, ws)
            other.require(ref)
    assert files_in(other.root) == files_in(ws.root)
    pd.testing.assert_frame_equal(other.read(rows), table)


def test_damaged_copy_is_replaced_by_a_whole_one(ws, table, tmp_path):
    other = Workspace(root=tmp_path / "other")
    rows, folder = ws.write("t", table), ws.write_folder("f", {"a.txt": b"text"}, {})
    for ref in (rows, folder):
        other.take(ref, ws)
    other.path(rows.uri).write_bytes(b"x")
    (other.path(folder.uri) / "a.txt").write_bytes(b"x")
    for ref in (rows, folder):
        with pytest.raises(IntegrityError):
            other.require(ref)
        other.take(ref, ws)
        other.require(ref)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"x"), lambda path: path.unlink()])
def test_what_is_gone_or_damaged_there_leaves_nothing_here(spoil, ws, table, tmp_path):
    other = Workspace(root=tmp_path / "other")
    rows, folder = ws.write("t", table), ws.write_folder("f", {"a.txt": b"text"}, {})
    spoil(ws.path(rows.uri))
    spoil(ws.path(folder.uri) / "a.txt")
    for ref in (rows, folder):
        with pytest.raises(IntegrityError):
            other.take(ref, ws)
    assert files_in(tmp_path / "other") == []
