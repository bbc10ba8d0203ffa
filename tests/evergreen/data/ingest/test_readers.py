"""Readers: every row once, numbered, as text or typed; what cannot be read is said, and bombs are not opened."""

import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.data.ingest import delimited, json_lines, parquet, readers, streams
from evergreen.data.ingest.items import item_of


@pytest.fixture
def item(tmp_path):
    def item(name: str, content: bytes | str, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return item_of(path, name=name, **options)

    return item


@pytest.fixture
def rows(item):
    def rows(name, content, *, missing=MISSING, columns=None):
        batches = readers.read(item(name, content), missing=missing, columns=columns)
        return sorted((row for batch in batches for row in batch.to_pylist()), key=lambda row: row["_row"])

    return rows


@pytest.fixture
def refusal(rows):
    def refusal(*args, **options) -> DataError:
        with pytest.raises(DataError) as caught:
            rows(*args, **options)
        return caught.value

    return refusal


def good(rows):
    return [{k: v for k, v in row.items() if k[0] != "_"} for row in rows if row["_unreadable"] is None]


def bad(rows):
    return {row["_row"]: json.loads(row["_unreadable"])["*"] for row in rows if row["_unreadable"] is not None}


def parquet_bytes(table, **options):
    buffer = io.BytesIO()
    pq.write_table(pa.table(table), buffer, **options)
    return buffer.getvalue()


def test_csv_gives_every_value_as_text_and_missing_ones_as_null(rows):
    found = rows("a.csv", 'id,x,note\n007,1.50,"a, ""b"""\n8,NA,\n9,"NA"," NA"\n')
    assert good(found) == [
        {"id": "007", "x": "1.50", "note": 'a, "b"'},
        {"id": "8", "x": None, "note": None},
        {"id": "9", "x": None, "note": " NA"},
    ]
    assert [row["_row"] for row in found] == [1, 2, 3]
    assert good(rows("a.csv", "a\nNA\n-\n", missing=("-",))) == [{"a": "NA"}, {"a": None}]


def test_batch_has_text_columns_then_row_number_then_what_could_not_be_read(item):
    (batch,) = readers.read(item("a.csv", "a,b\n1,2\n"), missing=())
    assert batch.schema == pa.schema(
        [("a", pa.string()), ("b", pa.string()), ("_row", pa.int64()), ("_unreadable", pa.string())]
    )


def test_columns_are_chosen_and_those_that_the_file_lacks_left_out(rows):
    for name, content in (("a.csv", "a,b,c\n1,2,3\n"), ("a.jsonl", '{"a":1,"b":2,"c":3}\n')):
        assert good(rows(name, content, columns=["c", "a", "z"])) == [{"c": "3", "a": "1"}]
    found = rows("a.parquet", parquet_bytes({"a": [1], "b": [2], "c": [3]}), columns=["c", "a", "z"])
    assert good(found) == [{"a": 1, "c": 3}]


def test_ragged_rows_are_set_aside_with_their_number_and_text(rows):
    found = rows("a.csv", 'a,b\n1,2\n\n3\n"x\ny",5\n6,7,8\n\n9,10\n')
    assert bad(found) == {2: "3", 4: "6,7,8"}
    assert [(row["_row"], row["a"]) for row in found] == [(1, "1"), (2, None), (3, "x\ny"), (4, None), (5, "9")]


def test_numbers_hold_across_batches_with_ragged_rows_at_their_edges(rows, monkeypatch):
    monkeypatch.setattr(delimited, "READ_BYTES", 64)
    generator = np.random.default_rng(7)
    ragged = set(generator.choice(np.arange(1, 2001), 600, replace=False).tolist()) | {1, 2, 3, 1998, 1999, 2000}
    lines = [f"{n},x,y" if n in ragged else f"{n},x" for n in range(1, 2001)]
    found = rows("a.csv", "n,b\n" + "\n".join(lines))
    assert [row["_row"] for row in found] == list(range(1, 2001))
    assert bad(found) == {n: f"{n},x,y" for n in ragged}
    assert all(row["n"] == str(row["_row"]) for row in found if row["_unreadable"] is None)


def test_table_of_ragged_rows_only_is_set_aside_up_to_a_limit(rows, refusal, monkeypatch):
    content = "a,b\n" + "1,2,3\n" * 20_000
    assert len(bad(rows("a.csv", content))) == 20_000
    monkeypatch.setattr(delimited, "MOST_RAGGED", 10_000)
    error = refusal("a.csv", content)
    assert (error.code, "Expected 2 columns, got 3" in error.what) == ("DQ002", True)


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


def test_unreadable_text_is_kept_up_to_10_kb(rows):
    (text,) = bad(rows("a.csv", "a,b\n1,2,é" + "é" * 20_000)).values()
    assert len(text.encode()) == 10_000


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


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.parquet", "a.csv.gz"])
def test_empty_file_is_an_empty_table(refusal, name):
    assert (refusal(name, b"").code, refusal(name, b"").what) == ("DQ007", "the table is empty")


@pytest.mark.parametrize(("name", "content"), [("a.csv", "\n\r\n \n"), ("a.jsonl", "\n\n"), ("a.csv", b"\xff\xfe")])
def test_file_of_blank_lines_is_an_empty_table(refusal, name, content):
    assert refusal(name, content).code == "DQ007"


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n\r\n", '"a","b"'])
def test_header_alone_has_no_rows(rows, content):
    assert rows("a.csv", content) == []


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.csv", "a,b,a,c,b\n1,2,3,4,5\n", "the header names columns twice: 'a', 'b'"),
        ("a.csv", "a,,\n1,2,3\n", "the header names columns twice: ''"),
        ("a.csv", "a;b;c\n1;2;3\n4;5;6\n", "looks separated by ';'; csv is separated by a comma"),
        ("a.csv", "a\tb\n1\t2\n", "looks separated by a tab; csv is separated by a comma"),
        ("a.tsv", "a,b\n1,2\n", "looks separated by a comma; tsv is separated by a tab"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "the header is not UTF-8 text"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16-le"), "the header is not UTF-8 text"),
        ("a.csv", "a,_row\n1,2\n", "the header names '_row', which Evergreen adds itself"),
        ("a.jsonl", '{"_unreadable":1}\n', "a row names '_unreadable', which Evergreen adds itself"),
        ("a.jsonl", '[{"a":1}]', "looks like one JSON array; jsonl has one object on each line"),
        ("a.jsonl", '[\n{"a":1}\n]\n', "looks like one JSON array; jsonl has one object on each line"),
    ],
)
def test_header_that_names_no_columns_is_refused(refusal, name, content, what):
    error = refusal(name, content)
    assert (error.code, error.what, error.where) == ("DQ029", what, name)


def test_one_column_is_a_table_too(rows):
    assert good(rows("a.csv", "name\na; b\nc\n")) == [{"name": "a; b"}, {"name": "c"}]


def test_value_whose_quotes_never_close_is_not_read_into_memory(refusal, item):
    error = refusal("a.csv", 'a,b\n1,"' + "x\n" * (5 * streams.MIB))
    assert (error.code, "does not end within 2 MiB" in error.what) == ("DQ002", True)


def test_other_formats_under_a_text_name_are_refused(refusal):
    assert refusal("a.csv", parquet_bytes({"a": [1]})).what == "cannot be parsed: this is a Parquet file, not text"
    assert refusal("a.parquet", "a,b\n1,2\n").code == "DQ002"


def test_parquet_keeps_its_types_and_decodes_dictionaries(item):
    table = {
        "i": pa.array([1, None], pa.int8()),
        "d": pa.array(["x", "y"]).dictionary_encode(),
        "l": pa.array(["p", "q"], pa.large_string()),
        "m": pa.array([1, 2], pa.decimal128(10, 2)),
        "t": pa.array([1, 2], pa.timestamp("ns", "Europe/Paris")),
        "nested": pa.array([[1], [2]]),
        "s": pa.array([{"a": 1}, None]),
    }
    (batch,) = readers.read(item("a.parquet", parquet_bytes(table)), missing=MISSING)
    assert [(field.name, str(field.type)) for field in batch.schema] == [
        ("i", "int8"), ("d", "string"), ("l", "string"), ("m", "decimal128(10, 2)"),
        ("t", "timestamp[ns, tz=Europe/Paris]"), ("_row", "int64"), ("_unreadable", "string"),
    ]  # fmt: skip


def test_parquet_text_that_is_none_makes_its_row_unreadable(rows):
    broken = pa.array([b"x", b"caf\xe9", None, b"y"], pa.binary()).view(pa.string())
    found = rows("a.parquet", parquet_bytes({"a": broken, "n": [1, 2, 3, 4], "b": ["p", "q", "r", "s"]}))
    assert bad(found) == {2: "caf\\xe9,q"}
    assert [(row["_row"], row["a"], row["n"]) for row in found] == [
        (1, "x", 1),
        (2, None, None),
        (3, None, 3),
        (4, "y", 4),
    ]


def test_nested_parquet_column_is_refused_when_it_is_asked_for(refusal, rows):
    content = parquet_bytes({"a": [1], "nested": pa.array([[1]])})
    assert refusal("a.parquet", content, columns=["nested"]).what.startswith(
        "cannot be parsed: column 'nested' is nested"
    )
    assert good(rows("a.parquet", content, columns=["a"])) == [{"a": 1}]


def test_pandas_index_stays_a_column_and_rows_are_numbered_across_batches(item, monkeypatch):
    import pandas as pd

    monkeypatch.setattr(parquet, "BATCH_ROWS", 3)
    buffer = io.BytesIO()
    pd.DataFrame({"a": range(10)}, index=pd.Index([*range(10), 7], name="when")[1:]).to_parquet(buffer)
    batches = list(readers.read(item("a.parquet", buffer.getvalue()), missing=MISSING))
    assert batches[0].schema.names == ["a", "when", "_row", "_unreadable"]
    assert [n for batch in batches for n in batch["_row"].to_pylist()] == list(range(1, 11))


def test_json_lines_become_text_as_they_are_spelled(rows):
    lines = [
        '{"a": 1, "b": 1.50, "c": "x"}',
        '{"a": "1", "b": true, "c": null}',
        "",
        '{"a": 123456789012345678901234567890, "d": [1, {"e": 2.0}], "c": "NA"}',
        '{"a": NaN, "b": 1e400}',
    ]
    assert good(rows("a.jsonl", "\n".join(lines))) == [
        {"a": "1", "b": "1.50", "c": "x", "d": None},
        {"a": "1", "b": "true", "c": None, "d": None},
        {"a": "123456789012345678901234567890", "b": None, "c": None, "d": '[1,{"e":2.0}]'},
        {"a": None, "b": "1e400", "c": None, "d": None},
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1',
        "{'a': 1}",
        "5",
        "null",
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": ["\\ud800"]}',
        '{"a": "\\u0000"}',
        '{"a": "x\0y"}',
        '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"a": [' + "9" * 5_000 + "]}",
    ],
)
def test_broken_json_line_is_set_aside(rows, line):
    found = rows("a.jsonl", f'{{"a": 0}}\n{line}\n{{"a": 2}}\n')
    assert bad(found) == {2: line[:10_000]}
    assert [row["a"] for row in found] == ["0", None, "2"]


def test_json_line_without_end_is_refused(refusal, monkeypatch):
    monkeypatch.setattr(json_lines, "LONGEST_LINE", 1_000_000)
    assert "does not end within" in refusal("a.jsonl", '{"a": "' + "x" * 3_000_000).what


def test_new_column_appears_with_the_batch_that_has_it(item, monkeypatch):
    monkeypatch.setattr(json_lines, "READ_BYTES", 16)
    batches = readers.read(item("a.jsonl", '{"a": 1}\n{"a": 2, "b": 3}\n'), missing=MISSING)
    assert [batch.schema.names[:-2] for batch in batches] == [["a"], ["a", "b"]]


def zipped(*names, content=b"a,b\n1,2\n", **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_compressed_text_is_read(rows):
    for name, content in (
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n")),
        ("members.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"1,2\n") + b"\0" * 512),
        ("a.csv", gzip.compress(b"a,b\n1,2\n")),
        ("a.csv.zip", zipped("a.csv")),
        ("a.zip", zipped("deep/a.csv")),
    ):
        assert good(rows(name, content)) == [{"a": "1", "b": "2"}], name
    assert good(rows("a.jsonl.gz", gzip.compress(b'{"a":1}'))) == [{"a": "1"}]


def test_archive_of_other_than_one_file_is_refused(refusal):
    for content in (zipped("a.csv", "b.csv"), zipped()):
        assert "files, expected one" in refusal("a.csv.zip", content).what


@pytest.mark.parametrize("name", ["a.parquet", "a.csv.gz", "a.csv.zip", "a.jsonl.gz"])
def test_file_cut_at_any_byte_is_refused(tmp_path, name):
    content = {
        "a.parquet": parquet_bytes({"a": [1, 2, 3], "b": ["x", "y", None]}),
        "a.csv.gz": gzip.compress(b"a,b\n" + b"1,2\n3,4\n" * 20),
        "a.csv.zip": zipped("a.csv"),
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
    (folder / "a.parquet").write_bytes(parquet_bomb())
    (folder / "rows.parquet").write_bytes(rows_bomb())
    return folder


@pytest.mark.parametrize("name", ["a.csv.gz", "members.csv.gz", "a.csv.zip", "a.parquet", "rows.parquet"])
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


PIECES = [
    b"a",
    b",",
    b"\n",
    b'"',
    b"\r",
    b"\0",
    b"\xff",
    "é".encode(),
    b"NA",
    b"{",
    b"}",
    b":",
    b"\\u",
    b"[",
    b"\t",
    b"\xff\xfe",
]
BEGINNINGS = {"csv": b"a,b\n", "tsv": b"a\tb\n", "jsonl": b'{"a":1}\n', "parquet": b"PAR1"}


@hypothesis.given(st.sampled_from(sorted(BEGINNINGS)), st.booleans(), st.lists(st.sampled_from(PIECES), max_size=50))
@hypothesis.settings(max_examples=500, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_any_bytes_give_every_row_once_or_one_clear_error(tmp_path, format, begun, pieces):
    path = tmp_path / f"a.{format}"
    path.write_bytes(BEGINNINGS[format] * begun + b"".join(pieces))
    try:
        batches = list(readers.read(item_of(path, name=path.name), missing=MISSING))
    except DataError:
        return
    numbers = sorted(number for batch in batches for number in batch["_row"].to_pylist())
    assert numbers == list(range(1, len(numbers) + 1))
