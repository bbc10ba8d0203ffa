"""A table all the way, in this process: described, trained with a tiny search, scored on its own file, served."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import answering
import direct
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli import batch, init
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.settings import Settings
from evergreen.data import ingest
from evergreen.data.ingest import sources
from evergreen.data.typed.schema import ROW, TRUE
from evergreen.data.typed.values import as_read
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.learning.model.scoring import BatchScorer
from evergreen.project import Project
from evergreen.record.registry.bentos import release_of
from flows.training import train_and_judge
from serving.app import create_app
from serving.decoding import Decoder

TINY = (
    "tune.trials=1", "tune.folds=2", "tune.calibrate=false", "evaluate.resamples=100", "evaluate.repeats=1",
    "evaluate.curve_points=0", "evaluate.analysis=never", "gate.floor=-1e9", "gate.max_bias=1e9",
    "gate.max_gap=1e9",
)  # fmt: skip
ASKED = 20  # rows of a request
ANSWERED = ("probability", "label", "value")
OURS = ("codes", *ANSWERED)
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Worked:
    """What came of a table. `asked`: how many of its rows a service was asked for, and answered as `score` did."""

    contract: Contract
    model: Model
    scored: pa.Table
    refused: int
    asked: int


def project(root: Path) -> Settings:
    """Make an empty project and return its settings."""
    (root / "configs" / "env").mkdir(parents=True)
    (root / "configs" / "env" / "local.yaml").write_text("allow_dirty: true\n")
    (root / ".evergreen").mkdir()
    (root / "params.yaml").write_text(direct.PARAMS)
    return Settings.load(start=root).model_copy(update={"home": root / ".evergreen"})


def described(settings: Settings, data: Path, target: str, **given: Any) -> init.Written:
    """Return what `init` made of a file."""
    usual = {"time": None, "key": (), "task": None, "name": None, "connection": None, "query": None}
    return init.init(settings, data=str(data), target=target, **{**usual, **given})


def worked(settings: Settings, written: init.Written, data: Path) -> Worked:
    """Train on what was written as it is, score the file that it was made of, and ask for its first rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(settings.project)
        opened = Project.open("local", written.params, TINY)
        outcome = train_and_judge(opened, reason="as it is", do=direct.Direct())
        assert outcome.version == 1, outcome.verdict
        out = settings.project / f"scored-{written.proposal.contract.name}{'' if data.is_dir() else '.parquet'}"
        scored = batch.score(opened, str(data), out, logs=True)
        champion = opened.champion()
        folder = Workspace(root=settings.workspace).path(champion.artifact.uri)
        model = models.load(folder, champion.artifact.sha256)
    table = pq.read_table(out)
    (settings.project / "bundle").mkdir()
    shutil.copytree(folder, settings.project / "bundle" / "model")
    (settings.project / "bundle" / "release.json").write_text(release_of(champion).model_dump_json())
    return Worked(opened.contract, model, table, scored.refused, asked=_asked(settings, model, written, table))


def _asked(settings: Settings, model: Model, written: init.Written, scored: pa.Table) -> int:
    """Ask a service with the file's first rows that were scored; it must read and answer what batch scoring does."""
    contract, decoder = model.contract, Decoder(model)
    ours = {
        name: next(each for n in range(9) if (each := "_" * n + name) not in written.table.columns) for name in OURS
    }
    kept = [at for at, codes in enumerate(scored.column(ours["codes"]).to_pylist()) if codes == ""][:ASKED]
    (item, *_) = sources.find(contract.source, settings)
    batches = ingest.batches(item, contract.source, contract.missing)
    rows = pa.Table.from_batches([next(batches)])
    rows = rows.take([at for at, number in enumerate(rows.column(ROW).to_pylist()) if number - 1 in kept])
    body = [
        {column.name: spoken(row[column.name], column) for column in decoder.inputs}
        for row in _plain(rows, decoder.inputs)
    ]
    decoded = decoder.decode(json.dumps({"rows": body}).encode()).rows
    (batch,) = rows.combine_chunks().to_batches()
    scorer = BatchScorer(model, version=1, threshold=0.5, columns=batch.schema.names)
    expected = scorer.take(batch, missing=contract.missing).kept
    for at, column in enumerate(decoder.columns):
        values = expected.column(column.name)
        read = (values.cast(pa.int64()) if column.type == "timestamp" else values).to_pylist()
        assert [row[at] for row in decoded] == read, column
    with answering.served(create_app(settings.project / "bundle", settings)) as client:
        response = client.post("/predict", json={"rows": body})
    assert response.status_code == 200, response.text
    answered = response.json()["predictions"]
    for name in {*ANSWERED} & {*answered[0]}:
        said = scored.column(ours[name]).take(kept).to_pylist()
        assert [each[name] for each in answered] == (said if name == "label" else pytest.approx(said, rel=1e-9)), name
    return len(answered)


def _plain(rows: pa.Table, columns: Sequence[Column]) -> list[dict[str, Any]]:
    there = [column.name for column in columns if column.name in rows.column_names]
    read: list[dict[str, Any]] = pa.table({name: as_read(rows[name].combine_chunks()) for name in there}).to_pylist()
    return read


def spoken(value: Any, column: Column) -> Any:
    """Return a value of a file as a caller says it in JSON: a number if JSON has it as one, else its text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and column.spelling is None:
        if column.type in ("number", "integer"):
            return json.loads(value) if JSON_NUMBER.fullmatch(value) else value
        if column.type == "boolean":
            return value.strip().lower() in TRUE
    return value
