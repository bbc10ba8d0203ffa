"""Files known by the sha256 of their bytes, and what their names and first bytes tell."""

import gzip
import hashlib
import os
import zipfile

import pytest

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import ConfigError, DataError
from evergreen.data.ingest.items import check_unchanged, item_of


def test_item_is_measured_and_hashed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n1\n")
    item = item_of(path, name="shown.csv")
    assert (item.name, item.uri, item.size) == ("shown.csv", str(path), 4)
    assert item.sha256 == hashlib.sha256(b"x\n1\n").hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "known"),
    [
        ("a.CSV", b"x", ("csv", "")),
        ("a.txt", b"x", ("csv", "")),
        ("a.tab", b"x", ("tsv", "")),
        ("a.pq", b"x", ("parquet", "")),
        ("a.ndjson", b"x", ("jsonl", "")),
        ("a.csv.gz", gzip.compress(b"x", mtime=0), ("csv", "gzip")),
        ("a.csv", gzip.compress(b"x", mtime=0), ("csv", "gzip")),  # its bytes tell, where its name does not
        ("a.tsv.gzip", b"x", ("tsv", "gzip")),
        ("a.json", b"x", ("json", "")),
        ("a.csv.zst", b"x", ("csv", "zstd")),
        ("a.csv", b"\x28\xb5\x2f\xfd", ("csv", "zstd")),
        ("a.xlsx", b"PK\x03\x04", ("xlsx", "")),  # an archive too, but not one of a table
    ],
)
def test_format_and_compression_follow_from_name_and_bytes(tmp_path, name, content, known):
    (tmp_path / "file").write_bytes(content)
    item = item_of(tmp_path / "file", name=name)
    assert (item.format, item.compression) == known


def test_archive_is_what_its_only_member_is(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("inside.tsv", "x")
    assert item_of(tmp_path / "one.zip", name="one.zip").format == "tsv"
    with zipfile.ZipFile(tmp_path / "one.zip", "a") as archive:
        archive.writestr("second.tsv", "x")
    with pytest.raises(ConfigError):
        item_of(tmp_path / "one.zip", name="one.zip")


def test_name_that_does_not_tell_needs_a_declared_format(tmp_path):
    (tmp_path / "data").write_bytes(b"x")
    with pytest.raises(ConfigError) as caught:
        item_of(tmp_path / "data", name="data")
    assert caught.value.code == "CFG028"
    assert item_of(tmp_path / "data", name="data", format="jsonl").format == "jsonl"
    assert item_of(tmp_path / "data", name="data.csv", format="jsonl").format == "jsonl"
    assert item_of(tmp_path / "data", name="data", otherwise="jsonl").format == "jsonl"
    assert item_of(tmp_path / "data", name="data.csv", otherwise="jsonl").format == "csv"


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for name, says in (("gone.csv", "does not exist"), ("pipe.csv", "not a regular file")):
        with pytest.raises(DataError, match=says) as caught:
            item_of(tmp_path / name, name=name)
        assert caught.value.code == "DQ000"


def test_change_of_the_bytes_is_noticed_and_a_change_of_the_time_alone_is_not(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n1\n")
    item = item_of(path, name="a.csv")
    os.utime(path, (1, 1))
    check_unchanged(item)
    check_unchanged(Item.model_validate(item.model_dump()))
    path.write_bytes(b"x\n2\n")  # of the same size
    with pytest.raises(DataError) as caught:
        check_unchanged(item)
    assert caught.value.code == "DQ028"
    path.unlink()
    with pytest.raises(DataError, match="changed while it was read"):
        check_unchanged(item)
