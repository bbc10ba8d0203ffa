"""The features step, piece by piece: the same tables as from one pass over everything in memory."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from evergreen.base import memory
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import DataError, IntegrityError, ResourceError
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams
from evergreen.data.typed.schema import ARROW, to_pandas
from evergreen.learning import features as domain
from evergreen.learning.features import history, lookups, ordering, pieces
from tasks.features import features

SEED = 7
COLUMNS = (
    Column(name="asked", type="timestamp", role="time", nullable=True),
    Column(name="loan", type="integer", role="key"),
    Column(name="branch", type="category", role="feature", nullable=True),
    Column(name="income", type="number", role="feature", nullable=True),
    Column(name="children", type="integer", role="feature", nullable=True),
    Column(name="born", type="timestamp", role="feature", nullable=True),
    Column(name="owner", type="boolean", role="feature", nullable=True),
    Column(name="days_late", type="number", role="leakage", nullable=True),
    Column(name="sex", type="category", role="protected", nullable=True),
    Column(name="default", type="boolean", role="target", nullable=True),
)
TIMED = Contract(
    name="loans", description="", source=FileSource(kind="file", path="x.csv"), timezone="Europe/Paris",
    key=("loan",), label_delay_days=3, columns=COLUMNS,
)  # fmt: skip
UNTIMED = {**TIMED.model_dump(), "label_delay_days": 0, "columns": [c.model_dump() for c in COLUMNS[1:]]}
KEYED = Contract.model_validate(UNTIMED)
KEYLESS = Contract.model_validate({**UNTIMED, "key": []})
GROUPED = Contract.model_validate(
    {**UNTIMED, "columns": [*UNTIMED["columns"], {"name": "household", "type": "integer", "role": "group"}]}
)
BY_DAYS = FeatureParams(
    calendar=("hour", "month"), cyclic=("weekday",), ratios={"per_child": ("income", "children")},
    rare_category=2, test_days=5, embargo_days=3,
)  # fmt: skip
BY_SHARE = FeatureParams(ratios={"per_child": ("income", "children")}, rare_category=2, test_share=0.25)
PAST = BY_DAYS.model_copy(
    update={
        "history": FeatureParams.model_validate(
            {
                "history": {
                    "last_late": {"of": "days_late", "by": ["branch"], "lag": 1},
                    "asked_before": {"by": ["branch"], "aggregate": "count", "window_days": 4},
                    "usual_income": {"of": "income", "by": ["branch"], "aggregate": "std", "window_days": 9},
                    "late_of_their_sex": {"of": "days_late", "by": ["sex"], "aggregate": "mean", "window_days": 20},
                },
                "rare_category": 2,
                "test_days": 5,
            }
        ).history
    }
)
KINDS = {
    "time": (TIMED, BY_DAYS),
    "history": (TIMED, PAST),
    "key": (KEYED, BY_SHARE),
    "content": (KEYLESS, BY_SHARE),
    "group": (GROUPED, BY_SHARE),
}


def table(n: int = 3_000, *, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)

    def some(values, share=0.1):
        return pa.array(values, mask=rng.random(n) < share)

    seconds = 1_709_000_000 + rng.integers(0, 40 * 24, n) * 3_600
    rows = {
        "asked": pa.array(seconds * 1_000_000),
        "loan": pa.array(rng.permutation(n)),
        "branch": some(rng.choice(["north", "south", "east"], n)),
        "income": some(rng.normal(3_000, 800, n).round(2)),
        "children": some(rng.integers(0, 4, n)),
        "born": some(rng.integers(0, 10**15, n)),
        "owner": some(rng.random(n) < 0.5),
        "days_late": some(rng.normal(0, 9, n).round(), 0.2),
        "sex": some(rng.choice(["f", "m"], n)),
        "default": some(rng.random(n) < 0.4, 0.2),
        "household": pa.array(rng.integers(0, n // 5, n)),
    }
    types = {column.name: ARROW[column.type] for column in GROUPED.columns} | {"asked": ARROW["timestamp"]}
    return pa.table({name: values.cast(types[name]) for name, values in rows.items()})


def written(ws: Workspace, rows: pa.Table, contract: Contract):
    of_contract = rows.select([column.name for column in contract.columns])
    with ws.writer("valid", of_contract.schema) as writer:
        writer.add(of_contract)
    return writer.ref


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path / "workspace")


@pytest.fixture
def in_pieces(monkeypatch):
    """Return a function that makes the step take a table in pieces of so many bytes."""
    return lambda n_bytes: monkeypatch.setattr(pieces, "PIECE_BYTES", n_bytes)


def in_memory(rows: pa.Table, contract: Contract, params: FeatureParams) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return train and test by one pass over the whole table, and pandas' own sort."""
    by = [*([contract.time] if contract.time else []), *contract.key]
    frame = to_pandas(rows.select([column.name for column in contract.columns]))
    frame = ordering.in_order(frame, contract) if not by else frame.sort_values(by, ignore_index=True)
    frame = history.PastRows(contract, params).derive(frame)
    frame = frame[frame[contract.target].notna()]
    built = frame[[*contract.model_columns, *params.history]].assign(
        **domain.build(frame, contract, params), default=frame["default"].astype("bool")
    )
    if contract.time is None:
        return tuple(built[mask] for mask in domain.Cut(contract, params, SEED, None).sides(frame))
    day = frame["asked"].dt.tz_convert("Europe/Paris").dt.date
    first = day.max() - pd.Timedelta(days=4)
    return built[day < first - pd.Timedelta(days=3)], built[day >= first]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_bytes", [2**30, 20_000], ids=["one piece", "pieces"])
def test_tables_are_those_of_one_pass_in_memory(kind, n_bytes, ws, in_pieces):
    contract, params = KINDS[kind]
    in_pieces(n_bytes)
    found = features.fn(written(ws, table(), contract), ws=ws, contract=contract, params=params, seed=SEED)

    for ref, expected in zip((found.train, found.test), in_memory(table(), contract, params), strict=True):
        made = ws.read(ref)
        pd.testing.assert_frame_equal(made, expected.reset_index(drop=True), check_dtype=False, rtol=1e-12)
        assert ref.rows == len(made) > 200


@pytest.mark.parametrize("kind", KINDS)
def test_neither_pieces_nor_the_order_of_arrival_change_a_byte(kind, ws, in_pieces):
    contract, params = KINDS[kind]
    digests = set()
    for n_bytes, rows in ((2**30, table()), (30_000, table()), (17_000, table().take(np.arange(3_000)[::-1]))):
        in_pieces(n_bytes)
        found = features.fn(written(ws, rows, contract), ws=ws, contract=contract, params=params, seed=SEED)
        digests.add((found.train.sha256, found.test.sha256, found.split.model_dump_json()))
    assert len(digests) == 1


def test_rows_of_the_first_pieces_may_lack_a_target_and_functions_are_asked_for_others(ws, in_pieces):
    rows, params = table(), BY_DAYS.model_copy(update={"functions": ("own_features.sees_other_rows",)})
    early = pc.less(rows["asked"], pa.scalar(datetime.fromtimestamp(1_710_500_000, UTC)).cast(ARROW["timestamp"]))
    at = rows.schema.get_field_index("default")
    rows = rows.set_column(at, "default", pc.if_else(early, pa.scalar(None, pa.bool_()), rows["default"]))
    in_pieces(20_000)
    found = features.fn(written(ws, rows, TIMED), ws=ws, contract=TIMED, params=PAST, seed=SEED)
    assert found.train.rows + found.test.rows > 1_000
    assert refused(Workspace(root=ws.root / "other"), rows, TIMED, params).code == "FEA002"


def test_no_table_holds_a_consequence_or_a_protected_column(ws):
    found = features.fn(written(ws, table(), TIMED), ws=ws, contract=TIMED, params=PAST, seed=SEED)
    names = pq.read_schema(ws.path(found.train.uri)).names
    assert not {"days_late", "sex"} & set(names)
    assert {"last_late", "asked_before", "per_child", "loan", "default"} <= set(names)


def test_group_is_kept_and_is_no_feature(ws):
    found = features.fn(written(ws, table(), GROUPED), ws=ws, contract=GROUPED, params=BY_SHARE, seed=SEED)
    train, test = ws.read(found.train), ws.read(found.test)
    assert not set(train["household"]) & set(test["household"])
    assert "household" not in domain.inputs(GROUPED, BY_SHARE).names


def test_split_records_the_digest_of_the_gates_table(ws):
    found = features.fn(written(ws, table(), TIMED), ws=ws, contract=TIMED, params=BY_DAYS, seed=SEED)
    assert found.split.gate_digest == found.test.sha256


def test_lookups_that_the_features_need_are_an_artifact(ws, tmp_path):
    (tmp_path / "branches.csv").write_text("branch,staff,default_rate\nnorth,12,0.1\nsouth,7,0.2\n")
    params = FeatureParams.model_validate(
        {
            **BY_DAYS.model_dump(),
            "lookups": {"office": {"file": "branches.csv", "by": "branch", "numeric": ["staff"]}},
        }
    )
    refs = lookups.locate(params, tmp_path)
    found = features.fn(written(ws, table(), TIMED), ws=ws, contract=TIMED, params=params, seed=SEED, lookup_files=refs)

    train = ws.read(found.train)
    expected = train["branch"].map({"north": 12.0, "south": 7.0})
    pd.testing.assert_series_equal(train["office_staff"], expected, check_names=False)
    _, files = read_folder(ws.path(found.lookups.uri), found.lookups.sha256)
    assert lookups.from_files(files)["office"]["staff"].to_dict() == {"north": 12.0, "south": 7.0}


def test_rows_without_a_time_are_on_no_side(ws):
    rows = table()
    times = pa.array([None if n % 10 == 0 else t for n, t in enumerate(rows["asked"].to_pylist())], ARROW["timestamp"])
    with_gaps = rows.set_column(0, "asked", times)
    found = features.fn(written(ws, with_gaps, TIMED), ws=ws, contract=TIMED, params=BY_DAYS, seed=SEED)

    rest = with_gaps.filter(with_gaps["asked"].is_valid())
    alone = features.fn(written(ws, rest, TIMED), ws=ws, contract=TIMED, params=BY_DAYS, seed=SEED)
    assert (found.train.sha256, found.test.sha256) == (alone.train.sha256, alone.test.sha256)


# What stops the step


def refused(ws: Workspace, rows: pa.Table, contract: Contract, params: FeatureParams) -> DataError:
    """Return the error of a step that leaves nothing behind."""
    valid = written(ws, rows, contract)
    with pytest.raises(DataError) as caught:
        features.fn(valid, ws=ws, contract=contract, params=params, seed=SEED)
    assert [path.name for path in ws.root.iterdir()] == [valid.uri]
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_target_without_a_value_stops_the_step_and_is_named(kind, ws):
    contract, params = KINDS[kind]
    at = table().schema.get_field_index("default")
    for rows in (table().set_column(at, "default", pa.nulls(3_000, pa.bool_())), table()[:0]):
        error = refused(Workspace(root=ws.root / str(rows.num_rows)), rows, contract, params)
        assert error.block().startswith("DQ007: no labelled rows to split: column 'default', the target, has no value")


@pytest.mark.parametrize("kind", KINDS)
def test_constant_target_stops_the_step_and_is_named(kind, ws, in_pieces):
    contract, params = KINDS[kind]
    in_pieces(20_000)
    at = table().schema.get_field_index("default")
    error = refused(ws, table().set_column(at, "default", pa.array([True] * 3_000)), contract, params)
    assert error.code == "DQ009"
    assert "column 'default', the target, has the one class True in 3000 rows" in error.what


def test_copy_of_the_target_stops_the_step_in_pieces_too(ws, in_pieces):
    in_pieces(20_000)
    rows = table()
    copy = rows.set_column(rows.schema.get_field_index("owner"), "owner", rows["default"])
    error = refused(ws, copy, TIMED, BY_DAYS)
    assert error.what.startswith("too good to be true: column 'owner', each of its values comes with one value")


@pytest.mark.parametrize("n_bytes", [2**30, 20_000], ids=["one piece", "pieces"])
def test_test_rows_that_are_train_rows_too_stop_the_step(ws, in_pieces, n_bytes):
    in_pieces(n_bytes)
    contract = TIMED.model_copy(update={"max_overlap": 0.1})
    rows = table()
    few = rows.take(np.arange(3_000) % 40)  # the features of forty rows, at three thousand times
    for name in ("asked", "loan", "default"):
        few = few.set_column(few.schema.get_field_index(name), name, rows[name])
    error = refused(ws, few, contract, BY_DAYS)
    assert error.code == "DQ020"
    assert "(100.0%) have the features of a train row; 10.0% are allowed" in error.what


def test_changed_table_is_not_read(ws):
    valid = written(ws, table(), TIMED)
    content = bytearray(ws.path(valid.uri).read_bytes())
    content[len(content) // 2] ^= 1
    ws.path(valid.uri).write_bytes(content)
    with pytest.raises(IntegrityError) as caught:
        features.fn(valid, ws=ws, contract=TIMED, params=BY_DAYS, seed=SEED)
    assert caught.value.code == "INT002"


def test_memory_that_is_short_is_said_before_anything_is_read(ws, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2**18)
    valid = written(ws, table(), TIMED)
    with pytest.raises(ResourceError, match="a piece of 3000 of the 3000 rows of 'loans' needs about") as caught:
        features.fn(valid, ws=ws, contract=TIMED, params=BY_DAYS, seed=SEED)
    assert (caught.value.code, caught.value.exit_code) == ("RES005", 8)
