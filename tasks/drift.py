"""Step: a window's rows and answers, and the version's reference -> shift, faults, a profile and a picture."""

import logging
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task

from evergreen.adapters import drift_report
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.params.drift import DriftParams
from evergreen.data import datasets, validation
from evergreen.data.typed.schema import to_pandas
from evergreen.data.typed.times import INSTANT
from evergreen.decisions.drift.faults import decision as faulty
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.guarded import guarded
from evergreen.decisions.drift.profile.build import profile
from evergreen.decisions.drift.profile.clock import hour_of, with_hour
from evergreen.decisions.drift.profile.merging import merge
from evergreen.decisions.drift.profile.profile import ESTIMATE, Profile
from evergreen.decisions.drift.profile.table import from_table, to_table
from evergreen.decisions.drift.shift import decision as shifting
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.record.predicted import said
from evergreen.record.reference import Reference
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
EVENT = "event_at"
MOST_DRAWN = 10_000


class Drifted(Value):
    """What the rows say, without labels.

    `shift`: against the reference that was frozen when the version was registered. `recent`: against the windows
    before; None where there were none. `profile`: of the window's rows. `picture`: Evidently's HTML, which draws and
    does not decide.
    """

    shift: Shift
    recent: Shift | None
    faults: Faults
    profile: TableRef
    picture: str | None


@task(name="drift", timeout_seconds=3600, **RECORDED)
def drift(
    rows: DatasetRef | TableRef | None,
    *,
    answers: TableRef | None,
    reference: FolderRef,
    train: TableRef,
    earlier: Sequence[Shift],
    sliding: Sequence[TableRef],
    window: str,
    before: datetime,
    judged_from: date,
    end: date,
    today: date | None,
    ws: Workspace,
    contract: Contract,
    params: DriftParams,
    seed: int,
    draw: bool = True,
) -> Drifted:
    """Compare a window with the rows that a version was made of, and its answers with those to its gate's rows.

    Parameters
    ----------
    rows : of the source, before any rule sets one aside, or as they were served; None for an empty window.
    train : the version's train rows, of which Evidently draws.
    earlier : the shifts of the version's windows before, by period. `sliding`: their profiles.
    before : rows from this time on had not happened yet. `judged_from`: the champion has seen those of days before.
    end : the day after the window's last.
    draw : whether Evidently makes its picture, which decides nothing.
    """
    assert contract.time is not None
    frozen = Reference.read(ws.path(reference.uri), reference.sha256)
    refused: dict[str, float] = {}
    kinds = frozen.features.bins
    names = [column.name for column in contract.features if column.name in kinds]
    batches = _happened(_rows(rows, ws, contract, today, refused), contract.time, before)
    now: list[pa.RecordBatch] = []
    batches = _drawing(batches, names, n=rows.rows if rows else 0, seed=seed, drawn=now)
    if hour_of(contract.time) in kinds:  # which references of before have not
        batches = (with_hour(batch, contract.time, contract.timezone) for batch in batches)
    features = profile(batches, kinds, time=contract.time, zone=contract.timezone).within(judged_from)
    found = _shift(frozen.features, features, params, importances=frozen.importances, earlier=earlier)
    over = min(end, before.astimezone(ZoneInfo(contract.timezone)).date())
    broken = _faults(frozen.features, features, refused, (judged_from, over))
    if answers is not None and frozen.predictions is not None:
        told = _predictions(answers, frozen.predictions, ws, contract, before).within(judged_from)
        found = found.model_copy(update={"predictions": _shift(frozen.predictions, told, params).predictions})
        broken = _with(broken, _faults(frozen.predictions, told, {}, None))
    past = [from_table(pq.read_table(ws.verified(each))) for each in sliding]
    recent = _shift(merge(*past), features, params) if past else None
    table = to_table(features)
    with ws.writer("profile", table.schema) as kept:
        kept.add(table)
    picture = None
    if draw and rows is not None and features.n_rows:
        picture = ws.path(f"drift-{contract.name}-{window}-{kept.ref.sha256[:8]}.html")
        then: list[pa.RecordBatch] = []
        for _ in _drawing(_rows(train, ws, contract, today, {}), names, n=train.rows, seed=seed, drawn=then):
            pass
        before_and_now = [to_pandas(pa.Table.from_batches(each)) for each in (then, now)]
        drift_report.draw(before_and_now[0], before_and_now[1], contract, picture, shift=found, faults=broken)
    log.info("drift: %s; faults: %s", found.evidence, broken.verdict)
    return Drifted(shift=found, recent=recent, faults=broken, profile=kept.ref, picture=picture and str(picture.name))


def _shift(reference: Profile, window: Profile, params: DriftParams, **more: Any) -> Shift:
    """Return the shift of a window, "unknown" if the test throws."""
    known = {"n_reference": reference.n_rows, "n_window": window.n_rows, "blocks_reference": 0, "blocks_window": 0}
    return guarded(
        lambda: shifting.decide(reference, window, alpha=params.alpha, min_blocks=params.min_days, **more),
        lambda why: Shift(verdict="unknown", evidence=f"unknown: {why}", persistent=False, **known),
    )


def _faults(reference: Profile, window: Profile, refused: dict[str, float], period: tuple[date, date] | None) -> Faults:
    """Return the faults of a window, "unknown" if the search throws."""
    known = {"n_reference": reference.n_rows, "n_window": window.n_rows}
    return guarded(
        lambda: faulty.decide(reference, window, refused=refused, period=period),
        lambda why: Faults(verdict="unknown", evidence=why, **known),
    )


def _rows(
    ref: DatasetRef | TableRef | None, ws: Workspace, contract: Contract, today: date | None, refused: dict[str, float]
) -> Iterator[pa.RecordBatch]:
    """Yield rows; of a source, those that could be read, and then say what share of them each rule refuses."""
    if isinstance(ref, TableRef):
        # Without these, pyarrow holds the whole file.
        with pq.ParquetFile(ws.verified(ref), pre_buffer=False, buffer_size=2**18) as file:
            yield from file.iter_batches(validation.BATCH_ROWS, use_threads=False)
    elif ref is not None:
        path = ws.path(ref.uri)
        stream = validation.Stream.of_dataset(contract, path, ref, today=today)
        for fragment, batch in datasets.batches(path, ref, max_rows=validation.BATCH_ROWS):
            yield stream.take(fragment.item, batch).typed
        for rule in stream.validation().rules:
            if rule.code in validation.ROW_CODES and rule.outcome == "failed" and rule.rows:
                refused[f"{rule.code} {rule.column}".strip()] = rule.n_bad / rule.rows


def _happened(batches: Iterator[pa.RecordBatch], time: str, before: datetime) -> Iterator[pa.RecordBatch]:
    """Yield the rows of batches that lie before a time, or have none."""
    for batch in batches:
        later = pc.fill_null(pc.greater_equal(batch.column(time), pa.scalar(before, INSTANT)), False)
        yield batch.filter(pc.invert(later)) if later.true_count else batch


def _predictions(answers: TableRef, reference: Profile, ws: Workspace, contract: Contract, before: datetime) -> Profile:
    """Return the profile of what was answered."""
    with pq.ParquetFile(ws.verified(answers)) as file:
        batches = (
            batch
            for each in _happened(file.iter_batches(), EVENT, before)
            for batch in said(each, contract.task).append_column(EVENT, each.column(EVENT)).to_batches()
        )
        return profile(batches, reference.bins, time=EVENT, zone=contract.timezone)


def _with(faults: Faults, said: Faults) -> Faults:
    """Return the faults of the rows, and those of the estimates; that one label is given on a day is none."""
    found = [fault for fault in said.columns if fault.column == ESTIMATE]
    if not found:
        return faults
    told = [faults.evidence] if faults.verdict == "fault" else []
    evidence = "; ".join([*told, *(f"{fault.column}: {fault.evidence}" for fault in found)])
    return faults.model_copy(update={"verdict": "fault", "evidence": evidence, "columns": (*faults.columns, *found)})


def _drawing(
    batches: Iterator[pa.RecordBatch], names: Sequence[str], *, n: int, seed: int, drawn: list[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield batches, and put some columns of about MOST_DRAWN of their n rows, at random, into `drawn` on the way."""
    rng = np.random.default_rng(seed)
    for batch in batches:
        mask = rng.random(batch.num_rows) < MOST_DRAWN / max(n, 1)
        drawn.append(batch.select(list(names)).filter(pa.array(mask)))
        yield batch
