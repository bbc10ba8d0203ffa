"""How files are to be read: what is said holds, what is not is seen, and what a contract says serves other files."""

# ruff: noqa: RUF001  letters of other alphabets are what is tested

import csv
import gzip
import io

import numpy as np
import pyarrow as pa
import pytest
from workbooks import workbook

from evergreen.base.errors import DataError
from evergreen.config.contract.sources import FileSource, Layout, SqlSource
from evergreen.data.ingest import layouts, readers

TEXT = "age,city,y\n31,Köln,no\n45,Paris,yes\n52,Paris,no\n"


def seen(item, content, name="a.csv", **said):
    return layouts.look(item(name, content), Layout(**said))


def test_plain_file_needs_nothing_said_and_gives_no_note(item):
    assert seen(item, TEXT) == layouts.Seen(Layout())


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_separator_is_seen_and_said(item, delimiter):
    found = seen(item, TEXT.replace(",", delimiter))
    assert found.layout == Layout(delimiter=delimiter)
    assert "--delimiter names another" in found.notes[0]
    assert seen(item, TEXT.replace(",", delimiter), delimiter=delimiter) == layouts.Seen(Layout(delimiter=delimiter))


def test_separator_that_the_file_names_is_not_written_down(item):
    assert seen(item, "sep=;\n" + TEXT.replace(",", ";")).layout == Layout()


def test_encoding_comments_and_separator_are_seen_together(item):
    found = seen(item, ("% by hand\n" + TEXT.replace(",", ";")).encode("cp1252"))
    assert found.layout == Layout(encoding="cp1252", delimiter=";", comment="%")
    assert [word in note for word, note in zip(("byte 0xF6 in line 3", "';'", "'%'"), found.notes, strict=True)] == [
        True, True, True,
    ]  # fmt: skip


def test_file_without_a_header_is_said(item):
    found = seen(item, TEXT.partition("\n")[2] + "60,Paris,yes\n")
    assert (found.headless, found.layout) == (True, Layout())
    assert "--no-header, or --names" in found.notes[0]
    assert seen(item, TEXT, header=False).notes == ("the first line looks like a header, and is read as a row",)
    with pytest.raises(DataError, match="DQ029"):
        seen(item, TEXT, header=False, names=("age", "city", "y"))


@pytest.mark.parametrize(("end", "what"), [(",,", "empty"), (",,7", "not empty: 5")])
def test_columns_without_a_name_are_said(item, end, what):
    first, *rest = TEXT.splitlines()
    found = seen(item, "\n".join([f"{first},,", *(row + end for row in rest)]))
    assert found.notes == (f"columns without a name in the header are left out: column 4, 5 ({what})",)


def test_text_of_an_encoding_that_is_not_known_names_the_byte_and_the_line(item):
    with pytest.raises(DataError) as caught:
        seen(item, "a,b\nМосква,1\n".encode("cp1251"))
    assert (caught.value.code, "byte 0xCC in line 2" in caught.value.what) == ("DQ002", True)
    assert seen(item, "a,b\nМосква,1\n".encode("cp1251"), encoding="cp1251").notes == ()


def read(item, source, name, content, needed=("age", "city")):
    file = item(name, content)
    layout = layouts.for_file(file, source, needed)
    return [row for batch in readers.read(file, missing=(), layout=layout) for row in batch.to_pylist()]


SEMICOLONS = FileSource(kind="file", path="a.csv", delimiter=";", encoding="cp1252")
HEADLESS = FileSource(kind="file", path="a.data", format="csv", header=False, names=("age", "city", "y"))


@pytest.mark.parametrize(
    ("source", "name", "content"),
    [
        (SEMICOLONS, "b.csv", TEXT.replace(",", ";").encode("cp1252")),
        (SEMICOLONS, "b.csv", TEXT.replace(",", ";").encode()),
        (SEMICOLONS, "b.csv", TEXT.encode()),
        (SEMICOLONS, "b.tsv", TEXT.replace(",", "\t").encode()),
        (FileSource(kind="file", path="a.parquet"), "b.csv", TEXT.replace(",", ";").encode()),
        (SqlSource(kind="sql", connection="db", query="SELECT 1"), "b.csv", TEXT.encode()),
        (HEADLESS, "b.csv", TEXT.partition("\n")[2].encode()),
        (HEADLESS, "b.csv", TEXT.encode()),
        (FileSource(kind="file", path="a.csv"), "b.csv", b"# of May\n" + TEXT.encode() + b"# end\n"),
        (SEMICOLONS, "b.csv", b"# of May\n" + TEXT.encode()),
        (FileSource(kind="file", path="a.csv"), "b.csv", b"sep=|\n" + TEXT.replace(",", "|").encode()),
        (HEADLESS, "b.jsonl", '{"age":31,"city":"Köln","y":"no"}\n{"age":45}\n{"age":52,"city":"Paris"}'.encode()),
    ],
)
def test_file_of_another_time_is_read_as_the_contract_says_or_as_it_shows(item, source, name, content):
    found = read(item, source, name, content)
    assert [row["age"] for row in found] == ["31", "45", "52"]
    assert found[0]["city"] == "Köln"


@pytest.mark.parametrize("first", [[["age", "city", "y"]], [], [[None, " "], ["y", "age", "city"]]])
def test_workbook_of_another_time_has_a_header_if_its_first_row_names_the_columns(item, first):
    order = first[-1] if first else ["age", "city", "y"]
    row = {"age": 31, "city": "Köln", "y": "no"}
    found = read(item, HEADLESS, "b.xlsx", workbook([*first, [row[name] for name in order]]))
    assert [{name: value for name, value in one.items() if name[0] != "_"} for one in found] == [row]


def test_file_without_a_header_needs_as_many_values_as_the_contract_has_names(item):
    with pytest.raises(DataError, match="the first row has 2 values, and there are 3 names"):
        read(item, HEADLESS, "b.csv", "31,Paris\n45,Paris\n")


WORDS = ["Köln", "a, b", "c; d", "e|f", 'say "no"', "two\nlines", "plain", "12", "3.5", "-1,5", "Málaga", "# 7", "x\ty"]


def written(rng, delimiter: str, encoding: str) -> tuple[bytes, list[list[str]]]:
    """Return a file and its rows, the names first."""
    width, n_rows = int(rng.integers(2, 7)), int(rng.integers(4, 40))
    rows = [[f"name {at}" for at in range(width)], *rng.choice(WORDS, (n_rows, width)).tolist()]
    rows[1][0] = "Zoë"  # so that no file is ASCII alone
    buffer = io.StringIO()
    first = rng.choice(["", "", f"sep={delimiter}\n", "# by hand\n"])
    buffer.write(str(first))
    trailing = [""] * int(rng.choice([0, 0, 2]))
    csv.writer(buffer, delimiter=delimiter, lineterminator=str(rng.choice(["\n", "\r\n"]))).writerows(
        [*row, *trailing] for row in rows
    )
    return buffer.getvalue().encode(encoding), rows


@pytest.mark.parametrize("n", [150, pytest.param(5_000, marks=pytest.mark.long)])
def test_random_tables_are_read_as_they_were_written(item, n):
    rng = np.random.default_rng(n)
    pack = {".gz": gzip.compress, ".zst": lambda raw: pa.compress(raw, "zstd", asbytes=True), "": bytes}
    for number in range(n):
        delimiter, encoding = rng.choice([",", ";", "\t", "|"]), rng.choice(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
        raw, (names, *rows) = written(rng, str(delimiter), str(encoding))
        ending = str(rng.choice(list(pack)))
        file = item(f"{number}.csv{ending}", pack[ending](raw))
        layout = layouts.look(file, Layout()).layout
        table = pa.Table.from_batches(readers.read(file, missing=(), layout=layout)).to_pylist()
        assert [list(row.values())[:-2] for row in table] == rows, (raw, layout)
        assert list(table[0])[:-2] == names
        assert layouts.for_file(file, FileSource(kind="file", path="a.csv", encoding=layout.encoding), names).header
