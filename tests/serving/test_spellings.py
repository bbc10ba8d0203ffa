"""What the document says of columns of every kind, of rules that only warn, and of the spellings that are read."""

import random
import re

import pyarrow as pa

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.data.typed.schema import conform
from serving.spellings import TIME, allowed, schema_of


def test_severity_pattern_open_set_and_spelling_are_in_the_document():
    columns = [
        {"name": "code", "type": "category", "role": "feature", "pattern": "[A-Z]{2}", "nullable": True},
        {"name": "odd", "type": "text", "role": "feature", "pattern": r"(?<=a)b"},
        {"name": "size", "type": "category", "role": "feature", "categories": ["S", "7"], "open": True},
        {"name": "kind", "type": "category", "role": "feature", "categories": ["S", "7", "2.5", "true"]},
        {"name": "fare", "type": "number", "role": "feature", "min": 0, "severity": {"DQ004": "warn"}},
        {"name": "tip", "type": "boolean", "role": "feature", "spelling": ["No", "Yes"]},
        {"name": "late", "type": "boolean", "role": "target"},
    ]
    about = {"name": "sizes", "description": "", "source": {"kind": "file", "path": "s.csv"}, "timezone": "UTC"}
    contract = Contract.model_validate({**about, "label_delay_days": 0, "columns": columns})
    said = {column.name: schema_of(column) for column in contract.columns}

    assert {"pattern": "^(?:[A-Z]{2})$"} in said["code"]["anyOf"][0]["allOf"]
    assert "(?<=a)b" in said["odd"]["description"]
    assert said["size"]["type"] == ["string", "number", "boolean"]
    assert said["kind"]["enum"] == ["S", "7", "2.5", "true", 7, 2.5, True]
    assert said["fare"]["anyOf"][0]["minimum"] < -1e300
    tip = next(column for column in contract.columns if column.name == "tip")
    form = re.compile(schema_of(tip)["anyOf"][1]["pattern"])
    assert form.search(" Yes ")
    assert not form.search("yes")
    assert not form.search("true")


def spelled_time(rng: random.Random) -> str:
    """Return a text that looks like a time, and often is one."""
    between = rng.choice("-/")
    year = rng.choice([1677, 1678, 1679, 1700, 1900, 2000, 2012, 2013, 2261, 2262, rng.randint(1600, 2300)])
    month, day = (rng.choice(["{}", "{:02}"]).format(rng.randint(0, most)) for most in (13, 32))
    text = f"{year}{between}{month}{between}{day}"
    if rng.random() < 0.8:
        colon = rng.choice([":", ":", ""])
        text += rng.choice("TTT t") + rng.choice(["{}", "{:02}"]).format(rng.choice([0, 4, 23, 24, 25]))
        if rng.random() < 0.8:
            text += f"{colon}{rng.randint(0, 61):02}"
            if rng.random() < 0.6:
                text += f"{colon}{rng.randint(0, 61):02}" + rng.choice(["", ".5", ".", ".1234567891"])
        if rng.random() < 0.6:
            text += rng.choice(["", "", " ", "  "])
            text += rng.choice(["Z", "z", "+01:00", "-0130", "+14", "+24:00", "-23:59", "UTC", "+1:00"])
    return f" {text}  " if rng.random() < 0.1 else text


def test_service_takes_exactly_the_times_that_batch_scoring_reads():
    rng = random.Random(3)
    column = Column(name="at", type="timestamp", role="time", nullable=True)
    texts = [spelled_time(rng) for _ in range(2_000)]
    read = []
    for text in texts:  # one by one: what a file reads may depend on the column's other values
        batch = conform(pa.RecordBatch.from_pydict({"at": [text]}), [column], zone="UTC")
        read.append(batch.column("at")[0].is_valid)

    taken = [re.fullmatch(TIME, text) is not None for text in texts]

    apart = [text for text, is_read, is_taken in zip(texts, read, taken, strict=True) if is_read != is_taken]
    # The first and the last day of what can be read, which an offset may lead out of, are not in the document.
    days = {tuple(map(int, re.split("[-/T ]", text.strip())[:3])) for text in apart}
    assert days <= {(1678, 1, 1), (2261, 12, 31), (2262, 1, 1)}
    assert sum(read) > 400
    assert sum(taken) < len(taken) - 400


def pattern(column: Column) -> re.Pattern[str]:
    """Return the expression of the texts that the document promises to read as values."""
    said = schema_of(column)
    forms = said.get("anyOf", [said])
    return re.compile(next(form["pattern"] for form in forms if "pattern" in form))


def test_spelling_of_a_column_is_what_the_document_says():
    euro = Column(name="p", type="number", role="feature", spelling={"decimal": ",", "thousands": ".", "after": "€"})
    day = Column(name="d", type="timestamp", role="time", spelling="%d.%m.%Y")
    seen = Column(name="s", type="timestamp", role="feature", spelling="epoch seconds", nullable=True)

    for column, taken, others in (
        (euro, ["1.234,50 €", "-3€", "1234,5 €"], ["12.50 €", "12,50", "€", ""]),
        (day, ["31.12.2024", "1.2.2024", "2024-03-01T12:00:00Z"], ["2024-03-01", "12.31.2024", "31.12.24"]),
        (seen, ["1700000000", "1.5"], ["1e9", "2024-03-01", ""]),
    ):
        form = pattern(column)
        assert [text for text in (*taken, *others) if form.search(text)] == taken
    assert {"type": "integer"} in schema_of(seen)["anyOf"]
    assert "12,5€" in allowed(euro)
    assert "%d.%m.%Y" in allowed(day)


def test_words_that_are_missing_are_refused_by_the_document_where_nothing_may_be():
    town = Column(name="t", type="category", role="feature", missing=("NA", "-"))
    said = schema_of(town)
    assert re.search(said["not"]["pattern"], " NA ")
    assert not re.search(said["pattern"], "  ")
    assert re.search(said["pattern"], " a ")
    size = Column(name="s", type="category", role="feature", nullable=True, categories=("S",), missing=("-",))
    assert schema_of(size)["anyOf"][0] == {"enum": ["S", None]}
    assert re.search(schema_of(size)["anyOf"][1]["pattern"], "-")
