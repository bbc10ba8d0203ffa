"""`evergreen init` on files as they are: read or refused with an option that helps, and ingested as they were seen."""

import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner
from workbooks import workbook

from cli import init, init_options, opening
from cli.init import Written
from cli.main import app
from evergreen.base.errors import EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources, store

N = 240
RNG = np.random.default_rng(11)
AGE = RNG.integers(18, 80, N)
TABLE = pd.DataFrame(
    {
        "age": AGE,
        "city": RNG.choice(["Köln", "Málaga", "Paris"], N),
        "weight": RNG.normal(50, 9, N).round(2),
        "ill": np.where(AGE + RNG.normal(0, 9, N) > 50, "yes", "no"),
    }
)
CSV = TABLE.to_csv(index=False)
HEADER, *ROWS = CSV.splitlines()
RUSSIAN = CSV.replace("Köln", "Москва").replace("Málaga", "Киев")


@pytest.fixture
def look(settings: Settings):
    """Return what describes files, ingests them by the contract that was written, and returns both."""
    data = settings.project / "data"

    def look(files: dict[str, bytes | str], path: str, *, target: str = "ill", missing=(), **options: Any):
        for name, content in files.items():
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_bytes(content.encode() if isinstance(content, str) else content)
        nothing = {"format": None, "delimiter": None, "encoding": None, "no_header": False, "names": None}
        written = init.init(
            settings, data=str(data / path), target=target, time=None, key=(), task=None, name="made", connection=None,
            query=None, layout=init_options.layout(**{**nothing, **options}), missing=missing,
        )  # fmt: skip
        contract = Contract.load(settings.project / written.contract)
        source = sources.locate(contract, settings)
        _, manifest = store.sync(source, contract, settings.home / "datasets", made_with="code", secret=b"s")
        assert manifest.rows == written.table.rows + written.table.unreadable
        return written, contract

    return look


def types(contract: Contract) -> dict[str, str]:
    return {column.name: column.type for column in contract.columns}


def notes(written: Written) -> str:
    return "\n".join(written.review)


PLAIN = {"age": "integer", "city": "category", "weight": "number", "ill": "boolean"}


@pytest.mark.parametrize(
    ("name", "content", "said", "note"),
    [
        ("a.csv", TABLE.to_csv(index=False, sep=";"), {"delimiter": ";"}, "separated by ';'"),
        ("a.csv", TABLE.to_csv(index=False, sep="\t"), {"delimiter": "\t"}, "separated by a tab"),
        ("a.tsv", TABLE.to_csv(index=False, sep="|"), {"delimiter": "|"}, "separated by '|'"),
        ("a.csv", "sep=;\r\n" + TABLE.to_csv(index=False, sep=";"), {}, ""),
        ("a.csv", f"# by hand\n{CSV}", {"comment": "#"}, "lines that begin with '#' are left out"),
        ("a.csv", CSV.encode("cp1252"), {"encoding": "cp1252"}, "is not UTF-8 (byte 0x"),
        ("a.csv", "\n".join(f"{row},," for row in (HEADER, *ROWS)), {}, "left out: column 5, 6 (empty)"),
        ("a.csv.zst", pa.compress(CSV.encode(), "zstd", asbytes=True), {}, ""),
        ("a.json", TABLE.to_json(orient="records", indent=1), {}, ""),
        ("a.json", TABLE.to_json(orient="records", lines=True), {}, ""),
        ("a.xlsx", workbook([list(TABLE), *TABLE.astype(object).to_numpy().tolist()], others=["Notes"]), {}, "Notes"),
    ],
)
def test_files_are_read_as_they_are_and_the_contract_says_how(look, name, content, said, note):
    written, contract = look({name: content}, name)
    assert types(contract) == PLAIN
    assert (written.table.rows, written.table.unreadable) == (N, 0)
    assert contract.source.model_dump(include={"delimiter", "comment", "encoding"}, exclude_defaults=True) == said
    assert note in notes(written)


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ({"encoding": "cp1251"}, RUSSIAN.encode("cp1251")),
        ({"encoding": "utf-16-le"}, CSV.encode("utf-16-le")),
        ({"delimiter": "^"}, CSV.replace(",", "^")),
        ({"format": "tsv"}, CSV.replace(",", "\t")),
        ({"names": "age,city,weight,ill"}, "\n".join(ROWS)),
    ],
)
def test_what_is_said_is_written_and_used(look, options, content):
    _, contract = look({"rows.data": content}, "rows.data", **{"format": "csv", **options})
    assert types(contract) == PLAIN


def refusal(look, *args: Any, **options: Any) -> EvergreenError:
    with pytest.raises(EvergreenError) as caught:
        look(*args, **options)
    return caught.value


@pytest.mark.parametrize(
    ("name", "content", "code", "says", "advice"),
    [
        ("a.data", CSV, "CFG028", "does not tell the format", "Add --format with one of csv"),
        ("a.jsonl", TABLE.to_json(orient="records"), "DQ029", "one JSON array", "Add --format json."),
        ("a.csv", RUSSIAN.encode("cp1251"), "DQ002", r"byte 0x[CEF].+ in line \d", "Add --encoding with"),
        ("a.csv", CSV.encode("cp850"), "DQ002", r"byte 0x.. in line \d", "Add --encoding with"),
        ("a.csv", CSV.encode("utf-16-le"), "DQ029", "NUL bytes", "Add --encoding with"),
        ("a.csv", "\n".join(ROWS), "CFG025", "no column 'ill'", "--no-header calls the columns column_1 to column_4"),
        (
            "a.csv",
            "\n".join([HEADER, *(f"{row}," for row in ROWS)]),
            "DQ029",
            "rows have 5 values, the header 4",
            "row",
        ),
        ("a.csv", "\n".join([HEADER, "1,2,3,4,5"]), "DQ007", "none of its 1 rows can be read", "fit the header"),
        ("a.csv", "", "DQ007", "the table is empty", "Put rows"),
        ("a.csv", f"Ward 7;;;\n\n{CSV.replace(',', ';')}", "CFG025", "no column 'ill'", "'Ward 7' stands above what"),
        ("a.csv", f"Ward 7\n{CSV}", "DQ029", "the header 1", "('" + "', '".join(HEADER.split(",")) + "'): delete"),
        (
            "a.csv",
            f"Ward 7, beds\n{CSV.replace(',', ';')}",
            "DQ029",
            "the header 2",
            "'Ward 7, beds' stands above",
        ),
        (
            "a.xlsx",
            workbook([["Ward 7"], [], *map(str.split, CSV.replace(",", " ").splitlines())]),
            "CFG025",
            "no column 'ill'",
            "'Ward 7' stands above what looks like the header",
        ),
        ("a.txt", CSV.replace(",", "  "), "CFG025", "no column 'ill'", "if spaces stand between its names"),
        ("none.csv", None, "DQ000", "does not exist", "DATA"),
    ],
)
def test_what_cannot_be_read_says_why_and_which_option_helps(look, name, content, code, says, advice):
    error = refusal(look, {} if content is None else {name: content}, name)
    assert error.code == code
    assert re.search(says, error.what)
    assert advice in error.next_step
    assert "contract" not in error.next_step


def test_every_option_that_is_advised_is_one(settings):
    shown = CliRunner().invoke(app, ["init", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for key in ("format", "delimiter", "encoding", "names", "header"):
        for option in re.findall(r"--[a-z-]+", opening.as_option(f"Set source.{key} in the contract to x.")):
            assert option in shown


def test_file_without_a_header_whose_first_row_has_the_target_is_noted(look):
    written, contract = look({"a.csv": "\n".join(ROWS)}, "a.csv", target=ROWS[0].split(",")[-1])
    assert "for a file without a header: --no-header, or --names a,b,…" in notes(written)
    assert contract.source.model_dump()["header"] is True


def test_stray_bytes_in_a_few_rows_are_noted_and_go_to_quarantine(look):
    written, contract = look({"a.csv": CSV.encode() + b"50,caf\xff,1,yes\n"}, "a.csv")
    assert (written.table.unreadable, types(contract)) == (1, PLAIN)
    assert f"byte 0xFF in line {N + 2} is not UTF-8" in notes(written)


def test_words_for_missing_values_are_taken(look):
    written, contract = look({"a.csv": CSV.replace("Paris", "none given")}, "a.csv", missing=("none given",))
    assert "none given" in contract.missing
    assert written.table.columns["city"].nulls == (TABLE["city"] == "Paris").sum()


def test_documents_and_empty_parts_of_a_folder_are_noted(look):
    files = {"d/README.md": "# d", "d/1.csv": CSV, "d/2.csv": ""}
    written, _ = look(files, "d")
    assert "files without rows are left out: data/d/2.csv, data/d/README.md" in notes(written)


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
@pytest.mark.parametrize(("column", "target"), [("city", "ill"), ("ill", "ill"), ("age_group", "ill")])
def test_columns_that_folders_name_are_read_as_features_and_as_the_target(look, ending, column, target):
    table = TABLE.assign(age_group=(TABLE["age"] // 40).astype(str))
    files = {}
    for value, part in table.groupby(column):
        part = part.drop(columns=column)
        content = {"csv": part.to_csv(index=False), "parquet": parquet(part), "json": part.to_json(orient="records")}
        files[f"d/{column}={value}/part.{ending}"] = content[ending]
    written, contract = look(files, "d", target=target)
    assert types(contract) == {**PLAIN, "age_group": "integer"}
    assert written.table.columns[column].nulls == 0


def test_parts_of_equal_bytes_in_folders_of_different_values_both_count(look):
    written, _ = look({"d/zone=n/a.csv": CSV, "d/zone=s/a.csv": CSV}, "d")
    assert written.table.rows == 2 * N


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_column_that_came_with_a_later_file_is_null_before(look, ending):
    parts = [TABLE[:100].drop(columns="weight"), TABLE[100:]]
    contents = [parquet(part) if ending == "parquet" else part.to_csv(index=False) for part in parts]
    written, contract = look({f"d/{n}.{ending}": content for n, content in enumerate(contents)}, "d")
    assert f"columns that came with a later file, null in the rows before it: 'weight' (data/d/1.{ending})" in notes(
        written
    )
    assert written.table.columns["weight"].nulls == 100
    assert {column.name: column.nullable for column in contract.columns}["weight"]


def test_column_that_a_later_file_lacks_is_refused(look):
    files = {"d/1.csv": CSV, "d/2.csv": TABLE.drop(columns="weight").to_csv(index=False)}
    error = refusal(look, files, "d")
    assert (error.code, error.where) == ("DQ001", "data/d/2.csv")
    assert error.what == "missing columns: weight; data/d/1.csv has 'weight'"


def test_options_reach_the_contract_through_the_command_line(settings, monkeypatch):
    monkeypatch.chdir(settings.project)
    (settings.project / "data" / "x.data").write_bytes("\n".join(ROWS).replace(",", ";").encode("cp1252"))
    given = ["--format", "csv", "--delimiter", ";", "--encoding", "cp1252", "--names", "age,city,weight,ill"]
    done = CliRunner().invoke(app, ["init", "data/x.data", "--target", "ill", "--missing", "Paris", *given])
    assert done.exit_code == 0, done.output
    text = yaml.safe_load((settings.project / "configs" / "x_data" / "contract.yaml").read_text())
    assert text["source"] == {
        "kind": "file", "path": "data/x.data", "format": "csv", "delimiter": ";", "encoding": "cp1252",
        "header": False, "names": ["age", "city", "weight", "ill"],
    }  # fmt: skip
    assert text["missing"][-1] == "Paris"


def test_header_of_each_file_is_held_against_the_contract_as_a_run_does(look: Any) -> None:
    written, contract = look({"a.csv": CSV}, "a.csv")
    ((item, header),) = written.table.headers
    assert [*header] == [*TABLE]
    lacking = {name: None for name in header if name != "city"}
    opening.require_headers(contract, [(item, header), (item, dict(header))])
    with pytest.raises(EvergreenError, match="DQ001: missing columns: city") as caught:
        opening.require_headers(contract, [(item, header), (item, lacking)])
    assert caught.value.where == item.name
