"""Every door reads a text alike: ingest of a file, scoring of one, the service, and a bundle for the edge."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data import ingest
from evergreen.data.ingest import rows
from evergreen.data.ingest.items import item_of
from evergreen.data.typed.schema import ROW, UNREADABLE, conform
from evergreen.learning.model.compiled.reading import Reader, Unusual
from evergreen.learning.model.compiled.spelled import marked
from evergreen.learning.model.requested import planned
from evergreen.learning.model.scoring import BatchScorer
from serving.answers import RequestError
from serving.decoding import Decoder

REFUSED = "refused"
SPACES = ("", "", "", " ", "\t", "\u00a0", " \u2009")
COLUMNS: dict[str, dict[str, Any]] = {
    "plain": {"type": "number"},
    "bounded": {"type": "number", "min": 0, "max": 5000},
    "euro": {"type": "number", "spelling": {"decimal": ",", "thousands": ".", "after": "€"}, "missing": ["-1"]},
    "dollar": {"type": "number", "spelling": {"before": "$", "thousands": ",", "parentheses": True}},
    "share": {"type": "number", "spelling": {"after": "%"}, "missing": ["-", "999"]},
    "people": {"type": "integer", "spelling": {"thousands": " "}},
    "count": {"type": "integer", "min": 0, "max": 10**6, "missing": ["-999", "?"]},
    "yes": {"type": "boolean", "spelling": ["No", "Yes"], "missing": ["unknown"]},
    "truth": {"type": "boolean"},
    "size": {"type": "category", "categories": ["S", "M", "L"], "missing": ["-"]},
    "town": {"type": "category"},
    "words": {"type": "text", "missing": ["Unknown"]},
    "iso": {"type": "timestamp", "missing": ["1900-01-01"]},
    "german": {"type": "timestamp", "spelling": "%d.%m.%Y %H:%M"},
    "american": {"type": "timestamp", "spelling": "%m/%d/%y %I:%M %p"},
    "packed": {"type": "timestamp", "spelling": "%Y%m%d"},
    "long": {"type": "timestamp", "spelling": "%B %d, %Y"},
    "mail": {"type": "timestamp", "spelling": "rfc 2822"},
    "epoch": {"type": "timestamp", "spelling": "epoch seconds"},
    "millis": {"type": "timestamp", "spelling": "epoch milliseconds", "missing": ["0"]},
}
TOLD: dict[str, list[dict[str, Any]]] = {
    "hours": [{"name": "day", "type": "timestamp"}, {"name": "hour", "type": "integer", "missing": ["-9"]}],
    "clocks": [{"name": "day", "type": "timestamp", "spelling": "%d/%m/%Y"}, {"name": "clock", "type": "text"}],
    "days": [
        {"name": "year", "type": "integer"},
        {"name": "month", "type": "category"},
        {"name": "dom", "type": "integer"},
    ],
}


def contract(*columns: dict[str, Any]) -> Contract:
    about = {
        "name": "doors",
        "description": "",
        "source": {"kind": "file", "path": "d.csv"},
        "timezone": "Europe/Paris",
    }
    target = {"name": "late", "type": "boolean", "role": "target"}
    features = [{"role": "feature", "nullable": True, **column} for column in columns]
    return Contract.model_validate({**about, "label_delay_days": 0, "columns": [*features, target]})


def alone(of: Contract, column: Column) -> Any:
    """Return a model that is asked for one column of a contract."""
    about = [each.model_dump() for each in of.columns if each.name in (column.name, *column.parts, "late")]
    return SimpleNamespace(contract=contract(*[each for each in about if each["name"] != "late"]), given=())


class Doors:
    """The real reader of each door, for one contract."""

    def __init__(self, of: Contract, folder: Path) -> None:
        self.contract, self.file = of, folder / "d.csv"
        model = SimpleNamespace(contract=of, given=(), digest="0" * 64, classes=())
        self.model = model
        self.decoders = {column.name: Decoder(alone(of, column)) for column in of.request_columns}
        self.names = [column.name for column in of.columns if not column.parts and column.role != "target"]
        self.read = [column.name for column in of.request_columns]

    def all(self, cells: list[dict[str, str]]) -> dict[str, list[list[Any]]]:
        with self.file.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, [*self.names, "late"], quoting=csv.QUOTE_ALL)
            table.writeheader()
            table.writerows({**row, "late": "true"} for row in cells)
        return {
            "ingest": self.ingested(),
            "score": self.scored(),
            "serve": [self.served(row) for row in cells],
            "edge": [self.at_the_edge(row) for row in cells],
        }

    def ingested(self) -> list[list[Any]]:
        item, own = item_of(self.file, name="d.csv"), self.contract.as_written(self.contract.stored)
        (batch,) = ingest.batches(item, self.contract.source, self.contract.missing)
        return self.values(conform(batch, own, zone=self.contract.timezone, missing=self.contract.missing))

    def scored(self) -> list[list[Any]]:
        source = rows.read(item_of(self.file, name="d.csv"))
        scorer = BatchScorer(self.model, version=1, threshold=0.5, columns=source.schema.names)  # type: ignore[arg-type]
        asked = {column.name for column in (*scorer.columns, *scorer.parts)}
        (batch,) = (rows.without_missing(each, asked, self.contract.missing) for each in source.batches)
        about = {"zone": self.contract.timezone, "missing": self.contract.missing, "parts": scorer.parts}
        return self.values(conform(batch, scorer.columns, coded=True, **about))

    def served(self, row: dict[str, str]) -> list[Any]:
        return [self._one(column, row) for column in self.contract.request_columns]

    def _one(self, column: Column, row: dict[str, str]) -> Any:
        """Return what a service reads that asks for one column."""
        decoder = self.decoders[column.name]
        body = json.dumps({"rows": [{name: row[name] for name in (column.parts or (column.name,))}]}).encode()
        try:
            ((value,),) = decoder.decode(body).rows
        except RequestError as error:
            return REFUSED if error.where.startswith(f"rows[0].{column.name}") else error.where
        return value

    def at_the_edge(self, row: dict[str, str]) -> list[Any]:
        found = []
        declared = {column.name: planned(column) for column in self.contract.columns}
        for column in self.contract.request_columns:
            told = [declared[name] for name in column.parts]
            plan = marked(planned(column, parts=told), self.contract.missing)
            value = tuple(row[name] for name in column.parts) if column.parts else row[column.name]
            into: list[Any] = []
            try:
                Reader([plan], zone=self.contract.timezone, texts=True).read([value], into)
            except Unusual:
                into = [REFUSED]
            found += into
        return found

    def values(self, typed: pa.RecordBatch) -> list[list[Any]]:
        notes = [json.loads(text or "{}") for text in typed.column(UNREADABLE).to_pylist()]
        assert typed.column(ROW).to_pylist() == list(range(1, len(notes) + 1))
        columns = []
        for column in self.contract.request_columns:
            values = typed.column(column.name)
            plain = (values.cast(pa.int64()) if column.type == "timestamp" else values).to_pylist()
            broken = [value is not None and not allows(value, column) for value in plain]
            columns.append([
                REFUSED if column.name in note or bad else value
                for value, note, bad in zip(plain, notes, broken, strict=True)
            ])  # fmt: skip
        return [list(row) for row in zip(*columns, strict=True)]


def allows(value: Any, column: Column) -> bool:
    if column.categories is not None and value not in column.categories:
        return False
    return (column.min is None or value >= column.min) and (column.max is None or value <= column.max)


digits = st.from_regex(r"[0-9]{1,4}([.,' ][0-9]{3}){0,2}([.,][0-9]{0,3})?([eE]-?[0-9])?", fullmatch=True)
amounts = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "-", "+", "\u2212", "$", "-$", "(", "($"]),
    digits,
    st.sampled_from(["", " "]),
    st.sampled_from(["", "%", "€", "$", ")", "%)"]),
)
moments = st.datetimes().map(lambda at: at.replace(year=1900 + at.year % 150, microsecond=0))
FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%dT%H%M%S", "%Y%m%d",
    "%d.%m.%Y %H:%M", "%m/%d/%y %I:%M %p", "%B %d, %Y", "%a, %d %b %Y %H:%M:%S +0200", "%Y-%m-%d %H:%M:%S UTC",
    "%d/%m/%Y", "%H:%M", "%I:%M %p", "%H.%M.%S", "%Y", "%m", "%d", "%H",
)  # fmt: skip
times = st.builds(lambda at, form: at.strftime(form), moments, st.sampled_from(FORMS))
counts = st.integers(-(10**12), 10**13).map(str) | st.integers(-10, 40).map(str) | st.floats(0, 2e9).map(repr)
MARKS = (
    *("NA", "", "-", "?", "null", "Unknown", "unknown", "999", "-999", "-1", "-200", "1900-01-01"),
    *("Yes", "No", "true", "FALSE", "S", "L"),
)
marks = st.sampled_from(MARKS)
texts = st.builds("{}{}{}".format, st.sampled_from(SPACES), amounts | times | counts | marks, st.sampled_from(SPACES))


def agree(doors: Doors, cells: list[dict[str, str]]) -> int:
    """Assert that all doors read the same in every cell, and return how many were read as values."""
    found = doors.all(cells)
    n_read = 0
    for at, row in enumerate(cells):
        for column, *values in zip(doors.read, *(found[door][at] for door in found), strict=True):
            said = dict(zip(found, values, strict=True))
            assert all(value == values[0] and type(value) is type(values[0]) for value in values), (column, row, said)
            n_read += values[0] not in (None, REFUSED)
    return n_read


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Doors:
    columns = [{"name": name, **about} for name, about in COLUMNS.items()]
    return Doors(contract(*columns), tmp_path_factory.mktemp("doors"))


CAMPAIGN = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(CAMPAIGN, max_examples=12)
@given(st.lists(texts, min_size=10, max_size=10))
def test_every_door_reads_a_text_alike(doors, written):
    agree(doors, [dict.fromkeys(doors.names, text) for text in written])


@pytest.mark.long
@settings(CAMPAIGN, max_examples=1_500)
@given(st.lists(texts, min_size=10, max_size=10))
def test_every_door_reads_very_many_texts_alike(doors, written):
    agree(doors, [dict.fromkeys(doors.names, text) for text in written])


@pytest.mark.parametrize("of", TOLD)
@settings(CAMPAIGN, max_examples=12)
@given(data=st.data())
def test_every_door_reads_the_parts_of_a_time_alike(of, data, tmp_path_factory):
    parts = [{**part, "role": "ignore"} for part in TOLD[of]]
    time = {"name": "at", "type": "timestamp", "parts": [part["name"] for part in parts]}
    known = Doors(contract(*parts, time), tmp_path_factory.mktemp("parts"))
    wanted = {"day": ("%Y-%m-%d", "%d/%m/%Y"), "hour": ("%H", "-9", "25"), "clock": ("%H:%M", "%I:%M %p", "%H.%M.%S"),
              "year": ("%Y", "%y"), "month": ("%m", "%B", "%b"), "dom": ("%d", "31")}  # fmt: skip
    cells = []
    for at in data.draw(st.lists(moments, min_size=5, max_size=5)):
        forms = {name: data.draw(st.sampled_from((*wanted[name], "NA", "x"))) for name in known.names}
        cells.append({name: at.strftime(form) for name, form in forms.items()})
    agree(known, cells)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("yes", " Yes", True),
        ("yes", "unknown", None),
        ("iso", "2024-03-01", 1_709_247_600_000_000),
        ("iso", "2024-03-01 12:00:00", 1_709_290_800_000_000),
        ("iso", "20240301T110000Z", 1_709_290_800_000_000),
        ("iso", "2024-03-01 11:00 UTC", 1_709_290_800_000_000),
        ("iso", "1900-01-01 00:00", None),
        ("bounded", "1.2E+03", 1200.0),
        ("bounded", "   ", None),
        ("euro", "1.234,5 €", 1234.5),
        ("euro", "-1 €", None),
        ("euro", "1234.5", REFUSED),
        ("count", " -999.0", None),
        ("size", "NA", None),
        ("size", " ", None),
        ("town", " n/a", " n/a"),
        ("town", " NA ", None),
        ("words", "-", "-"),
        ("epoch", "1709290800", 1_709_290_800_000_000),
    ],
)
def test_what_a_file_spells_is_that_value_at_every_door(doors, column, text, value):
    found = doors.all([{**dict.fromkeys(doors.names, "x"), column: text}])
    at = doors.read.index(column)
    assert {door: read[0][at] for door, read in found.items()} == dict.fromkeys(found, value)
