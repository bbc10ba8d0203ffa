"""What a version is compared with while it serves: frozen when it was registered, and kept beside it."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.artifacts.refs import TableRef
from evergreen.config.contract.columns import Task
from evergreen.decisions.drift.harm.days import Loss, losses, scale_of
from evergreen.decisions.drift.harm.promise import Promise, promise_of
from evergreen.decisions.drift.profile.profile import Profile
from evergreen.decisions.drift.profile.table import from_table, to_table
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import COMPARED

FEATURES, PREDICTIONS, GATE, ABOUT = "features.parquet", "predictions.parquet", "gate.parquet", "about.json"
DAY, TARGET = "day", "target"
LOSSES: Mapping[Task, Loss] = {"binary": "brier", "multiclass": "error", "regression": "absolute error"}


@dataclass(frozen=True)
class Reference:
    """The rows that a version was made of, and what it said of the gate's.

    `features`: the profile of its train and gate rows. `predictions`: that of what the gate measured of it, on rows
    that it had not seen. `gate`: a row for each gate row: its local `day`, its `target`, and the answer as it would be
    given. `importances`: by column, how far the estimates move with it. `test`: the gate's rows themselves, for as long
    as they are kept. `predictions`, `gate` and `test` are None of a version without a proof.
    """

    features: Profile
    predictions: Profile | None
    gate: pd.DataFrame | None
    importances: Mapping[str, float]
    test: TableRef | None = None

    @property
    def gate_clusters(self) -> Clusters:
        """Which gate rows belong together: those of a day."""
        assert self.gate is not None
        return Clusters("day", self.gate[DAY].rank(method="dense").to_numpy().astype("int64") - 1, in_time=True)

    @property
    def error_at_gate(self) -> float | None:
        """The share of gate rows whose answer was not the target; None where nobody measured it."""
        if self.gate is None:
            return None
        answer = self.gate["value"] if "value" in self.gate else self.gate["label"]
        return float((answer.astype("object") != self.gate[TARGET].astype("object")).mean())

    def promise(self, task: Task, *, threshold: float, loss: Loss | None, tolerance: float) -> Promise:
        """Return what the gate promises of the version's expected loss; nothing of one without a proof.

        Parameters
        ----------
        loss : of a binary model; by default the squared error of its probability.
        """
        chosen = loss if loss and task == "binary" else LOSSES[task]
        if self.gate is None:
            nothing = "the version has no proof, so nobody knows its losses at the gate"
            return Promise(loss=chosen, at_gate=None, at_most=1.0, tolerance=tolerance, evidence=nothing)
        given = self.gate[COMPARED[task]]
        scale = scale_of(given - self.gate[TARGET]) if task == "regression" else None
        found = losses(task, self.gate[TARGET], given, loss=chosen, threshold=threshold, scale=scale)
        return promise_of(found, self.gate_clusters, loss=chosen, tolerance=tolerance, scale=scale)

    def files(self) -> dict[str, bytes]:
        """Return the reference as files of a folder."""
        about = {"importances": self.importances, "test": self.test and self.test.model_dump()}
        files = {FEATURES: _parquet(to_table(self.features)), ABOUT: json.dumps(about, sort_keys=True).encode()}
        if self.predictions is not None and self.gate is not None:
            files[PREDICTIONS] = _parquet(to_table(self.predictions))
            files[GATE] = _parquet(pa.Table.from_pandas(self.gate, preserve_index=False))
        return files

    @classmethod
    def read(cls, path: Path, sha256: str) -> "Reference":
        """Return the reference in a folder; raises IntegrityError if it is damaged, or another one."""
        _, files = read_folder(path, sha256)
        about = json.loads(files[ABOUT])
        return cls(
            features=from_table(_table(files[FEATURES])),
            predictions=from_table(_table(files[PREDICTIONS])) if PREDICTIONS in files else None,
            gate=_table(files[GATE]).to_pandas() if GATE in files else None,
            importances=about["importances"],
            test=TableRef.model_validate(about["test"]) if about["test"] else None,
        )


def _parquet(table: pa.Table) -> bytes:
    target = io.BytesIO()
    pq.write_table(table, target, compression="zstd")
    return target.getvalue()


def _table(content: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(content))
