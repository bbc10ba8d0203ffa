"""Folders are published whole, verified before anybody parses them, and lead nowhere else."""

import hashlib
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evergreen.base.artifacts.folders import MANIFEST, read_folder
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.base.files import file_digest


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_folder_that_does_not_fit_on_the_disk_leaves_the_old_one(tmp_path, limited_disk):
    ws = Workspace.beside(tmp_path)
    old = ws.write_folder("model", {"a": b"old"}, {})
    with limited_disk(1_000), pytest.raises(ResourceError, match="RES001"):
        ws.write_folder("model", {"a": b"new", "b": b"x" * 100_000}, {})
    assert files_in(tmp_path) == ["model/a", f"model/{MANIFEST}"]
    assert read_folder(ws.path(old.uri), old.sha256)[1] == {"a": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


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


ENTRY = {"path": "a", "size": 1, "sha256": sha256(b"1")}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (b"", "does not list files"),
        (b"[" * 100_000, "does not list files"),
        (b"[]", "does not list files"),
        (b"{}", "does not list files"),
        (b'{"files": 7}', "does not list files"),
        (b'{"files": [7]}', "does not list files"),
        (json.dumps({"files": [{"path": "a"}]}).encode(), "does not list files"),
        (json.dumps({"files": [{**ENTRY, "size": "much"}]}).encode(), "does not list files"),
        (json.dumps({"files": [ENTRY]}).encode("utf-16"), "does not list files"),
        (json.dumps({"files": [ENTRY, ENTRY]}).encode(), "file 'a' is listed twice"),
        (json.dumps({"files": [{**ENTRY, "size": -1}]}).encode(), "file 'a' is not the one"),
        (json.dumps({"files": [{**ENTRY, "path": "a\0"}]}).encode(), "cannot be read"),
        (json.dumps({"files": [{**ENTRY, "sha256": None}]}).encode(), "file 'a' is not the one"),
    ],
)
def test_manifest_that_has_its_digest_and_is_not_one_of_ours_is_refused(tmp_path, manifest, says):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / MANIFEST).write_bytes(manifest)
    with pytest.raises(IntegrityError, match=says):
        read_folder(tmp_path, sha256(manifest))


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
