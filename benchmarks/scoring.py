"""What batch scoring costs: rows a second and core, and peak memory, as the file grows.

Run `make benchmark-scoring` (ROWS="1000000 10000000"). Each figure is of a process of its own, peak memory included. The
rows are those of the flights, in their order, again and again: every time a year later and with other distances, so that
no two are the same. The model is the logistic one of the committed parameters, and is what a registered version is.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[1]
MODEL, ROWS_PER_GROUP = "model", 131_072
MICROSECONDS_A_YEAR = 364 * 86_400 * 1_000_000  # whole weeks
FASTEST = 500_000  # rows a second and core


def prepare(folder: Path) -> None:
    """Read the flights of the committed project and fit the logistic model on the first of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from evergreen.adapters.onnx_export.compiling import compiled
    from evergreen.base.artifacts.workspace import Workspace
    from evergreen.config.contract.contract import Contract
    from evergreen.config.params.ingest import IngestParams
    from evergreen.config.params.params import Params
    from evergreen.config.settings import Settings
    from evergreen.data import datasets
    from evergreen.data.ingest import sources, store
    from evergreen.data.typed.schema import ROW, UNREADABLE, to_pandas
    from evergreen.learning import features
    from evergreen.learning.model import model as models
    from evergreen.learning.tuning import families

    contract = Contract.load(PROJECT / "configs" / "flights" / "contract.yaml")
    params = Params.load(PROJECT / "params.yaml").features
    source = sources.locate(contract, Settings(project=PROJECT, home=folder))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    ws, year = Workspace(root=folder / "workspace"), IngestParams(start=date(2013, 1, 1), end=date(2014, 1, 1))
    raw = store.take(path, manifest, ws, contract, year)
    batches = datasets.batches(ws.path(raw.uri), raw)
    table = pa.Table.from_batches([batch.drop_columns([ROW, UNREADABLE]) for _, batch in batches])
    pq.write_table(table, folder / "flights.parquet")
    rows = to_pandas(table.slice(0, 60_000))
    rows = rows[rows[contract.target].notna()]
    inputs = features.inputs(contract, params)
    pipeline = families.build("logistic", {"C": 1.0}, task="binary", inputs=inputs, features=params, seed=7)
    pipeline.fit(features.build(rows, contract, params)[inputs.names], rows[contract.target].to_numpy(bool))
    fast = compiled(pipeline, rows, contract=contract, features=params, lookups={}, seed=7)
    ref = models.save(ws, MODEL, pipeline, contract=contract, features=params, about={}, compiled=fast.files)
    (folder / "model.json").write_text(ref.model_dump_json())


def write(folder: Path, rows: int) -> None:
    """Write so many rows of flights."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    flights = pq.read_table(folder / "flights.parquet")
    when = flights.schema.get_field_index("scheduled_departure")
    with pq.ParquetWriter(folder / "rows.parquet", flights.schema, compression="zstd") as writer:
        for year in range(-(-rows // flights.num_rows)):
            some = flights.slice(0, min(flights.num_rows, rows - year * flights.num_rows))
            times = pc.add(some.column(when).cast(pa.int64()), year * MICROSECONDS_A_YEAR)
            some = some.set_column(when, flights.schema.field(when), times.cast(flights.schema.field(when).type))
            writer.write_table(some, ROWS_PER_GROUP)


def score(folder: Path, *, logs: bool) -> int:
    """Score the rows, with what they are logged as, and return how many there were."""
    from evergreen.base.artifacts.refs import FolderRef
    from evergreen.config.settings import Settings
    from evergreen.record.outcomes import Judgement, VersionFacts
    from tasks.partitions import Scoring, plan

    ref = FolderRef.model_validate_json((folder / "model.json").read_text())
    judged = Judgement.model_construct(model="flights")
    facts = VersionFacts.model_construct(judged=judged, version=1, artifact=ref, threshold=0.5, package=None)
    settings = Settings(project=PROJECT, home=folder)
    (done,) = Scoring(facts, settings, logs).score_all(plan(str(folder / "rows.parquet"), folder / "scored.parquet"))
    assert done.failure is None, done.failure
    assert done.rows - done.refused > 0.99 * done.rows
    return done.rows
