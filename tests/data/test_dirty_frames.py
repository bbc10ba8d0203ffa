"""Tables as bad as they come, through ingest and validation: every row is kept or set aside, or one block says why."""

import csv
import gzip
import io
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.contract.columns import MISSING
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data import datasets, validation
from evergreen.data.ingest import sources, store
from evergreen.data.validation import Validation
from tasks.validate import validate

ROWS = 12
SECRET = b"k" * 32
TYPES = ("number", "integer", "category", "text", "timestamp", "boolean")
NAMES = (
    "a", "b c", " padded ", "é", "select", "a.b", "a,b", 'say "x"', "=1+1", "<b>", "[red]", "0", "index", "month",
    "row", "source", "codes", "unreadable",
    "*", "\u202e", "n" * 300, "tab\tbed", "{}", "'", "\\", "level_0", "batch_id",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "42", "-3.5", "1e3", "1E-400", "1e400", "inf", "-Infinity", "nan", "1,234", "1.234,5", "1 000", "٣",
    "0x1F", "1_000", "+7", " 8 ", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "007", "1.0",
    "2.50", "1e19", "9007199254740993", "1.7976931348623157e308", "5e-324", "1.", ".5", "½", "--1", "1e", "$3", "4%",
)  # fmt: skip
TIMES = (
    "2013-01-31", "2013-01-31T17:05:00Z", "2013-01-31 17:05", "2013-1-3", "2013/01/31 17:05:09.123456789+05:30",
    "31/01/2013", "01-31-2013 5:05 PM", "2013-02-30", "2013-03-10T02:30:00", "2013-11-03T01:30:00", "0001-01-01",
    "9999-12-31T23:59:59Z", "1359651900", "2013-W05-4", "20130131T170500", "2013-01-31T24:00:00", "today", "2050-06-01",
    "2013-01-31T17:05:00-0800", "2013-01-31T17:05:60Z", "1677-12-31", "2262-01-01T00:00:00Z", "2013-01-31T17",
)  # fmt: skip
TRUTHS = ("true", "False", "TRUE", "1", "0", "yes", "no", "Y", "t", "1.0", "on", "2", "oui", " true ")
NASTY = (
    "", " ", "NA", "null", "None", "?", '"', '""', "a\nb", "a\r\nb", "a,b", "a\tb", "a;b", "a\0b", "é", "e\u0301", "😀",
    "\u202e", "\ufeff", "\ud800", "=cmd()", "+1+1", "@SUM(A1)", "<script>alert(1)</script>", "</script>", "{", "[1]",
    "\\", "\\N", "'; DROP TABLE x; --", "%s", "\x1b[31m", "\x85", "\u2028", "[red]", "x" * 5_000, "東京", "null\n",
)  # fmt: skip
PATTERNS = (r"[a-z]+", r"\d{1,3}", r".*", r"(?=a).*", r"\w+\b", r"[^,]*", r"é|a", r"^a$", r"\s*")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")

TEXTS = st.sampled_from(NASTY) | st.text(max_size=6)
CELLS: dict[str, st.SearchStrategy[str]] = {
    "number": st.sampled_from(NUMBERS) | st.floats().map(repr),
    "integer": st.sampled_from(NUMBERS) | st.integers().map(str),
    "category": st.sampled_from(("a", "b", "c", "A", "a ")) | TEXTS,
    "text": TEXTS,
    "timestamp": st.sampled_from(TIMES) | st.datetimes().map(str),
    "boolean": st.sampled_from(TRUTHS),
}
GOOD: dict[str, st.SearchStrategy[str]] = {
    "number": st.integers(-30, 30).map(lambda n: str(n / 4)),
    "integer": st.integers(-9, 9).map(str),
    "category": st.sampled_from("abc"),
    "text": st.sampled_from(("some words", "others")),
    "timestamp": st.integers(1, 28).map(lambda day: f"2013-01-{day:02d}T12:00:00Z"),
    "boolean": st.sampled_from(("true", "false")),
}
INSTANTS = st.datetimes(datetime(1600, 1, 1), datetime(2400, 1, 1))  # noqa: DTZ001, RUF100  naive, as Parquet has them
ARROW: tuple[tuple[pa.DataType, st.SearchStrategy[Any]], ...] = (
    (pa.int8(), st.integers(-128, 127)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float32(), st.floats(width=32)),
    (pa.float64(), st.floats()),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXTS.filter(lambda text: "\ud800" not in text)),
    (pa.large_string(), st.sampled_from(NUMBERS)),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from("abc")),
    (pa.binary(), st.binary(max_size=4)),
    (pa.timestamp("us"), INSTANTS),
    (pa.timestamp("ms", "UTC"), INSTANTS.map(lambda at: at.replace(microsecond=0, tzinfo=UTC))),
    (pa.timestamp("s", "Asia/Tokyo"), INSTANTS.map(lambda at: at.replace(microsecond=0, tzinfo=UTC))),
    (pa.date32(), st.dates()),
    (pa.time64("us"), st.times()),
    (pa.duration("s"), st.timedeltas().map(lambda span: span.days)),
    (pa.decimal128(38, 4), st.integers(-(10**30), 10**30).map(lambda n: Decimal(n).scaleb(-4))),
    (pa.null(), st.none()),
    (pa.list_(pa.int8()), st.lists(st.integers(0, 9), max_size=2)),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """A file, the contract that it is judged by, and how many rows it has; `batch`: rows judged at a time."""

    name: str
    content: bytes
    contract: Contract
    rows: int
    today: date | None
    batch: int


@st.composite
def contracts(draw: st.DrawFn, names: list[str], types: list[str], formats: str) -> Contract:
    """Return a contract of columns of these types with rules of every kind."""
    target = draw(st.sampled_from([n for n, kind in enumerate(types) if kind not in ("text", "timestamp")]))
    clocks = [n for n, kind in enumerate(types) if kind == "timestamp"]
    time = draw(st.sampled_from([None, *clocks]))
    others = [n for n in range(len(names)) if n not in (target, time)]
    feature = draw(st.sampled_from(others))
    columns = []
    for n, (name, kind) in enumerate(zip(names, types, strict=True)):
        free = ("feature", "leakage", "protected", "ignore")
        role = "target" if n == target else "time" if n == time else "feature"
        role = role if n in (target, time, feature) else draw(st.sampled_from(free))
        columns.append(draw(columns_of(name, kind, role, is_typed=formats == "parquet")))
    about: dict[str, Any] = {}
    if draw(st.booleans()):
        keys = [c["name"] for c in columns if c["role"] not in ("target", "leakage") and c.get("pii") != "drop"]
        about["key"] = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True))
    if time is not None:
        about |= draw(
            st.fixed_dictionaries(
                {}, optional={"freshness_days": st.just(400), "future_days": st.just(0), "time_order": st.just(True)}
            )
        )
    comparable = [c["name"] for c in columns if c["type"] in ("number", "integer")]
    if len(comparable) > 1:
        sign = draw(st.sampled_from(("<", "<=", "==", ">=", ">")))
        about["rules"] = [{"name": "r", "left": comparable[0], "is": sign, "right": comparable[1], "severity": "fail"}]
    if draw(st.booleans()):
        about["severity"] = {code: draw(st.sampled_from(("warn", "fail"))) for code in ("DQ006", "DQ014", "DQ022")}
    if draw(st.booleans()):
        about["rows"] = (draw(st.integers(0, 6)), draw(st.sampled_from((None, 6, 100))))
    zone, missing = draw(st.sampled_from(ZONES)), draw(st.sampled_from((MISSING, (), ("?", "a"))))
    return Contract.model_validate(
        {
            "name": "dirty", "description": "", "source": {"kind": "file", "path": f"rows.{formats}"}, "timezone": zone,
            "missing": missing, "label_delay_days": 0, "columns": columns, **about,
        }
    )  # fmt: skip


@st.composite
def columns_of(draw: st.DrawFn, name: str, kind: str, role: str, *, is_typed: bool) -> dict[str, Any]:
    """Return one column with rules that fit its type."""
    column: dict[str, Any] = {"name": name, "type": kind, "role": role, "nullable": draw(st.booleans())}
    column["unique"] = draw(st.sampled_from((False, False, True)))
    if column["nullable"] and draw(st.booleans()):
        column["max_null_share"] = draw(st.sampled_from((0.0, 0.3, 1.0)))
    if kind in ("number", "integer"):
        low = draw(st.sampled_from((None, -3, 0.5, -(2.0**53))))
        column |= {"min": low, "max": draw(st.sampled_from((None, 3, 7.5, 1e300)))}
        column["mean"] = draw(st.sampled_from((None, (-5, 5))))
    if kind == "boolean":
        column["spelling"] = draw(st.sampled_from((None, ("no", "yes"), ("0", "1"))))
    if kind in ("category", "text"):
        rule = draw(st.sampled_from(("pii", "pattern", "categories", "")))
        if rule == "pii":
            allowed = ("keep",) if role in ("feature", "target") else ("hash", "mask", "keep")
            allowed += ("drop",) if role == "ignore" else ()
            column["pii"] = draw(st.sampled_from(allowed))
        elif rule == "pattern":
            column["pattern"] = draw(st.sampled_from(PATTERNS))
        elif rule == "categories" and kind == "category":
            column |= {"categories": draw(st.sampled_from((("a", "b"), ("", "é", "=cmd()"))))}
            column["open"] = draw(st.booleans())
    if is_typed and draw(st.booleans()):
        column["physical"] = draw(st.sampled_from(("int32", "double", "string", "bool", "uint8")))
    codes = st.sampled_from(("DQ003", "DQ004", "DQ005", "DQ010", "DQ011", "DQ017", "DQ018", "DQ019", "DQ023"))
    column["severity"] = draw(st.dictionaries(codes, st.sampled_from(("warn", "fail")), max_size=3))
    return column


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Return a dirty file of any format with a contract of its columns, most of which fit it."""
    formats = draw(st.sampled_from(("csv", "csv", "tsv", "jsonl", "parquet")))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=3, max_size=6, unique=True))
    types = draw(st.lists(st.sampled_from(TYPES), min_size=len(names), max_size=len(names)))
    types[0] = draw(st.sampled_from(("boolean", "category", "number", "integer")))
    contract = draw(contracts(names, types, formats))
    n = draw(st.sampled_from(range(ROWS + 1)))
    if formats == "parquet":
        content, rows = draw(parquets(names, types, n))
    else:
        table = [draw(cells(types)) for _ in range(n)]
        table += draw(st.lists(st.sampled_from(table), max_size=2)) if table else []
        content, rows = draw(lines(names, table) if formats == "jsonl" else delimited(names, table, formats))
    name = f"rows.{formats}"
    if formats != "parquet" and draw(st.integers(0, 5)) == 5:
        content = gzip.compress(content, mtime=0)
    today = draw(st.sampled_from((None, date(2013, 2, 1))))
    return Frame(name, content, contract, rows, today, draw(st.sampled_from((1, 3, 1_000))))


@st.composite
def cells(draw: st.DrawFn, types: list[str]) -> list[str | None]:
    """Return a row: good values, bad ones of the same kind, those of another kind, and none."""
    row: list[str | None] = []
    for kind in types:
        choice = draw(st.integers(0, 9))
        of = draw(st.sampled_from(TYPES)) if choice == 8 else kind
        row.append(None if choice == 9 else draw(GOOD[kind] if choice < 5 else CELLS[of]))
    return row


@st.composite
def delimited(draw: st.DrawFn, names: list[str], table: list[list[str | None]], formats: str) -> tuple[bytes, int]:
    """Return a CSV or TSV file with ragged and blank lines, and its rows as the csv module counts them."""
    sign = "," if formats == "csv" else "\t"
    end = draw(st.sampled_from(("\n", "\r\n", "\r")))
    quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=sign, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    for row in table:
        fault = draw(st.integers(0, 19))
        given = row if fault < 18 else row[:-1] if fault == 18 else [*row, "more", None]
        writer.writerow(given)
        if draw(st.integers(0, 14)) == 14:
            text.write(draw(st.sampled_from((end, "  " + end, sign + end))))
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16")))
    whole = text.getvalue() if draw(st.integers(0, 3)) else text.getvalue().rstrip("\r\n")
    content = whole.encode(encoding, "surrogatepass")
    if encoding == "utf-8" and draw(st.integers(0, 9)) == 9:
        at = draw(st.integers(0, len(content)))
        content = content[:at] + draw(st.sampled_from((b"\xff", b"\xe9", b"\xc3"))) + content[at:]
    seen = io.StringIO(content.decode(encoding, "replace"), newline="")
    return content, max(sum(bool(row) for row in csv.reader(seen, delimiter=sign)) - 1, 0)


@st.composite
def lines(draw: st.DrawFn, names: list[str], table: list[list[str | None]]) -> tuple[bytes, int]:
    """Return JSON lines, some of them broken, with numbers as numbers or text and keys left out; and how many."""
    written = []
    for row in table:
        given = {
            name: draw(st.sampled_from((value, _as_json(value))))
            for name, value in zip(names, row, strict=True)
            if value is not None or draw(st.booleans())
        }
        written.append(json.dumps(given, ensure_ascii=draw(st.booleans())))
        if draw(st.integers(0, 9)) == 9:
            broken = ("", "{", "[]", "null", '{"a": 1', '{"a": 1, "a": 2}', '{"a": {"b": [1]}}', '{"a": NaN}', "\x0b")
            written.append(draw(st.sampled_from(broken)))
    content = "\n".join(written).encode("utf-8", "surrogatepass")
    return content, sum(bool(line.strip()) for line in content.split(b"\n"))


def _as_json(value: str | None) -> Any:
    """Return a cell as JSON has it: a number, a truth value or a text."""
    known = {"true": True, "false": False}
    try:
        return known[value] if value in known else float(value) if value and "." in value else int(value or "")
    except ValueError:
        return value


@st.composite
def parquets(draw: st.DrawFn, names: list[str], types: list[str], n: int) -> tuple[bytes, int]:
    """Return a Parquet file whose columns have types of their own, and its number of rows."""
    arrays = []
    for kind in types:
        if draw(st.booleans()):
            values = [draw(st.none() | GOOD[kind]) for _ in range(n)]
            arrays.append(pa.array(values, pa.string()))
        else:
            of, made = draw(st.sampled_from(ARROW if draw(st.integers(0, 3)) == 3 else ARROW[:-1]))
            arrays.append(pa.array([draw(st.none() | made) for _ in range(n)], of))
    out = io.BytesIO()
    pq.write_table(pa.table(arrays, names=names), out, row_group_size=5)
    return out.getvalue(), n


def judged(frame: Frame, folder: Path, *, is_whole: bool) -> str:
    """Ingest and judge a file; return the code that refuses it, or that it was judged."""
    (folder / frame.name).write_bytes(frame.content)
    ws = Workspace(root=folder / "ws")
    where = Settings(project=folder, home=folder / ".evergreen")
    try:
        source = sources.locate(frame.contract, where)
        path, manifest = store.sync(source, frame.contract, folder / "datasets", made_with="", secret=SECRET)
        raw = store.take(path, manifest, ws, frame.contract, IngestParams())
    except DataError as error:
        return error.code
    assert manifest.rows == raw.rows == frame.rows
    found = streamed(frame, ws, raw, manifest)
    if is_whole:
        try:
            result = validate.fn(
                raw,
                ws=ws,
                contract=frame.contract,
                expectations=(),
                today=frame.today,
                params=ValidateParams(max_bad_share=1.0),
            )
        except DataError:
            assert found.stopping
        else:
            assert counts(result.validation) == counts(found)
            assert (result.valid.rows, result.quarantine.rows) == (found.kept, found.quarantined)
            assert len(ws.read(result.quarantine)) == found.quarantined
    return "judged"


def counts(found: Validation) -> list[tuple[Any, ...]]:
    """Return what was found without samples, which are of the first batch that breaks a rule."""
    return [(found.rows, found.kept, found.unreadable, found.last_time)] + [
        (rule.code, rule.column, rule.rule, rule.outcome, rule.n_bad, rule.rows) for rule in found.rules
    ]


def streamed(frame: Frame, ws: Workspace, raw: Any, manifest: Any) -> Validation:
    """Return what the streaming pass finds, some rows at a time; each row is kept, or set aside with its codes."""
    path, contract = ws.path(raw.uri), frame.contract

    def scan(names: Any) -> Any:
        found = datasets.batches(path, raw, columns=names, max_rows=frame.batch)
        return ((fragment.partition, batch) for fragment, batch in found)

    repeats = [validation.repeats(rule, scan) for rule in validation.unique_rules(contract)]
    stream = validation.Stream(contract, items=manifest.items, repeats=repeats, today=frame.today)
    kept = bad = 0
    for fragment, batch in datasets.batches(path, raw, max_rows=frame.batch):
        each = stream.take(fragment.item, batch)
        kept += each.kept.num_rows
        if each.bad is not None:
            bad += each.bad.num_rows
            assert all(each.bad.column(each.bad.num_columns - 2).to_pylist()), "a row without a code"
    found = stream.validation()
    assert (found.kept, found.quarantined) == (kept, bad)
    assert found.rows == kept + bad == frame.rows
    return found


def campaign(examples: int, *, is_whole: bool) -> Counter[str]:
    """Judge so many frames, always the same; return how often each ended how."""
    outcomes: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(frames())
    def each(frame: Frame) -> None:
        with tempfile.TemporaryDirectory() as folder:
            outcomes[judged(frame, Path(folder), is_whole=is_whole)] += 1

    each()
    return outcomes


def test_quarantine_tells_its_own_columns_from_those_of_the_table() -> None:
    names = ["source", "row", "codes", "unreadable"]
    assert validation.quarantine_schema(names).names == [*names, *(f"_{name}" for name in names)]
    assert validation.quarantine_schema(["a"]).names == ["a", *names]


def test_dirty_frames_lose_no_row_in_the_streaming_pass() -> None:
    outcomes = campaign(60, is_whole=False)
    assert outcomes["judged"] > 30, outcomes


def test_dirty_frames_lose_no_row_and_both_layers_agree() -> None:
    outcomes = campaign(8, is_whole=True)
    assert outcomes["judged"] > 0, outcomes


@pytest.mark.long
def test_two_thousand_dirty_frames_lose_no_row_and_both_layers_agree() -> None:
    outcomes = campaign(2_000, is_whole=True)
    assert outcomes["judged"] > 1_000, outcomes
