"""What was answered at the steps of a rollout: the log, what its shadows said, and the labels that came since."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import Task
from evergreen.config.contract.contract import Contract
from evergreen.config.params.harm import HarmParams
from evergreen.decisions.drift.harm.days import Loss, losses, scale_of
from evergreen.decisions.rollout import people
from evergreen.decisions.rollout.answers import Answers, Array
from evergreen.decisions.rollout.people import People
from evergreen.decisions.rollout.traffic import fell_back
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.record.labels.beside import event_times, with_feedback
from evergreen.record.predictions import reading
from evergreen.record.predictions.columnar import INSTANT, LABELS, columns_in, named_values
from evergreen.record.rollouts import CHALLENGER, Rollout

SLACK = timedelta(days=2)  # that clocks of services may be behind the ledger's
FOR_SCALE = 500  # labelled answers of the champion, which say what absolute error counts as 1
OURS = ("prediction_id", "received_at", "label", "probability", "value", "latency_us", "request_id", "decision")


@dataclass(frozen=True)
class Step:
    """The rows of a step as the log has them. `shadows`: what the version said of the same rows, in a shadow."""

    rows: pa.Table
    shadows: pa.Table | None
    task: Task
    classes: tuple[str, ...]


def answers_of(
    folder: Path, rollout: Rollout, *, contract: Contract, harm: HarmParams, now: datetime
) -> tuple[Answers, ...]:
    """Return what was answered at each step of a rollout, as it is known now; the present step is the last one.

    A label counts once the whole block of its row is due: a block whose labels are not in yet would be another one at
    each look.

    Parameters
    ----------
    harm : which loss is taken.
    now : aware.
    """
    steps = steps_of(folder, rollout, contract=contract)
    scale = _scale(steps) if contract.task == "regression" else None
    return tuple(
        _answers(step, rollout, contract=contract, loss=_loss(contract.task, harm), scale=scale, now=now)
        for step in steps
    )


def steps_of(folder: Path, rollout: Rollout, *, contract: Contract) -> tuple[Step, ...]:
    """Return the rows of each step that a rollout has reached."""
    since = rollout.entered(0) - SLACK
    places = {rollout.rule(step): step for step in range(rollout.at + 1)}
    shadows = _shadows(folder, rollout, since, contract.task) if rollout.plan.steps[0].percent is None else None
    found: list[list[pa.Table]] = [[] for _ in places]
    classes: tuple[str, ...] = ()
    for batch in with_feedback(folder, since=since):
        if columns_in(batch.schema).contract != contract.name:
            continue
        for step, part in _parts(batch, rollout, places, shadows):
            classes = columns_in(batch.schema).classes or classes
            found[step].append(part)
    made = []
    for step, parts in enumerate(found):
        rows = pa.concat_tables(parts) if parts else _nothing(contract.task)
        is_shadow = rollout.plan.steps[step].percent is None
        said = _said_of(shadows, rows) if is_shadow and shadows is not None else None
        made.append(Step(rows, said, contract.task, classes))
    return tuple(made)


def people_of(folder: Path, rollout: Rollout, *, contract: Contract, now: datetime) -> People | None:
    """Return what people decided about the rows of a rollout's shadow, beside what both versions said of them.

    None where there is no shadow, the target is a number, or nobody decided anything.
    """
    step = steps_of(folder, rollout, contract=contract)[0]
    if step.shadows is None or contract.task == "regression":
        return None
    rows, policy = step.rows, rollout.begun.policy
    due, block = _blocks(rows, contract, policy.block, now)
    decided = np.array(rows.column("person").to_pylist(), dtype=object)
    truth = np.array(rows.column("target").to_pylist(), dtype=object)
    said = [np.array(of.column("label").to_pylist(), dtype=object) for of in (step.shadows, rows)]
    return people.beside(
        people.read(decided, contract.task, step.classes),
        sum(one is not None for one in decided),
        (said[0], said[1]),
        np.where(due, truth, None),
        unit=Clusters("unit", _codes(rows.column("unit"))),
        block=Clusters(policy.block, block, in_time=True),
        alpha=policy.alpha / max(rollout.plan.looked_at, 1),
    )


def _parts(
    batch: pa.RecordBatch, rollout: Rollout, places: dict[str, int], shadows: pa.Table | None
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of a batch that belong to a step, with that step."""
    if shadows is not None:
        asked = pc.is_in(batch.column("prediction_id"), value_set=shadows.column("prediction_id").combine_chunks())
        if asked.true_count:
            kept = batch.filter(asked)
            yield 0, _kept(kept, rollout, drawn=pa.array([True] * len(kept)), why=pa.nulls(len(kept), pa.string()))
    if "traffic_rule" not in batch.schema.names:
        return
    coded = batch.column("traffic_rule").dictionary_encode()
    rules = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    variants = batch.column("variant").to_pylist()
    is_new = np.array([variant == CHALLENGER for variant in variants])
    for step in sorted({*places.values()}):
        if rollout.plan.steps[step].percent is None:
            continue
        plain = [at for at, rule in enumerate(rules) if places.get(rule) == step]
        back = {
            at: one.why for at, rule in enumerate(rules) if (one := fell_back(rule)) and places.get(one.rule) == step
        }
        inside = np.isin(codes, [*plain, *back])
        if not inside.any():
            continue
        why = [back.get(code) for code in codes[inside].tolist()]
        new = is_new[inside] | np.array([code in back for code in codes[inside].tolist()])
        kept = batch.filter(pa.array(inside))
        yield step, _kept(kept, rollout, drawn=pa.array(new), why=pa.array(why, pa.string()))


def _kept(batch: pa.RecordBatch, rollout: Rollout, *, drawn: pa.Array, why: pa.Array) -> pa.Table:
    """Return what is wanted of rows, under names that do not depend on the contract."""
    target = batch.column("feedback_value" if columns_in(batch.schema).task == "regression" else "feedback_label")
    made = {name: batch.column(name) for name in OURS}
    made |= {
        "event_at": event_times(batch),
        "unit": _units(batch, rollout.begun.unit),
        "target": target,
        "person": batch.column("feedback_decision"),
        "drawn": drawn,
        "why": why,
    }
    return pa.table(made)


def _nothing(task: Task) -> pa.Table:
    answer = pa.float64() if task == "regression" else LABELS[task]
    kinds = {
        "prediction_id": pa.string(), "received_at": INSTANT, "label": LABELS[task], "probability": pa.float64(),
        "value": pa.float64(), "latency_us": pa.int64(), "request_id": pa.string(), "decision": pa.string(),
        "event_at": INSTANT, "unit": pa.string(), "target": answer, "person": pa.string(), "drawn": pa.bool_(),
        "why": pa.string(),
    }  # fmt: skip
    return pa.schema(list(kinds.items())).empty_table()


def _units(batch: pa.RecordBatch, unit: Sequence[str]) -> pa.Array:
    """Return whom each row is about; where that was not sent, or nobody is named, the row stands alone."""
    named = named_values(columns_in(batch.schema))
    parts = [batch.column(named[name]).cast(pa.string()) for name in unit if name in named]
    ids = batch.column("prediction_id")
    if not unit or len(parts) < len(unit):
        return ids
    return pc.coalesce(pc.binary_join_element_wise(*parts, "\x1f"), ids)


def _shadows(folder: Path, rollout: Rollout, since: datetime, task: Task) -> pa.Table:
    """Return what the version said unheard, by the prediction that it was asked beside."""
    wanted = ["prediction_id", "label", "probability", "value", "latency_us", "error"]
    rule, parts = rollout.rule(0), []
    for batch in reading.batches(folder, "shadows", since=since):
        inside = pc.equal(batch.column("traffic_rule"), rule)
        parts.append(pa.Table.from_batches([batch.filter(inside).select(wanted)]).replace_schema_metadata(None))
    if not parts:
        return _nothing(task).select(wanted[:5]).append_column("error", pa.array([], pa.string()))
    return pa.concat_tables(parts)


def _said_of(shadows: pa.Table, rows: pa.Table) -> pa.Table:
    """Return what the version said of rows, in their order."""
    ids = shadows.column("prediction_id").combine_chunks()
    return shadows.take(pc.index_in(rows.column("prediction_id").combine_chunks(), value_set=ids))


def _loss(task: Task, harm: HarmParams) -> Loss:
    if task == "regression":
        return "absolute error"
    return "error" if task == "multiclass" else harm.loss or "brier"


def _estimates(said: pa.Table, task: Task, loss: Loss) -> pd.Series:
    """Return what losses are taken of: probabilities, decided classes, or values."""
    if task == "regression":
        values = said.column("value")
    elif task == "multiclass" or loss == "error":
        values = said.column("label")
    else:
        values = said.column("probability")
    found: pd.Series = values.cast(pa.float64()).to_pandas() if task == "binary" else values.to_pandas()
    return found


def _scale(steps: Sequence[Step]) -> float | None:
    """Return the absolute error that counts as 1: of the champion's first answers whose labels are known."""
    for step in steps:
        rows = step.rows if step.shadows is not None else step.rows.filter(pc.invert(step.rows.column("drawn")))
        rows = rows.sort_by("event_at")
        errors = pc.subtract(rows.column("value"), rows.column("target")).drop_null().to_numpy()
        if len(errors) >= FOR_SCALE:
            return scale_of(errors[:FOR_SCALE])
    return None


def _answers(
    step: Step, rollout: Rollout, *, contract: Contract, loss: Loss, scale: float | None, now: datetime
) -> Answers:
    rows, said = step.rows, step.shadows
    new = said if said is not None else rows
    due, block = _blocks(rows, contract, rollout.begun.policy.block, now)
    target = rows.column("target").to_pandas().astype("object")
    labelled = due & target.notna().to_numpy()
    target = target.where(labelled, None)
    nothing = np.full(rows.num_rows, np.nan)

    def lost(of: pa.Table) -> Array:
        if step.task == "regression" and scale is None:
            return nothing
        return losses(step.task, target, _estimates(of, step.task, loss), loss=loss, scale=scale)

    before = lost(rows) if said is not None else nothing
    why = rows.column("why").to_pandas()
    failed = said.column("error").is_valid().to_numpy() if said is not None else (why == "error").to_numpy()
    return Answers(
        task=step.task,
        paired=said is not None,
        is_new=rows.column("drawn").to_numpy(),
        loss=lost(new),
        loss_before=before,
        score=_scores(new, step),
        score_before=_scores(rows, step),
        failed=failed,
        late=(why == "slow").to_numpy(),
        ms=new.column("latency_us").cast(pa.float64()).to_numpy() / 1000,
        referred=pc.fill_null(pc.equal(rows.column("decision"), "referred"), False).to_numpy(),
        request=_codes(_requests(rows)),
        unit=Clusters("unit", _codes(rows.column("unit"))),
        block=Clusters(rollout.begun.policy.block, block, in_time=True),
        n_due=int(due.sum()),
        n_labelled=int(labelled.sum()),
        classes=step.classes,
    )


def _scores(said: pa.Table, step: Step) -> Array:
    if step.task != "multiclass":
        values: Array = said.column("value" if step.task == "regression" else "probability").to_numpy()
        return values[:, None]
    label = said.column("label").to_pandas()
    classes = step.classes or tuple(sorted(label.dropna().unique()))
    columns = [(label == name).astype(np.float64).where(label.notna()).to_numpy() for name in classes]
    return np.column_stack(columns) if columns else np.zeros((len(label), 1))


def _requests(rows: pa.Table) -> pa.ChunkedArray:
    asked = rows.column("request_id")
    return pc.if_else(pc.equal(asked, ""), rows.column("prediction_id"), asked)


def _blocks(
    rows: pa.Table, contract: Contract, block: str, now: datetime
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return of which rows the label of the whole block is due, and the block of each, in order of time."""
    zone = contract.timezone
    local = pc.local_timestamp(rows.column("event_at").cast(pa.timestamp("us", zone)))
    begins = pc.floor_temporal(local, unit=block).cast(pa.int64()).to_numpy()
    length = timedelta(days=1) if block == "day" else timedelta(hours=1)
    due = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - timedelta(days=contract.label_delay_days) - length
    due_us = (due - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    _, codes = np.unique(begins, return_inverse=True)
    return begins <= due_us, codes.astype(np.int64)


def _codes(values: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    codes: npt.NDArray[np.int64] = (
        values.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    )
    return codes.astype(np.int64)
