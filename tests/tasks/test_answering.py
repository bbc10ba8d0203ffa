"""Who answered each row of a window, and what that lost: against sums by hand and scikit-learn's metrics."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import referenced
import validated
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.harm import HarmParams
from tasks.answering import Turn, answering

RNG = np.random.default_rng(3)
N, A_DAY = 100, 10
EVENTS = pd.Series(pd.date_range("2024-03-01T00:30", periods=N, freq=pd.Timedelta(days=1) / A_DAY, tz="UTC"))
TRUTH, VALUES = RNG.random(N) < 0.5, RNG.normal(size=N)
OLD, NEW = RNG.random((2, N))
CLASSES = np.where(TRUTH, "a", "b")
OLD_CLASS, NEW_CLASS = (np.where(RNG.random(N) < share, CLASSES, "a") for share in (0.6, 0.9))
GATE_DAYS = EVENTS.dt.tz_localize(None).dt.normalize().astype("datetime64[us]") - pd.Timedelta(days=29)
TARGETS = {"binary": "boolean", "multiclass": "category", "regression": "number"}
FEATURES = referenced.seen(pd.DataFrame({"at": EVENTS, "x": RNG.normal(size=N)}), {"x": "number"})
SAYS = {
    "binary": [{"target": TRUTH, "probability": each, "label": each >= 0.5} for each in (OLD, NEW)],
    "multiclass": [{"target": CLASSES, "label": each, "probability": OLD} for each in (OLD_CLASS, NEW_CLASS)],
    "regression": [{"target": VALUES, "value": VALUES + each} for each in (OLD, NEW)],
}
NOON = datetime(2024, 3, 4, 12, tzinfo=UTC)  # of the fourth day: a part of it is the old version's
LATER = (EVENTS >= NOON).to_numpy()


def answered(folder, *tables, task="binary", begins=NOON, thresholds=(0.5, 0.5), harm=None, zone="UTC"):
    """Return what answers lost of which the second ones count from a time on."""
    ws = Workspace(root=folder)
    contract = validated.contract_of(
        {"name": "at", "type": "timestamp", "role": "time"},
        {"name": "x", "type": "number"},
        {"name": "y", "type": TARGETS[task], "role": "target"},
    ).model_copy(update={"timezone": zone})
    gate = pd.DataFrame({"day": GATE_DAYS, **SAYS[task][0]})
    turns = [
        Turn(answers=ws.write("answers", table), threshold=threshold, begins=begins if place else None)
        for place, (table, threshold) in enumerate(zip(tables, thresholds, strict=False))
    ]
    return answering.fn(
        turns,
        reference=referenced.kept(ws, referenced.reference(FEATURES, task, gate)),
        threshold=0.5,
        ws=ws,
        contract=contract,
        harm=harm or HarmParams(),
    )


def tables(task):
    return [pd.DataFrame({"event_at": EVENTS, **said}) for said in SAYS[task]]


def scaled(errors):
    """Return absolute errors in parts of the one that counts as 1: four times the median at the gate of the first."""
    return np.minimum(np.abs(errors) / (4 * np.median(OLD)), 1)


@pytest.mark.parametrize(
    ("task", "losses", "value"),
    [
        ("binary", (np.where(LATER, NEW, OLD) - TRUTH) ** 2, roc_auc_score(TRUTH, np.where(LATER, NEW, OLD))),
        (
            "multiclass",
            np.where(LATER, NEW_CLASS, OLD_CLASS) != CLASSES,
            balanced_accuracy_score(CLASSES, np.where(LATER, NEW_CLASS, OLD_CLASS)),
        ),
        ("regression", scaled(np.where(LATER, NEW, OLD)), r2_score(VALUES, VALUES + np.where(LATER, NEW, OLD))),
    ],
)
def test_rows_from_a_time_on_are_answered_by_the_next_version(tmp_path, task, losses, value):
    found = answered(tmp_path, *tables(task), task=task)
    assert [(day.day.day, day.n) for day in found.days] == [(day, A_DAY) for day in range(1, 11)]
    by_day = losses.astype(float).reshape(10, A_DAY).sum(axis=1)
    assert [day.loss for day in found.days] == pytest.approx(by_day)
    assert found.value == pytest.approx(value, abs=1e-12)


def test_one_version_answers_everything_where_no_other_begins(tmp_path):
    found = answered(tmp_path, tables("binary")[0])
    assert sum(day.loss for day in found.days) == pytest.approx(((OLD - TRUTH) ** 2).sum())


def test_each_version_decides_by_its_own_threshold(tmp_path):
    found = answered(tmp_path, *tables("binary"), thresholds=(0.2, 0.8), harm=HarmParams(loss="error"))
    wrong = np.where(LATER, NEW >= 0.8, OLD >= 0.2) != TRUTH
    assert sum(day.loss for day in found.days) == wrong.sum()


def test_days_are_local(tmp_path):
    found = answered(tmp_path, tables("binary")[0], zone="America/New_York")
    assert (found.days[0].day.isoformat(), found.days[0].n) == ("2024-02-29", 2)


def test_row_without_a_label_counts_for_nobody(tmp_path):
    unlabelled = [table.assign(target=table["target"].astype("object").where(~LATER)) for table in tables("binary")]
    found = answered(tmp_path, *unlabelled)
    assert sum(day.n for day in found.days) == (~LATER).sum()
    none = [table.assign(target=None) for table in tables("binary")]
    assert answered(tmp_path, *none).days == ()


def test_metric_that_cannot_be_measured_is_none(tmp_path):
    one_class = tables("binary")[0].assign(target=True)
    found = answered(tmp_path, one_class)
    assert found.value is None
    assert len(found.days) == 10
