"""A catalogue of faults put into real flights: which rule sees each, on which column, how often and where."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data.ingest import sources, store
from tasks.validate import validate

ROWS = 5_000
TELLING = ("DQ018", "DQ019", "DQ023")  # would stop at the first otherwise
START, END = date(2013, 1, 1), date(2013, 2, 1)
TODAY = date(2013, 1, 30)


@dataclass(frozen=True)
class Found:
    """What a run says of one rule."""

    code: str
    column: str
    count: int
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Mutation:
    """A fault: how it is made, and the rule and column that must name it ("" for the table)."""

    name: str
    code: str
    column: str
    make: Callable[[pd.DataFrame], pd.DataFrame | bytes]


def some(rows: pd.DataFrame, share: float) -> np.ndarray:
    return np.random.default_rng(3).random(len(rows)) < share


def put(column: str, change: Callable[[pd.Series], object], share: float = 1.0):
    """Return a fault that changes a share of a column."""

    def make(rows):
        mask = some(rows, share)
        values = rows[column].astype("object")
        values[mask] = change(rows.loc[mask, column])
        return rows.assign(**{column: values})

    return make


def swap(one: str, other: str):
    return lambda rows: rows.assign(**{one: rows[other], other: rows[one]})


def as_text(rows: pd.DataFrame) -> str:
    return rows.to_csv(index=False)


def edit(change: Callable[[str], str], encoding: str = "utf-8"):
    """Return a fault in the bytes of the file."""
    return lambda rows: change(as_text(rows)).encode(encoding)


def in_line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def make(text):
        lines = text.splitlines()
        lines[number] = change(lines[number])
        return "\n".join(lines) + "\n"

    return make


CATALOGUE = [
    # units
    Mutation("distance times 100", "DQ004", "distance", put("distance", lambda v: v * 100)),
    Mutation("distance in kilometres", "DQ019", "distance", put("distance", lambda v: (v * 1.609).round().astype(int))),
    Mutation("temperature in Celsius", "DQ019", "temp", put("temp", lambda v: (v - 32) / 1.8)),
    Mutation("wind in metres a second", "DQ019", "wind_speed", put("wind_speed", lambda v: v * 0.44704)),
    Mutation("pressure in inches of mercury", "DQ004", "pressure", put("pressure", lambda v: v * 0.02953)),
    Mutation("air time in hours", "DQ019", "air_time", put("air_time", lambda v: v / 60)),
    Mutation("delay in seconds", "DQ004", "arr_delay", put("arr_delay", lambda v: v * 60)),
    Mutation("humidity as a share", "DQ019", "humid", put("humid", lambda v: v / 100)),
    Mutation("arrival as hhmm", "DQ004", "scheduled_arrival_minute", put(
        "scheduled_arrival_minute", lambda v: v // 60 * 100 + v % 60)),
    # columns in each other's place
    Mutation("temperature and dew point swapped", "DQ012", "dewp, temp", swap("temp", "dewp")),
    Mutation("gust and wind swapped", "DQ012", "wind_gust, wind_speed", swap("wind_gust", "wind_speed")),
    Mutation("origin and destination swapped", "DQ005", "origin", swap("origin", "dest")),
    Mutation("year and seats swapped", "DQ004", "plane_year", swap("plane_year", "seats")),
    # missing values
    Mutation("30 % of temperatures gone", "DQ018", "temp", put("temp", lambda v: None, 0.3)),
    Mutation("30 % of tail numbers gone", "DQ018", "tailnum", put("tailnum", lambda v: None, 0.3)),
    Mutation("all labels gone", "DQ018", "late", put("late", lambda v: None)),
    Mutation("2 % of carriers gone", "DQ003", "carrier", put("carrier", lambda v: None, 0.02)),
    Mutation("2 % of times gone", "DQ003", "scheduled_departure", put("scheduled_departure", lambda v: None, 0.02)),
    # categories
    Mutation("Newark spelled out", "DQ005", "origin", put("origin", lambda v: v.replace("EWR", "Newark"))),
    Mutation("origin in lower case", "DQ005", "origin", put("origin", lambda v: v.str.lower())),
    Mutation("origin padded", "DQ005", "origin", put("origin", lambda v: v + " ")),
    Mutation("an airline that was never seen", "DQ005", "carrier", put("carrier", lambda v: "ZZ", 0.02)),
    Mutation("airline spelled out", "DQ011", "carrier", put("carrier", lambda v: "United", 0.02)),
    Mutation("destination in lower case", "DQ011", "dest", put("dest", lambda v: v.str.lower(), 0.1)),
    Mutation("label turned round", "DQ019", "late", put("late", lambda v: ~v.astype("boolean"))),
    # values that cannot be
    Mutation("thousands separators", "DQ002", "distance", put("distance", lambda v: v.map("{:,}".format))),
    Mutation("decimal commas", "DQ002", "temp", put("temp", lambda v: v.astype(str).str.replace(".", ","), 0.1)),
    Mutation("words among numbers", "DQ002", "seats", put("seats", lambda v: "unknown", 0.02)),
    Mutation("infinite", "DQ002", "wind_speed", put("wind_speed", lambda v: np.inf, 0.01)),
    Mutation("beyond 2^63", "DQ002", "flight", put("flight", lambda v: 2**63, 0.01)),
    Mutation("sentinel -999", "DQ004", "temp", put("temp", lambda v: -999.0, 0.01)),
    Mutation("sentinel 9999", "DQ004", "wind_dir", put("wind_dir", lambda v: 9999.0, 0.01)),
    Mutation("sign turned", "DQ004", "distance", put("distance", lambda v: -v, 0.01)),
    Mutation("the same humidity everywhere", "DQ023", "humid", put("humid", lambda v: 60.0)),
    Mutation("the label copied into a feature", "DQ019", "visib", put("visib", lambda v: 0.0, 0.7)),
    # rows
    Mutation("5 % of rows twice", "DQ006", "scheduled_departure, carrier, flight",
        lambda rows: pd.concat([rows, rows[some(rows, 0.05)]])),
    Mutation("every row twice", "DQ006", "scheduled_departure, carrier, flight", lambda rows: pd.concat([rows, rows])),
    Mutation("the second half lost", "DQ015", "", lambda rows: rows.head(len(rows) // 2)),
    Mutation("a year late", "DQ007", "", put("scheduled_departure", lambda v: v + pd.Timedelta(days=365))),
    Mutation("rows of tomorrow", "DQ022", "scheduled_departure",
        put("scheduled_departure", lambda v: pd.Timestamp("2013-01-31T20:00Z"), 0.01)),
    Mutation("a stale file", "DQ014", "",
        lambda rows: rows[rows["scheduled_departure"] < pd.Timestamp("2013-01-25", tz="UTC")]),
    Mutation("shuffled", "DQ021", "", lambda rows: rows.sample(frac=1, random_state=1)),
    # schema
    Mutation("a new column", "DQ016", "gate", lambda rows: rows.assign(gate="A1")),
    Mutation("a column dropped", "DQ001", "visib", lambda rows: rows.drop(columns="visib")),
    Mutation("a column renamed", "DQ001", "temp", lambda rows: rows.rename(columns={"temp": "temperature"})),
    # the file itself
    Mutation("days before months", "DQ002", "scheduled_departure",
        lambda rows: rows.assign(scheduled_departure=rows["scheduled_departure"].dt.strftime("%d/%m/%Y %H:%M"))),
    Mutation("times with and without offset", "DQ002", "scheduled_departure",
        put("scheduled_departure", lambda v: v.dt.strftime("%Y-%m-%dT%H:%M:%S"), 0.1)),
    Mutation("the last row cut short", "DQ013", "", edit(lambda text: text[: -len(text.splitlines()[-1]) // 2])),
    Mutation("a ragged row", "DQ013", "", edit(in_line(70, lambda line: line + ",1,2"))),
    Mutation("a NUL byte", "DQ013", "", edit(in_line(70, lambda line: line[:9] + "\0" + line[9:]))),
    Mutation("another encoding", "DQ013", "", edit(lambda text: text.replace("EMBRAER", "EMBRÆR"), "latin-1")),
    Mutation("semicolons", "DQ029", "", edit(lambda text: text.replace(",", ";"))),
    Mutation("a header twice", "DQ029", "dewp", edit(lambda text: text.replace("temp", "dewp", 1))),
    Mutation("nothing but a header", "DQ007", "", edit(lambda text: text.partition("\n")[0] + "\n")),
    Mutation("an empty file", "DQ007", "", edit(lambda text: "")),
]  # fmt: skip


@pytest.fixture(scope="module")
def january(project, contract, tmp_path_factory) -> pd.DataFrame:
    """Some flights of January 2013, by time, as a source delivers them on the 30th."""
    rows = observations(Settings.load(start=project), contract, tmp_path_factory.mktemp("january"), START, TODAY)
    return rows.sample(ROWS, random_state=0).sort_values(["scheduled_departure", "carrier", "flight"])


@pytest.fixture(scope="module")
def delivered(contract) -> Contract:
    """The flights contract of a file that is delivered at the end of each month, which tells of every fault at once."""
    columns = [{**column.model_dump(), "severity": dict.fromkeys(TELLING, "warn")} for column in contract.columns]
    changed = {
        "source": {"kind": "file", "path": "flights.csv"},
        "joins": (),
        "rows": (ROWS * 0.8, None),
        "freshness_days": 3,
        "future_days": 0,
        "time_order": True,
        "severity": dict.fromkeys(("DQ014", "DQ015"), "warn"),
        "columns": columns,
    }
    return Contract.model_validate({**contract.model_dump(by_alias=True), **changed})


def observations(settings, contract, folder, start, end) -> pd.DataFrame:
    from evergreen.data.datasets import batches
    from evergreen.data.typed.schema import to_pandas

    path, manifest = store.sync(sources.locate(contract, settings), contract, folder / "d", made_with="", secret=b"")
    ws = Workspace(root=folder / "ws")
    raw = store.take(path, manifest, ws, contract, IngestParams(start=start, end=end))
    frames = [to_pandas(batch) for _, batch in batches(ws.path(raw.uri), raw)]
    return pd.concat(frames).drop(columns=["_row", "_unreadable"])


def findings(content: bytes, contract: Contract, folder) -> list[Found]:
    """Deliver a file, ingest and validate it, and return every rule that somebody would hear of."""
    folder.mkdir(exist_ok=True)
    (folder / "flights.csv").write_bytes(content)
    ws = Workspace(root=folder / "ws")
    settings = Settings(project=folder, home=folder / ".evergreen")
    try:
        source = sources.locate(contract, settings)
        path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
        raw = store.take(path, manifest, ws, contract, IngestParams(start=START, end=END))
    except DataError as error:
        return [Found(error.code, error.what, 1, (error.where,))]
    result = validate.fn(
        raw, ws=ws, contract=contract, expectations=(), today=TODAY, params=ValidateParams(max_bad_share=1.0)
    )
    return [
        Found(rule.code, rule.column, rule.n_bad, tuple(map(str, rule.samples)))
        for rule in result.validation.rules
        if rule.outcome in ("failed", "warned")
    ]


@pytest.mark.parametrize("mutation", CATALOGUE, ids=lambda mutation: mutation.name)
def test_fault_is_named_by_its_rule_with_count_and_samples(mutation, january, delivered, tmp_path):
    made = mutation.make(january)

    found = findings(made if isinstance(made, bytes) else as_text(made).encode(), delivered, tmp_path)

    named = [each for each in found if each.code == mutation.code and mutation.column in each.column]
    assert named, [(each.code, each.column) for each in found]
    if mutation.column:
        assert all(each.count > 0 and each.samples for each in named)


def test_rows_as_they_were_delivered_break_no_rule(january, delivered, tmp_path):
    assert findings(as_text(january).encode(), delivered, tmp_path) == []
