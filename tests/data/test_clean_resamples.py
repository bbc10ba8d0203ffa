"""Real flights, month by month and nine rows of ten: the contract has nothing to say about them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from validated import item, load, stream

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.settings import Settings
from evergreen.data import datasets
from evergreen.data.ingest import sources, store
from evergreen.data.typed.schema import ROW, UNREADABLE
from evergreen.data.validation import Validation
from tasks.validate import validate

SHARE = 0.9


@pytest.fixture(scope="module")
def months(project: Path, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.RecordBatch]:
    """The typed rows of each month of 2013, as they lie in the dataset."""
    home = tmp_path_factory.mktemp("year")
    source = sources.locate(contract, Settings(project=project, home=home))
    path, manifest = store.sync(source, contract, home, made_with="", secret=b"")
    ref = store.take(path, manifest, Workspace(root=home), contract, IngestParams())
    parts: dict[str, list[pa.RecordBatch]] = {}
    for fragment, batch in datasets.batches(home / ref.uri, ref):
        parts.setdefault(fragment.partition, []).append(batch)
    return {name: pa.Table.from_batches(part).combine_chunks().to_batches()[0] for name, part in parts.items()}


def resample(months: dict[str, pa.RecordBatch], seed: int) -> pa.RecordBatch:
    """Return most rows of a month, both drawn by the seed."""
    rng = np.random.default_rng(seed)
    rows = months[rng.choice(sorted(months))]
    return rows.filter(pa.array(rng.random(rows.num_rows) < SHARE))


def as_delivered(contract: Contract) -> Contract:
    """Return the contract of a file that holds the observations, joined as they are."""
    changed = {"source": {"kind": "file", "path": "flights.csv"}, "joins": ()}
    return Contract.model_validate({**contract.model_dump(by_alias=True), **changed})


def delivered(rows: pa.RecordBatch, contract: Contract, folder: Path) -> tuple[DatasetRef, Workspace]:
    """Write rows to a CSV file, ingest it, and return what validation is given."""
    folder.mkdir()
    pyarrow.csv.write_csv(rows.drop_columns([ROW, UNREADABLE]), folder / "flights.csv")
    ws = Workspace(root=folder / "ws")
    source = sources.locate(contract, Settings(project=folder, home=folder / ".evergreen"))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    return store.take(path, manifest, ws, contract, IngestParams()), ws


def said(found: Validation) -> list[str]:
    """Return whatever is not a pass: failures and warnings."""
    return [str(rule) for rule in (*found.broken, *found.warnings)]


def check_in_memory(months: dict[str, pa.RecordBatch], contract: Contract, seeds: range) -> None:
    for seed in seeds:
        rows = resample(months, seed)
        assert said(stream(rows, contract, items=(item(),), size=32_768).validation) == [], seed


def test_resamples_break_no_rule(months: dict[str, pa.RecordBatch], contract: Contract) -> None:
    check_in_memory(months, contract, range(100))


def test_delivered_resamples_break_no_rule_in_either_layer(
    months: dict[str, pa.RecordBatch], contract: Contract, tmp_path: Path
) -> None:
    load()
    for seed in range(100, 103):
        rows = resample(months, seed)
        raw, ws = delivered(rows, as_delivered(contract), tmp_path / str(seed))
        found = validate.fn(
            raw,
            ws=ws,
            contract=as_delivered(contract),
            expectations=(),
            today=None,
            params=ValidateParams(max_bad_share=0.0),
        ).validation
        assert (said(found), found.kept) == ([], rows.num_rows), seed


@pytest.mark.long
def test_hundred_delivered_resamples_break_no_rule(
    months: dict[str, pa.RecordBatch], contract: Contract, tmp_path: Path
) -> None:
    for seed in range(200, 300):
        rows = resample(months, seed)
        raw, ws = delivered(rows, as_delivered(contract), tmp_path / str(seed))
        batches = [batch for _, batch in datasets.batches(ws.path(raw.uri), raw)]
        whole = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
        found = stream(whole, as_delivered(contract), items=(item(),), size=32_768).validation
        assert (said(found), found.kept) == ([], rows.num_rows), seed
