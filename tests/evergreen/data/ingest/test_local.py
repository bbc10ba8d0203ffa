"""Files: one, a folder, a glob; nothing outside the root, nothing that is no regular file."""

import gzip
import hashlib
import os
import shutil
import socket

import pyarrow as pa
import pytest

from evergreen.base.errors import ConfigError, DataError
from evergreen.config.contract.sources import FileSource
from evergreen.data.ingest import items, local


@pytest.fixture
def folder(tmp_path):
    project = tmp_path.resolve() / "project"
    (project / "data" / "2024").mkdir(parents=True)
    (project / "data" / "b.csv").write_text("a\n2\n")
    (project / "data" / "2024" / "a.csv").write_text("a\n1\n")
    (tmp_path / "outside.csv").write_text("secret\n1\n")
    return project


def find(project, path, **options):
    return local.find(FileSource(kind="file", path=path, **options), project=project)


def names(project, path, **options):
    return [item.name for item in find(project, path, **options)]


def refusal(project, path, **options):
    with pytest.raises(DataError) as caught:
        find(project, path, **options)
    return caught.value


def test_one_file_is_named_and_hashed(folder):
    (item,) = find(folder, "data/b.csv")
    assert (item.name, item.uri, item.size) == ("data/b.csv", str(folder / "data" / "b.csv"), 4)
    assert item.sha256 == hashlib.sha256(b"a\n2\n").hexdigest()
    assert (item.format, item.compression) == ("csv", "")


def test_folder_holds_all_files_below_it_by_name(folder):
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv"]
    assert names(folder, "data", root=".") == names(folder, "data/")
    assert names(folder, ".", root="data") == ["2024/a.csv", "b.csv"]


def test_hidden_files_and_those_with_an_underscore_are_left_out_of_folders_and_globs(folder):
    for name in ("_SUCCESS", ".b.csv.crc", "_old.csv", "b.csv.dvc"):
        (folder / "data" / name).touch()
    (folder / "data" / ".cache").mkdir()
    (folder / "data" / ".cache" / "c.csv").write_text("a\n")
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv"]
    assert names(folder, "**/*.csv") == ["data/2024/a.csv", "data/b.csv"]
    assert names(folder, "data/_old.csv") == ["data/_old.csv"]


def test_glob_matches_in_the_root_only(folder):
    assert names(folder, "data/*/*.csv") == ["data/2024/a.csv"]
    assert names(folder, "data/[ab].csv") == ["data/b.csv"]
    (folder / "data" / "[x].csv").write_text("a\n")
    assert names(folder, "data/[x].csv") == ["data/[x].csv"]


def test_absolute_root_and_a_path_inside_it_are_accepted(folder, tmp_path):
    assert names(folder, "outside.csv", root=str(tmp_path)) == ["outside.csv"]
    assert names(folder, str(folder / "data" / "b.csv")) == ["data/b.csv"]


@pytest.mark.parametrize(
    "path",
    ["../outside.csv", "data/../../outside.csv", "../*.csv", "/etc/passwd", "file:///etc/passwd", "s3://b/k.csv"],
)
def test_path_that_leads_out_of_the_root_is_refused(folder, path):
    error = refusal(folder, path)
    assert (error.code, error.where) == ("DQ027", str(folder))
    assert error.what == f"'{path}' leads out of the declared root"


@pytest.mark.parametrize("path", ["link.csv", "data", "data/*.csv", "data/link.csv", "data/far/outside.csv"])
def test_link_that_leads_out_of_the_root_is_refused(folder, tmp_path, path):
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "data" / "link.csv").symlink_to("../../outside.csv")
    (folder / "data" / "far").symlink_to(tmp_path)
    assert refusal(folder, path).code == "DQ027"


def test_links_inside_the_root_are_followed_and_circles_end(folder):
    (folder / "data" / "2024" / "up").symlink_to("..")
    (folder / "data" / "c.csv").symlink_to("b.csv")
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv", "data/c.csv"]
    (folder / "data" / "loop.csv").symlink_to("loop.csv")
    assert refusal(folder, "data/loop.csv").code == "DQ000"


@pytest.mark.parametrize("path", ["nothing.csv", "data/*.parquet", "none/", "\0"])
def test_nothing_there_is_said(folder, path):
    error = refusal(folder, path)
    assert (error.code, error.what) == ("DQ000", "the source file does not exist")


def test_empty_folder_is_nothing(folder):
    (folder / "empty").mkdir()
    assert refusal(folder, "empty").what == "the source file does not exist"


def test_file_that_may_not_be_read_is_said(folder):
    (folder / "data" / "b.csv").chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        error = refusal(folder, "data/b.csv")
    finally:
        if root:
            os.seteuid(0)
    assert (error.code, error.what) == ("DQ000", "the source file cannot be read: Permission denied")


def test_pipe_device_and_socket_are_refused_without_waiting(folder, monkeypatch):
    os.mkfifo(folder / "data" / "pipe.csv")
    assert refusal(folder, "data/pipe.csv").what == "the source is not a regular file"
    (folder / "data" / "pipe.csv").unlink()
    monkeypatch.chdir(folder / "data")  # the whole path is too long for a socket's name
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door.csv")
    assert refusal(folder, "data/door.csv").code == "DQ000"
    assert refusal(folder, "null", root="/dev", format="csv").what == "the source is not a regular file"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a.csv", ("csv", "")),
        ("A.CSV", ("csv", "")),
        ("a.txt", ("csv", "")),
        ("a.tsv", ("tsv", "")),
        ("a.parquet", ("parquet", "")),
        ("a.pq", ("parquet", "")),
        ("a.jsonl", ("jsonl", "")),
        ("a.ndjson", ("jsonl", "")),
        ("a.csv.gz", ("csv", "gzip")),
        ("a.tar.tsv.gzip", ("tsv", "gzip")),
        ("a.jsonl.zip", ("jsonl", "zip")),
        ("a.json", ("json", "")),
        ("A.XLSX", ("xlsx", "")),
        ("a.csv.zst", ("csv", "zstd")),
        ("a.tsv.zstd", ("tsv", "zstd")),
    ],
)
def test_name_tells_format_and_compression(folder, name, known):
    (folder / name).write_text("a\n")
    (item,) = find(folder, name)
    assert (item.format, item.compression) == known


@pytest.mark.parametrize("name", ["a.docx", "a", "a.gz", "a.csv.bak"])
def test_unknown_format_is_refused_until_it_is_named(folder, name):
    (folder / name).write_text("a\n1\n")
    with pytest.raises(ConfigError) as caught:
        find(folder, name)
    assert (caught.value.code, caught.value.where) == ("CFG028", name)
    assert caught.value.next_step == "Set source.format in the contract to one of csv, tsv, parquet, jsonl, json, xlsx."
    assert find(folder, name, format="tsv")[0].format == "tsv"


def test_same_bytes_elsewhere_are_the_same_item_by_digest(folder, tmp_path):
    (item,) = find(folder, "data/b.csv")
    items.check_unchanged(item)
    path = folder / "data" / "b.csv"
    os.utime(path, (0, 0))
    items.check_unchanged(item)
    (touched,) = find(folder, "data/b.csv")
    assert (touched.stamp == item.stamp, touched.sha256 == item.sha256) == (False, True)
    copied = shutil.copy(path, tmp_path / "elsewhere.csv")
    elsewhere = item.model_copy(update={"uri": str(copied)})
    items.check_unchanged(elsewhere)
    (tmp_path / "elsewhere.csv").write_text("other bytes")
    with pytest.raises(DataError):
        items.check_unchanged(elsewhere)


@pytest.mark.parametrize("change", ["rewritten", "replaced", "gone"])
def test_file_that_changes_while_it_is_read_is_noticed(folder, change):
    (item,) = find(folder, "data/b.csv")
    path = folder / "data" / "b.csv"
    before = path.stat()
    if change == "rewritten":
        path.write_text("a\n3\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "replaced":
        (folder / "new").write_text("a\n22\n")
        (folder / "new").replace(path)
    else:
        path.unlink()
    with pytest.raises(DataError) as caught:
        items.check_unchanged(item)
    assert (caught.value.code, caught.value.what) == ("DQ028", "changed while it was read")


def test_file_that_changes_while_it_is_hashed_is_hashed_again(folder, monkeypatch):
    path, hashed, writes = folder / "data" / "b.csv", hashlib.file_digest, ["a\n33\n"]

    def slow(file, name):
        found = hashed(file, name)
        if writes:
            path.write_text(writes.pop())
        return found

    monkeypatch.setattr(items.hashlib, "file_digest", slow)
    (item,) = find(folder, "data/b.csv")
    assert (item.size, item.sha256) == (5, hashlib.sha256(b"a\n33\n").hexdigest())
    writes += ["a\n4\n", "a\n555\n"]
    assert refusal(folder, "data/b.csv").code == "DQ028"


def test_documents_and_files_without_a_byte_are_left_out_of_folders_and_globs(folder):
    for name in ("README.md", "LICENSE", "2024/notes.html", "2024/adult.names"):
        (folder / "data" / name).write_text("no rows\n")
    (folder / "data" / "2024" / "part-7.csv").touch()
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv"]
    assert names(folder, "data/**/*") == ["data/2024/a.csv", "data/b.csv"]
    source = FileSource(kind="file", path="data")
    assert local.besides(source, project=folder) == (
        "data/2024/adult.names", "data/2024/notes.html", "data/2024/part-7.csv", "data/LICENSE", "data/README.md",
    )  # fmt: skip


def test_compressed_parts_of_nothing_are_left_out_and_broken_ones_are_not(folder):
    (folder / "data" / "c.csv.gz").write_bytes(gzip.compress(b""))
    (folder / "data" / "d.csv.zst").write_bytes(pa.compress(b"", "zstd", asbytes=True))
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv"]
    (folder / "data" / "e.csv.gz").write_bytes(gzip.compress(b"a\n")[:-9])
    assert names(folder, "data") == ["data/2024/a.csv", "data/b.csv", "data/e.csv.gz"]


def test_file_that_is_named_is_never_left_out_and_neither_is_one_of_an_unknown_kind(folder):
    (folder / "data" / "README.md").write_text("a\n1\n")
    assert names(folder, "data/README.md", format="csv") == ["data/README.md"]
    (folder / "data" / "part-0001").write_text("a\n1\n")
    with pytest.raises(ConfigError, match="CFG028"):
        find(folder, "data")


def test_folder_of_files_without_a_byte_is_an_empty_table_and_not_nothing(folder):
    (folder / "none").mkdir()
    (folder / "none" / "a.csv").touch()
    (folder / "none" / "b.csv").touch()
    assert [item.size for item in find(folder, "none")] == [0, 0]


def test_folders_named_column_is_value_say_so_of_their_rows(folder):
    for name in ("zone=north/a.csv", "zone=south%20east/day=__HIVE_DEFAULT_PARTITION__/a.csv"):
        (folder / "parts" / name).parent.mkdir(parents=True)
        (folder / "parts" / name).write_text("a\n1\n")
    first, second = find(folder, "parts")
    assert (first.values, second.values) == ({"zone": "north"}, {"zone": "south east", "day": None})
    assert first.sha256 == second.sha256
    assert first.rows_sha256 != second.rows_sha256
