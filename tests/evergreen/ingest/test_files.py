"""A user's own file: what is read, and that whatever is wrong with it ends in one block, never in a traceback."""

import gzip
import os
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from evergreen import ingest
from evergreen.artifacts import Workspace
from evergreen.contract import Column, Contract, FileSource
from evergreen.errors import DataError

CSV = """\
trip,when,zone,seats,tip
1,2013-01-01T05:00:00Z,north,2,true
2,2013-01-02T05:00:00Z,south,,false
3,2013-01-03T05:00:00Z,,4,
"""


def contract_of(path: str) -> Contract:
    return Contract(
        name="trips",
        description="a user's table",
        source=FileSource(kind="file", path=path),
        timezone="America/New_York",
        key=("trip",),
        label_delay_days=0,
        columns=(
            Column(name="trip", type="integer", role="key"),
            Column(name="when", type="timestamp", role="time"),
            Column(name="zone", type="category", role="feature", nullable=True),
            Column(name="seats", type="integer", role="feature", nullable=True),
            Column(name="tip", type="boolean", role="target", nullable=True),
        ),
    )


@pytest.fixture
def read(tmp_path):
    """Write some content, a table as Parquet or text and bytes as they are, and read the whole of 2013 of it."""

    def read(content: pd.DataFrame | str | bytes, name: str = "") -> pd.DataFrame:
        name = name or ("trips.parquet" if isinstance(content, pd.DataFrame) else "trips.csv")
        if isinstance(content, pd.DataFrame):
            content.to_parquet(tmp_path / name)
        else:
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        contract = contract_of(name)
        return ingest.read(ingest.locate(contract, tmp_path), contract, date(2013, 1, 1), date(2014, 1, 1))

    return read


@pytest.fixture
def refusal(read):
    def refusal(content: pd.DataFrame | str | bytes, name: str = "") -> DataError:
        with pytest.raises(DataError) as caught:
            read(content, name)
        block = caught.value.block().splitlines()
        assert len(block) == 3
        assert block[1].startswith("  where: /")
        return caught.value

    return refusal


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trip": [1, 2, 3],
            "when": pd.to_datetime(["2013-01-01T05:00:00Z", "2013-01-02T05:00:00Z", "2013-01-03T05:00:00Z"]),
            "zone": ["north", "south", None],
            "seats": [2.0, None, 4.0],
            "tip": pd.array([True, False, None], dtype="boolean"),
        }
    )


def with_column(name: str, values: list[str]) -> str:
    rows = [line.split(",") for line in CSV.splitlines()]
    at = rows[0].index(name)
    for row, value in zip(rows[1:], values, strict=True):
        row[at] = value
    return "\n".join(",".join(row) for row in rows) + "\n"


# -- what is read -------------------------------------------------------------------------------------------------


def test_csv_and_parquet_of_one_table_are_read_alike(read, table):
    expected = table.astype({"when": "datetime64[us, UTC]"})
    pd.testing.assert_frame_equal(read(CSV), expected)
    pd.testing.assert_frame_equal(read(table), expected)


@pytest.mark.parametrize("name", ["trips.csv.gz", "trips.CSV", "trips.txt"])
def test_csv_may_be_compressed_or_have_another_ending(read, name):
    content = gzip.compress(CSV.encode()) if name.endswith("gz") else CSV
    assert read(content, name)["trip"].tolist() == [1, 2, 3]


def test_parquet_ending_may_be_written_in_capitals(read, table):
    assert read(table, "trips.PARQUET")["trip"].tolist() == [1, 2, 3]


def test_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_first_name(read):
    assert read(b"\xef\xbb\xbf" + CSV.encode())["trip"].tolist() == [1, 2, 3]


def test_columns_come_in_the_contracts_order_and_others_are_left_out(read):
    found = read("extra,tip,seats,zone,when,trip\nx,true,2,north,2013-01-01T05:00:00Z,1\n")
    assert found.columns.tolist() == ["trip", "when", "zone", "seats", "tip"]


def test_rows_are_sorted_by_time_then_key(read):
    lines = CSV.splitlines()
    same_time = "0,2013-01-02T05:00:00Z,east,1,true"
    found = read("\n".join([lines[0], lines[3], lines[2], same_time, lines[1]]) + "\n")
    assert found["trip"].tolist() == [1, 0, 2, 3]
    assert found.index.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("codes", [["7", "8", ""], ["007", "8", ""], ["1.50", "2", ""]])
def test_codes_in_a_csv_stay_as_they_are_written(read, codes):
    assert read(with_column("zone", codes))["zone"].tolist()[:2] == codes[:2]


def test_whole_numbers_as_categories_stay_whole_beside_missing_values(read, table):
    found = read(table.assign(zone=pd.array([7, 8, None], dtype="Int64")))
    assert found["zone"].tolist()[:2] == ["7", "8"]
    assert pd.isna(found["zone"].iloc[2])
    assert read(table.assign(zone=[7, 8, 9]))["zone"].tolist() == ["7", "8", "9"]


def test_parquet_whose_index_is_a_column_of_the_contract_is_read(read, table):
    pd.testing.assert_frame_equal(read(table.set_index("when")), read(table))


def test_number_column_with_a_word_far_down_can_still_be_handed_on(read, tmp_path):
    # pandas guesses types by chunks and would leave numbers and text in one column, which no Parquet file takes
    n = 300_000
    lines = [f"{i},2013-01-01T05:00:00Z,north,2,true" for i in range(n)]
    found = read("trip,when,zone,seats,tip\n" + "\n".join(lines) + f"\n{n},2013-01-01T05:00:00Z,north,many,true\n")
    assert Workspace(root=tmp_path / "ws").write("raw", found).rows == n + 1
    assert found["seats"].iloc[-1] == "many"


def test_source_is_not_changed(read, tmp_path):
    read(CSV)
    assert (tmp_path / "trips.csv").read_text() == CSV


# -- the file -----------------------------------------------------------------------------------------------------


def test_missing_file_is_a_data_error(tmp_path):
    with pytest.raises(DataError) as caught:
        ingest.locate(contract_of("data/none.csv"), tmp_path)
    assert (caught.value.code, caught.value.where) == ("DQ000", str(tmp_path / "data" / "none.csv"))
    assert "source.path" in caught.value.next_step


def test_folder_instead_of_a_file_is_a_data_error(tmp_path):
    (tmp_path / "trips.csv").mkdir()
    with pytest.raises(DataError, match="DQ000"):
        ingest.locate(contract_of("trips.csv"), tmp_path)


def test_file_that_the_system_cannot_read_is_a_data_error(tmp_path):
    # a regular file whose every read fails
    with pytest.raises(DataError) as caught:
        ingest.locate(contract_of("/proc/self/mem"), tmp_path)
    assert caught.value.code == "DQ000"
    assert "cannot be read" in caught.value.what


def test_file_that_goes_away_before_it_is_read_is_a_data_error(tmp_path):
    (tmp_path / "trips.csv").write_text(CSV)
    contract = contract_of("trips.csv")
    source = ingest.locate(contract, tmp_path)
    (tmp_path / "trips.csv").unlink()
    with pytest.raises(DataError, match="DQ002"):
        ingest.read(source, contract, date(2013, 1, 1), date(2014, 1, 1))


@pytest.mark.parametrize("content", ["", "\n"])
def test_empty_csv_is_a_data_error(refusal, content):
    assert refusal(content).code == "DQ002"


def test_csv_with_a_header_only_is_a_data_error(refusal):
    error = refusal(CSV.splitlines()[0] + "\n")
    assert (error.code, error.what) == ("DQ007", "the table is empty")


def test_parquet_without_rows_is_a_data_error(refusal, table):
    assert refusal(table.iloc[:0]).code == "DQ007"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\xfe\x00\x00garbage\x80", "trips.csv"),
        ('a,b\n1,2\n3,4,5,6\n"open', "trips.csv"),
        (CSV, "trips.parquet"),
        ("", "trips.parquet"),
        ("not gzip", "trips.csv.gz"),
        (gzip.compress(CSV.encode())[:-20], "trips.csv.gz"),
        ("not zip", "trips.csv.zip"),
        ("not xz", "trips.csv.xz"),
        ("not bz2", "trips.csv.bz2"),
    ],
)
def test_file_that_is_not_what_its_name_says_is_a_data_error(refusal, content, name):
    error = refusal(content, name)
    assert error.code == "DQ002"
    assert error.what.startswith("cannot be parsed: ")


def test_parquet_cut_short_anywhere_is_a_data_error(refusal, table, tmp_path):
    table.to_parquet(tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    for size in (4, len(content) // 2, len(content) - 1):
        assert refusal(content[:size], "trips.parquet").code == "DQ002"


@pytest.mark.parametrize("name", ["trip", "when", "zone", "tip"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_missing_column_is_named_beside_those_that_are_there(refusal, table, name, kind):
    renamed = table.rename(columns={name: f"{name}_2"})
    error = refusal(renamed if kind == "parquet" else CSV.replace(name, f"{name}_2", 1))
    assert error.code == "DQ001"
    assert error.what.startswith(f"missing columns: {name}; found: ")
    assert f"{name}_2" in error.what


def test_column_that_is_there_twice_is_a_data_error(refusal, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    twice = pa.table([[1], [1]], names=["zone", "zone"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    error = refusal((tmp_path / "twice.parquet").read_bytes(), "trips.parquet")
    assert error.code == "DQ002"
    assert "zone" in error.what


# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "times",
    [
        ["2013-01-01T05:00:00Z", "2013-01-02T05:00:00Z", "2013-01-03T05:00:00Z"],
        ["2013-01-01 05:00:00+00", "2013-01-02 05:00+00:00", "2013-01-03T05:00:00.000Z"],
        ["2013-01-01T00:00:00-05:00", "2013-01-02T06:00:00+01:00", "2013-01-03T05:00:00Z"],
        ["2013-01-01T00:00:00", "2013-01-02 00:00", "2013-01-03"],  # wall time in the contract's time zone
        [" 2013-01-01 00:00:00", "2013-01-02 00:00:00 ", "2013-01-03 00:00:00.000000"],
    ],
)
def test_times_are_read_as_instants(read, times):
    found = read(with_column("when", times))["when"]
    assert str(found.dtype) == "datetime64[us, UTC]"
    assert [f"{time:%d %H:%M}" for time in found] == ["01 05:00", "02 05:00", "03 05:00"]


@pytest.mark.parametrize(
    "type_", ["datetime64[s]", "datetime64[ns]", "datetime64[us, UTC]", "datetime64[ms, Asia/Tokyo]", "object", "date"]
)
def test_times_in_parquet_are_read_as_instants(read, table, type_):
    local = table["when"].dt.tz_convert("America/New_York").dt.tz_localize(None)
    if type_ == "date":
        times = local.dt.date
    elif type_ == "object":
        times = local.astype("str").astype("object")
    else:
        times = (table["when"] if "," in type_ else local).astype(type_)
    pd.testing.assert_frame_equal(read(table.assign(when=times)), read(table))


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("yesterday", "'yesterday'"),
        ("2013-02-30", "'2013-02-30'"),
        ("01/02/2013 17:05", "'01/02/2013 17:05'"),  # the first of February, or the second of January
        ("2013-01-01T25:00:00Z", "'2013-01-01T25:00:00Z'"),
    ],
)
def test_time_that_is_none_is_a_data_error_that_shows_it(refusal, time, shown):
    error = refusal(with_column("when", ["2013-01-01T05:00:00Z", time, "2013-01-01T05:00:00Z"]))
    assert error.code == "DQ002"
    assert error.what == f"column 'when' has 1 of 3 values that are not timestamps, such as {shown}"
    assert "ISO 8601" in error.next_step


@pytest.mark.parametrize("times", [["1356998400"] * 3, ["2013"] * 3, ["1.5"] * 3])
def test_numbers_are_not_taken_for_times(refusal, times):
    error = refusal(with_column("when", times))
    assert (error.code, error.what[:40]) == ("DQ002", "column 'when' has 3 of 3 values that are")


def test_booleans_are_not_taken_for_times(refusal, table):
    assert refusal(table.assign(when=[True, False, True])).code == "DQ002"


def test_times_with_and_without_offset_are_not_mixed(refusal):
    error = refusal(with_column("when", ["2013-01-01T05:00:00Z", "2013-01-02T05:00:00", "2013-01-03T05:00:00"]))
    assert error.code == "DQ002"
    assert error.what == "column 'when' has times with an offset from UTC and 2 without"


@pytest.mark.parametrize("time", ["2013-03-10T02:30:00", "2013-11-03T01:30:00"], ids=["never was", "was twice"])
def test_wall_time_that_is_not_one_instant_is_a_data_error(refusal, time):
    error = refusal(with_column("when", ["2013-01-01T05:00:00", time, "2013-01-03T05:00:00"]))
    assert error.code == "DQ002"
    assert time.replace("T", " ") in error.what
    assert "America/New_York" in error.what


def test_rows_without_a_time_are_kept_for_validation(read):
    found = read(with_column("when", ["2013-01-01T05:00:00Z", "", "2013-01-03T05:00:00Z"]))
    assert found["trip"].tolist() == [1, 3, 2]
    assert found["when"].isna().tolist() == [False, False, True]


@pytest.mark.parametrize("times", [["", "", ""], ["2012-06-01T05:00:00Z"] * 3])
def test_file_without_a_row_in_the_period_is_a_data_error(refusal, times):
    error = refusal(with_column("when", times))
    assert error.code == "DQ007"
    span = "2012-06-01 to 2012-06-01" if times[0] else "nothing"
    assert error.what == f"no rows between 2013-01-01 and 2014-01-01; the source holds 3 rows, {span}"


def test_period_includes_its_first_instant_and_not_its_last(read):
    times = ["2013-01-01T04:59:59Z", "2013-01-01T05:00:00Z", "2014-01-01T05:00:00Z"]
    assert read(with_column("when", times))["trip"].tolist() == [2]


# -- booleans -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["true", "false", ""],
        ["True", "FALSE", ""],
        ["1", "0", ""],
        ["1.0", "0.0", ""],
        ["true", "0", ""],
        [" true", "false ", " "],
    ],
)
def test_target_may_be_written_in_several_ways(read, words):
    found = read(with_column("tip", words))["tip"]
    assert str(found.dtype) == "boolean"
    assert found.tolist() == [True, False, pd.NA]


@pytest.mark.parametrize("type_", ["boolean", "Int64", "float64", "object", "string", "category"])
def test_target_in_parquet_may_have_any_fitting_type(read, table, type_):
    pd.testing.assert_frame_equal(read(table.assign(tip=table["tip"].astype(type_))), read(table))


def test_target_without_missing_values_is_a_boolean_too(read, table):
    assert str(read(with_column("tip", ["1", "0", "1"]))["tip"].dtype) == "boolean"
    assert str(read(table.assign(tip=[True, False, True]))["tip"].dtype) == "boolean"


@pytest.mark.parametrize(
    ("words", "n", "shown"),
    [
        (["true", "maybe", "false"], 1, "'maybe'"),
        (["yes", "no", ""], 2, "'yes'"),
        (["1", "2", "0"], 1, "'2'"),
        (["0.5", "1", "0"], 1, "'0.5'"),
        (["2013-01-01", "true", ""], 1, "'2013-01-01'"),
    ],
)
def test_target_that_is_no_boolean_is_a_data_error_and_not_a_missing_label(refusal, words, n, shown):
    error = refusal(with_column("tip", words))
    assert error.code == "DQ002"
    assert error.what == f"column 'tip' has {n} of 3 values that are not booleans, such as {shown}"


# -- the reference ------------------------------------------------------------------------------------------------


def test_reference_follows_the_bytes_and_not_the_place(tmp_path):
    found = []
    for folder, content in (("a", CSV), ("b", CSV), ("c", CSV + " ")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "trips.csv").write_text(content)
        found.append(ingest.locate(contract_of("trips.csv"), tmp_path / folder))
    assert found[0].sha256 == found[1].sha256 != found[2].sha256
    assert found[0].uri == str(tmp_path / "a" / "trips.csv")


def test_reference_is_absolute_whatever_the_project_is_called(tmp_path, monkeypatch):
    (tmp_path / "trips.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    assert ingest.locate(contract_of("trips.csv"), Path()).uri == os.fspath(tmp_path / "trips.csv")
