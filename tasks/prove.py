"""Step: a candidate that passed the gate, and its run -> the proof of what it was made of and judged on."""

import io
import json
import logging
import platform
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from threadpoolctl import threadpool_limits

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.card import CardText
from evergreen.config.contract.contract import Contract
from evergreen.data.personal import without_personal
from evergreen.decisions.gate.verdict import Verdict
from evergreen.learning.model import model as models
from evergreen.record.outcomes import StepRun
from evergreen.record.plan.commits import Commit
from evergreen.record.plan.identity import PROJECT, lock_digest
from evergreen.record.plan.requirements import needed, versions
from evergreen.record.registry.case import Case
from evergreen.record.registry.proof import ANSWERS, GOLDEN, METRICS, PROOF, ROWS, Proof
from evergreen.record.tracker import Run
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
MOST_GOLDEN = 100  # rows


@task(name="prove", timeout_seconds=600, **RETRIED)
def prove(
    case: Case,
    *,
    verdict: Verdict,
    model: FolderRef,
    run: Run,
    contract: Contract,
    commit: Commit,
    author: str | None,
    card: CardText,
    digests: Mapping[str, str],
    steps: Sequence[StepRun],
    ws: Workspace,
    python: str | None = None,
    packages: Mapping[str, str] | None = None,
) -> FolderRef:
    """Write the proof of a candidate that passed the gate, and return its folder.

    Parameters
    ----------
    model : what is promoted, which may have been fitted again on the gate rows too.
    card : what people say of the model now.
    digests : of code and parameters, and of the lock where it is not the one of now.
    steps : those that the run was logged with.
    python, packages : what the candidate was made with, where that is not what is installed now.
    """
    taken = case.candidate.taking(verdict.artifact)
    loaded = models.load(ws.path(model.uri), model.sha256)
    columns = [column.name for column in (*loaded.contract.request_columns, *loaded.given)]
    golden = without_personal(spread(ws.read(case.candidate.test, columns=columns), MOST_GOLDEN), contract)
    with threadpool_limits(1):  # as evaluation does
        answers = loaded.predict(golden).answers(taken.report.threshold)
    proof = Proof(
        **dict(case),
        name=contract.name,
        taken=verdict.artifact,
        verdict=verdict,
        contract=contract,
        commit=commit,
        author=author,
        digests={"lock_digest": lock_digest(), **digests},
        python=python or platform.python_version(),
        packages=packages or versions(needed((PROJECT / "requirements.lock").read_text(), taken.best.family)),
        steps=tuple(steps),
        run_id=run.run_id,
        card=card,
    )
    files = {
        PROOF: proof.model_dump_json(by_alias=True, indent=1).encode(),
        ROWS: ws.verified(case.compared.table).read_bytes(),
        GOLDEN: _parquet(golden),
        ANSWERS: _parquet(pd.DataFrame(answers)),
        METRICS: json.dumps(run.metrics, sort_keys=True, indent=1).encode(),
    }
    ref = ws.write_folder("proof", files, {"candidate": case.candidate.key, "model": model.sha256})
    log.info("prove: %d gate rows, %d golden rows, digest %s", case.compared.table.rows, len(golden), ref.sha256[:12])
    return ref


def spread(rows: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return `n` of the rows, evenly spread from the first to the last; all of them if there are no more."""
    if len(rows) <= n:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, n).round().astype(int)].reset_index(drop=True)


def _parquet(table: pd.DataFrame) -> bytes:
    target = io.BytesIO()
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, target, compression="zstd")
    return target.getvalue()
