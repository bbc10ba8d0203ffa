"""Streams: decompressed within limits, decoded, and every byte that is not text marked."""

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import json_lines, readers, streams
from evergreen.data.ingest.items import item_of


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def parquet_bytes(table, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer, **options)
    return buffer.getvalue()


def test_bytes_that_are_no_text_make_their_row_unreadable(rows):
    found = rows("a.csv", b"a,b\ncaf\xe9,1\nx\x00y,2\n\xff,2,3\nz,3\n\xc3,4\n\xed\xa0\x80,5\n\xf0\x9f\x98\x80,6")
    assert bad(found) == {
        1: "caf\\xe9,1",
        2: "x\0y,2",
        3: "\\xff,2,3",
        5: "\\xc3,4",
        6: "\\xed\\xa0\\x80,5",
    }
    assert good(found) == [{"a": "z", "b": "3"}, {"a": "😀", "b": "6"}]


@pytest.mark.parametrize("block", range(1, 12))
def test_characters_cut_by_a_block_are_whole_again(rows, monkeypatch, block):
    monkeypatch.setattr(streams, "READ_BYTES", block)
    monkeypatch.setattr(json_lines, "READ_BYTES", block)
    text = '{"a":"é😀é"}\n{"a":"漢\\u6f22"}\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert good(rows("a.jsonl", text.encode(encoding))) == [{"a": "é😀é"}, {"a": "漢漢"}]
    assert bad(rows("a.jsonl", b'{"a":"\xf0\x9f\x98"}\n')) == {1: '{"a":"\\xf0\\x9f\\x98"}'}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_with_a_mark_and_ends_of_line_are_understood(rows, encoding, end):
    content = end.join(["naïve,b", "é,1", "😀,2", ""]).encode(encoding)
    assert good(rows("a.csv", content)) == [{"naïve": "é", "b": "1"}, {"naïve": "😀", "b": "2"}]


def test_utf16_with_a_lone_surrogate_or_cut_in_a_character(rows, refusal):
    content = "a,b\nx,1\ny,2\n".encode("utf-16")
    assert bad(rows("a.csv", content.replace(b"x\x00", b"\x00\xd8"))) == {1: "\\ud800,1"}
    assert refusal("a.csv", content[:-1]).code == "DQ002"


def zipped(*names, content=b"a,b\n1,2\n", **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


def test_compressed_text_is_read(rows):
    for name, content in (
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)),
        ("members.csv.gz", gzip.compress(b"a,b\n", mtime=0) + gzip.compress(b"1,2\n", mtime=0) + b"\0" * 512),
        ("a.csv", gzip.compress(b"a,b\n1,2\n", mtime=0)),
        ("a.csv.zip", zipped("a.csv")),
        ("a.zip", zipped("deep/a.csv")),
        ("a.csv.zst", zstd(b"a,b\n1,2\n")),
        ("frames.csv.zst", zstd(b"a,b\n") + zstd(b"1,2\n")),
        ("b.csv", zstd(b"a,b\n1,2\n")),
    ):
        assert good(rows(name, content)) == [{"a": "1", "b": "2"}], name
    assert good(rows("a.jsonl.gz", gzip.compress(b'{"a":1}'))) == [{"a": "1"}]


def test_archive_of_other_than_one_file_is_refused(refusal):
    for content in (zipped("a.csv", "b.csv"), zipped()):
        assert "files, expected one" in refusal("a.csv.zip", content).what


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.csv.zip", "a.csv.zst", "a.jsonl.gz"])
def test_file_cut_at_any_byte_is_refused(tmp_path, name):
    content = {
        "a.parquet": parquet_bytes({"a": [1, 2, 3], "b": ["x", "y", None]}),
        "a.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n3,4\n" * 20),
        "a.csv.zip": zipped("a.csv"),
        "a.csv.zst": zstd(b"a,b\n" + b"1,2\n3,4\n" * 20),
        "a.jsonl.gz": gzip.compress(b'{"a":1}\n{"a":2}\n'),
    }[name]
    path = tmp_path / name
    for size in range(1, len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError) as caught:
            list(readers.read(item_of(path, name=name), missing=MISSING))
        assert caught.value.code == "DQ002", size
        assert caught.value.what.startswith("cannot be parsed: ")


def test_csv_cut_at_any_byte_loses_no_whole_row(tmp_path):
    records = ["a,b\n", '11,"x\ny"\n', "22,é\n", "33,z\n"]
    values = [{"a": "11", "b": "x\ny"}, {"a": "22", "b": "é"}, {"a": "33", "b": "z"}]
    content, ends = "".join(records).encode(), np.cumsum([len(record.encode()) for record in records])
    path = tmp_path / "a.csv"
    for size in range(4, len(content)):
        path.write_bytes(content[:size])
        batches = readers.read(item_of(path, name="a.csv"), missing=MISSING)
        found = sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["_row"])
        whole = int((ends[1:] <= size).sum())
        assert good(found)[:whole] == values[:whole], size
        assert len(found) == whole + (size not in ends), size


def test_every_changed_byte_of_a_gzip_is_noticed_or_harmless(tmp_path):
    text = b"a,b\n" + b"1,2\n3,4\n" * 5
    content = gzip.compress(text)
    path = tmp_path / "a.csv.gz"

    def outcome(at):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            return sum(map(len, readers.read(item_of(path, name="a.csv.gz"), missing=MISSING)))
        except DataError as error:
            return error.code

    assert {outcome(at) for at in range(len(content))} <= {10, "DQ002", "DQ029", "DQ030"}


def gzip_bomb(size):
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    chunk = b"0,0\n" * (streams.MIB // 4)
    parts = [squeeze.compress(chunk) for _ in range(size // streams.MIB)]
    return gzip.compress(b"a,b\n") + b"".join([*parts, squeeze.flush()])


def parquet_bomb():
    """A small file with one row group, whose footer promises more than a GiB."""
    buffer = io.BytesIO()
    column = pa.chunked_array([pa.array(["x" * 8 * streams.MIB])] * 130)
    pq.write_table(pa.table({"a": column}), buffer, compression="zstd", use_dictionary=False)
    assert pq.read_metadata(buffer).num_row_groups == 1
    return buffer.getvalue()


def rows_bomb():
    """A footer that promises 2^40 rows: the number, a varint, is changed in a file of one."""
    content = parquet_bytes({"a": [0]}, compression="none")
    size = struct.unpack("<I", content[-8:-4])[0]
    footer = content[-8 - size : -8]
    changed = footer.replace(b"\x16\x02\x19", b"\x16\x80\x80\x80\x80\x80\x40\x19", 1)
    assert changed != footer
    return content[: -8 - size] + changed + struct.pack("<I", len(changed)) + b"PAR1"


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    small = gzip_bomb(100 * streams.MIB)
    (folder / "a.csv.gz").write_bytes(small)
    # The size that a file of members gives is that of the last.
    (folder / "members.csv.gz").write_bytes(small + gzip.compress(b"1,2\n"))
    (folder / "a.csv.zip").write_bytes(zipped("a.csv", content=b"0,0\n" * (25 * streams.MIB)))
    (folder / "a.csv.zst").write_bytes(zstd(b"a,b\n" + b"0,0\n" * (25 * streams.MIB)))
    (folder / "a.parquet").write_bytes(parquet_bomb())
    (folder / "rows.parquet").write_bytes(rows_bomb())
    return folder


@pytest.mark.parametrize("name", ["a.csv.gz", "members.csv.gz", "a.csv.zip", "a.csv.zst", "a.parquet", "rows.parquet"])
def test_bomb_is_refused_within_two_seconds_of_cpu_and_300_mib(bombs, name):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from evergreen.base.errors import DataError\nfrom evergreen.data.ingest import items, readers\n"
        "import evergreen.data.ingest.delimited, evergreen.data.ingest.parquet\n"
        "path = Path(sys.argv[1]); begun = time.process_time()\n"
        "try: list(readers.read(items.item_of(path, name=path.name), missing=()))\n"
        "except DataError as error: print(error.code)\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1]\n"
        "print(time.process_time() - begun, int(peak) / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(bombs / name)], capture_output=True, text=True)
    found, seconds, mib = done.stdout.split()
    assert found == "DQ030", done.stderr
    assert float(seconds) < 2
    assert float(mib) < 300


def test_honest_repetition_is_no_bomb(rows, item):
    ones = parquet_bytes({"a": np.ones(5_000_000, dtype="int64")}, compression="zstd")
    assert sum(len(batch) for batch in readers.read(item("a.parquet", ones), missing=())) == 5_000_000
    text = gzip.compress(b"a,b\n" + b"0,0\n" * 1_000_000)
    assert sum(len(batch) for batch in readers.read(item("a.csv.gz", text), missing=())) == 1_000_000
