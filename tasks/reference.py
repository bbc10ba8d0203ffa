"""Step: a version's rows and proof -> what it is compared with while it serves."""

import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.columns import ColumnType
from evergreen.config.contract.contract import Contract
from evergreen.config.params.drift import DriftParams
from evergreen.decisions.drift.profile.bins import bins_of
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.clock import hour_of, with_hour
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.gate import scores
from evergreen.learning.analysis.sensitivity import sensitivity
from evergreen.learning.features.rowwise import local_time
from evergreen.learning.model import model as models
from evergreen.record.predicted import said, types_of
from evergreen.record.reference import DAY, TARGET, Reference
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.proof import Proof
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
COLUMNS = {"model": "candidate", "baseline": "baseline"}  # of the table of the gate's rows, by what was taken


class Referenced(Value):
    """The folder that `Reference.read` reads."""

    folder: FolderRef


@task(name="reference", timeout_seconds=3600, **RECORDED)
def reference(
    artifact: FolderRef,
    *,
    train: TableRef,
    proof: FolderRef | None,
    threshold: float,
    ws: Workspace,
    params: DriftParams,
    seed: int,
) -> Referenced:
    """Profile the rows that a version was made of, and what it said of its gate's rows, which it had not seen.

    Parameters
    ----------
    artifact : the model that serves.
    proof : of the version; None of one from before there were proofs, whose losses at the gate nobody knows.
    """
    model = models.load(ws.path(artifact.uri), artifact.sha256)
    contract = model.contract
    assert contract.time is not None
    proven, files = proofs.read(ws.path(proof.uri), proof.sha256) if proof else (None, {})
    tables = [ws.verified(train), *([ws.verified(proven.candidate.test)] if proven else [])]
    types = {column.name: column.type for column in contract.features if not column.pii}
    timed: Mapping[str, ColumnType] = {**types, hour_of(contract.time): "category"}
    bins = bins_of(_timed(tables, contract, [*types]), timed, n_bins=params.bins)
    gate = _gate(proven, files, ws, contract, threshold) if proven else None
    made = Reference(
        features=profile(_timed(tables, contract, [*types]), bins, time=contract.time, zone=contract.timezone),
        predictions=_predictions(gate, contract, params) if gate is not None else None,
        gate=gate,
        importances=sensitivity(model, ws.read(train), [*types], seed=seed),
        test=proven.candidate.test if proven else None,
    )
    folder = ws.write_folder("reference", made.files(), {"model": artifact.sha256, "train": train.sha256})
    log.info("reference: %d days, digest %s", len(made.features.days), folder.sha256[:12])
    return Referenced(folder=folder)


def _timed(tables: list[Path], contract: Contract, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield columns of rows, their time, and its hour."""
    assert contract.time is not None
    for table in tables:
        with pq.ParquetFile(table) as file:
            for batch in file.iter_batches(columns=[contract.time, *columns]):
                yield with_hour(batch, contract.time, contract.timezone)


def _gate(
    proven: Proof, files: Mapping[str, bytes], ws: Workspace, contract: Contract, threshold: float
) -> pd.DataFrame:
    """Return the gate's rows as `Reference.gate` holds them."""
    table = pq.read_table(io.BytesIO(files[proofs.ROWS])).to_pandas()
    estimates = scores.estimates(table, COLUMNS[proven.taken], proven.compared)
    assert estimates is not None
    assert contract.time is not None
    times = local_time(ws.read(proven.candidate.test, columns=[contract.time]), contract)
    days = times.dt.tz_localize(None).dt.normalize().to_numpy()
    return pd.DataFrame({DAY: days, TARGET: table[scores.LABEL].to_numpy(), **estimates.answers(threshold)})


def _predictions(gate: pd.DataFrame, contract: Contract, params: DriftParams) -> Profile:
    """Return the profile of what was said of the gate's rows, by their local days."""
    types: Mapping[str, ColumnType] = types_of(contract.task)
    rows = said(pa.Table.from_pandas(gate, preserve_index=False), contract.task)
    at = pa.array(gate[DAY]).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    bins = bins_of(rows, types, n_bins=params.bins)
    return profile(rows.append_column(DAY, at), bins, time=DAY, zone="UTC")
