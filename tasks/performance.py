"""Step: answers and the targets that are known -> how complete these are, losses by day, and the gate's metric."""

from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.values import Value
from evergreen.config.contract.contract import Contract
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.harm import HarmParams
from evergreen.config.params.labels import LabelParams
from evergreen.data.datasets.months import midnight
from evergreen.decisions import performance as domain
from evergreen.decisions.automation.degrees import decider
from evergreen.decisions.automation.kept import judged_days
from evergreen.decisions.drift.asked import is_asked
from evergreen.decisions.drift.audit import Audited
from evergreen.decisions.drift.audit import estimate as audited
from evergreen.decisions.drift.guarded import guarded
from evergreen.decisions.drift.harm.days import Day, days_of, losses
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.performance import Performance
from evergreen.learning.evaluation.estimates import COMPARED
from evergreen.record.labels.counting import counted
from evergreen.record.labels.verdict import Labels
from evergreen.record.predicted import labelled_at_source, nothing
from evergreen.record.reference import Reference
from tasks.engine import RECORDED


class Measured(Value):
    """What the known labels say.

    `audit`: the mean loss of all rows, by the labels that were asked for at random; None where none were.
    `automatic`: how many answers that the model gave by itself were wrong, of the days on which that is known.
    `days`: of the days whose labels are complete. `judged`: a row for each row that was, with its place among the
    answers, its `day`, its `label` and its `loss`.
    """

    performance: Performance
    labels: Labels
    days: tuple[Day, ...]
    promise: Promise
    audit: Audited | None
    automatic: tuple[Day, ...] = ()
    judged: TableRef


@task(name="performance", timeout_seconds=1800, **RECORDED)
def performance(
    answers: TableRef | None,
    *,
    reference: FolderRef,
    rows: TableRef | None,
    source: TableRef | None,
    said: Labels | None,
    refused: str,
    ws: Workspace,
    contract: Contract,
    threshold: float,
    confidence: float,
    harm: HarmParams,
    labels: LabelParams,
    start: date,
    end: date,
    as_of: datetime,
) -> Measured:
    """Measure the answers to [start, end), local days, whose labels are due and were known as of a time.

    A label counts from the time on at which it was known; one that does not say when, from `label_delay_days` after
    its row. Days are judged up to which labels are complete; the gate's metric is measured once those of the period
    are.

    Parameters
    ----------
    answers : None where nothing could be answered, because there were no rows, or for what `refused` says.
    rows, source : of what was served, the rows, and those of the source that keep the contract, which may know labels
        that nobody has sent.
    said : how the labels came, of what was served.
    """
    frozen = Reference.read(ws.path(reference.uri), reference.sha256)
    promise = frozen.promise(contract.task, threshold=threshold, loss=harm.loss, tolerance=harm.tolerance)
    delay, zone = timedelta(days=contract.label_delay_days), contract.timezone
    table = ws.read(answers) if answers else nothing(contract.task)
    if rows and source:
        asked, known = pq.read_table(ws.verified(rows)), pq.read_table(ws.verified(source))
        table = labelled_at_source(
            table, asked, known, key=contract.key, target=contract.target, delay=pd.Timedelta(delay)
        )
    events = pd.to_datetime(table["event_at"], utc=True)
    known_at = table["known_at"] if "known_at" in table else events + delay
    target = table["target"].where((table["target"].notna() & (known_at <= as_of)).astype(bool))
    answer = table["value"] if contract.task == "regression" else table["label"]
    first = midnight(start, zone)
    found = counted(
        events,
        target.notna().to_numpy(),
        (answer.astype("object") == target.astype("object")).to_numpy(dtype=bool),
        as_of=as_of,
        delay=delay,
        start=first,
        end=midnight(end, zone),
        needed=labels.coverage,
        error_at_gate=frozen.error_at_gate,
        said=said,
    )
    if refused:
        found = found.model_copy(update={"verdict": "unknown", "evidence": f"nothing could be answered: {refused}"})
    due = ((events >= first) & (events < found.end)).to_numpy()
    truth, given = target[due].reset_index(drop=True), table[COMPARED[contract.task]][due].reset_index(drop=True)
    told = guarded(
        lambda: losses(contract.task, truth, given, loss=promise.loss, threshold=threshold, scale=promise.scale),
        lambda why: why,
    )
    if isinstance(told, str):
        found = found.model_copy(update={"verdict": "unknown", "evidence": f"the losses {told}"})
        told = np.full(len(truth), np.nan)
    lost = np.asarray(told, dtype=np.float64)
    looked_at = pd.DataFrame(
        {
            "place": np.flatnonzero(due),
            "day": events[due].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize().to_numpy(),
            "label": truth,
            "loss": lost,
        }
    )
    kept = looked_at[_is_complete(looked_at["day"], found, first, zone) & looked_at["loss"].notna()]
    return Measured(
        performance=_measured(truth, given, found, contract, confidence),
        labels=found,
        days=days_of(list(kept["day"].dt.date), kept["loss"].to_numpy()) if len(kept) else (),
        promise=promise,
        audit=_audited(table[due], lost, looked_at["day"], contract, confidence),
        automatic=_automatic(table[due], truth, looked_at["day"], contract, needed=labels.coverage),
        judged=ws.write("judged", kept.reset_index(drop=True)),
    )


def _audited(
    answers: pd.DataFrame,
    lost: npt.NDArray[np.float64],
    days: "pd.Series[pd.Timestamp]",
    contract: Contract,
    confidence: float,
) -> Audited | None:
    """Return the mean loss of all rows, from those whose label was asked for, answered or not; None without any."""
    shares = answers["label_propensity"].dropna() if "label_propensity" in answers else pd.Series(dtype="float64")
    if shares.empty:
        return None
    share = float(shares.max())
    is_in = [is_asked(name, share=share, salt=contract.name) for name in answers["prediction_id"]]
    counts = {"n_asked": sum(is_in), "n_labels": 0, "n_ignored": 0}
    return guarded(
        lambda: audited(lost, np.where(is_in, share, np.nan), list(days.dt.date), confidence=confidence),
        lambda why: Audited(verdict="unknown", evidence=why, confidence=confidence, **counts),
    )


def _automatic(
    answers: pd.DataFrame, truth: pd.Series, days: "pd.Series[pd.Timestamp]", contract: Contract, *, needed: float
) -> tuple[Day, ...]:
    """Return the days on which it is known how many automatic answers were wrong; nothing says it of a number."""
    if contract.task == "regression" or "rule" not in answers:
        return ()
    decided = (answers["source"] != "batch").to_numpy()  # which asks for a file of answers, and no decision
    rows = answers[decided]
    by = [decider(*each) for each in zip(rows["decision"], rows["rule"], strict=True)]
    label, known = rows["label"].astype("object").reset_index(drop=True), truth[decided].reset_index(drop=True)
    is_known = (label.notna() & known.notna()).to_numpy()
    wrong = np.where(is_known, label.astype("object") != known.astype("object"), np.nan)
    return judged_days(by, wrong, list(days[decided].dt.date), needed=needed)


def _is_complete(days: "pd.Series[pd.Timestamp]", labels: Labels, first: datetime, zone: str) -> "pd.Series[bool]":
    """Return which rows lie on days up to which labels are complete."""
    if labels.verdict == "unknown":
        return days.isna()
    if labels.watermark == labels.end:
        return days.notna()
    reached = pd.Timestamp(labels.watermark or first).tz_convert(zone).tz_localize(None).normalize()
    return days < reached


def _measured(truth: pd.Series, given: pd.Series, labels: Labels, contract: Contract, confidence: float) -> Performance:
    """Return the gate's metric, once labels are complete."""
    unknown = Performance(
        verdict="unknown",
        evidence=f"the labels are {labels.verdict}: {labels.evidence}",
        n_labelled=int(truth.notna().sum()),
        n_unlabelled=int(truth.isna().sum()),
        confidence=confidence,
        metric=GATE_METRIC[contract.task],
    )
    if labels.verdict != "complete":
        return unknown
    return guarded(
        lambda: domain.measure(contract.task, truth, given, confidence=confidence),
        lambda why: unknown.model_copy(update={"evidence": why}),
    )
