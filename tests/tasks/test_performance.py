"""The performance step: what is due, what was known, the losses by day, and the metric that the gate judges."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
import referenced
import validated
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.harm import HarmParams
from evergreen.config.params.labels import LabelParams
from evergreen.decisions.drift.asked import is_asked
from tasks.performance import performance

RNG = np.random.default_rng(3)
N, A_DAY = 100, 10
EVENTS = pd.Series(pd.date_range("2024-03-01T00:30", periods=N, freq=pd.Timedelta(days=1) / A_DAY, tz="UTC"))
TRUTH, VALUES = RNG.random(N) < 0.5, RNG.normal(size=N)
SAID = (np.where(TRUTH, 0.3, 0.0) + RNG.random(N)) / 1.3
CLASSES = np.where(TRUTH, "a", "b")
ANSWERED = np.where(RNG.random(N) < 0.8, CLASSES, "a")
GATE_DAYS = EVENTS.dt.tz_localize(None).dt.normalize().astype("datetime64[us]") - pd.Timedelta(days=29)
BINARY = {"target": TRUTH, "probability": SAID, "label": SAID >= 0.5}
TARGETS = {"binary": "boolean", "multiclass": "category", "regression": "number"}
FEATURES = referenced.seen(pd.DataFrame({"at": EVENTS, "x": RNG.normal(size=N)}), {"x": "number"})


def contract_of(task="binary", *, delay=2):
    made = validated.contract_of(
        {"name": "at", "type": "timestamp", "role": "time"},
        {"name": "x", "type": "number"},
        {"name": "y", "type": TARGETS[task], "role": "target"},
    )
    return made.model_copy(update={"label_delay_days": delay, "timezone": "UTC"})


def measured(folder, answers, *, task="binary", as_of="2024-04-01", start="2024-03-01", end="2024-03-11", **more):
    """Measure answers to rows whose champion did at its gate as it does on all of them."""
    ws = Workspace(root=folder)
    gate = pd.DataFrame({"day": GATE_DAYS, **GATES[task]})
    ref = referenced.kept(ws, referenced.reference(FEATURES, task, gate))
    given = {
        "reference": ref, "rows": None, "source": None, "said": None, "refused": "", "ws": ws,
        "contract": contract_of(task), "threshold": 0.5,
        "confidence": 0.9, "harm": HarmParams(), "labels": LabelParams(coverage=0.9),
        "start": date.fromisoformat(start), "end": date.fromisoformat(end),
        "as_of": datetime.fromisoformat(as_of).replace(tzinfo=UTC),
    }  # fmt: skip
    found = performance.fn(answers if answers is None else ws.write("answers", answers), **{**given, **more})
    return found, ws.read(found.judged)


GATES = {
    "binary": BINARY,
    "multiclass": {"target": CLASSES, "label": ANSWERED, "probability": SAID},
    "regression": {"target": VALUES, "value": VALUES + SAID},
}
ANSWERS = pd.DataFrame({"event_at": EVENTS, **BINARY})


@pytest.mark.parametrize(
    ("task", "expected", "losses"),
    [
        ("binary", roc_auc_score(TRUTH, SAID), (SAID - TRUTH) ** 2),
        ("multiclass", balanced_accuracy_score(CLASSES, ANSWERED), CLASSES != ANSWERED),
        ("regression", r2_score(VALUES, VALUES + SAID), np.minimum(SAID / (4 * np.median(SAID)), 1)),
    ],
)
def test_value_is_scikit_learns_and_losses_are_those_by_hand(tmp_path, task, expected, losses):
    found, judged = measured(tmp_path, pd.DataFrame({"event_at": EVENTS, **GATES[task]}), task=task)
    assert (found.performance.verdict, found.performance.confidence) == ("measured", 0.9)
    assert found.performance.value == pytest.approx(expected, abs=1e-12)
    assert [day.n for day in found.days] == [A_DAY] * 10
    assert [day.loss for day in found.days] == pytest.approx(losses.astype(float).reshape(10, A_DAY).sum(axis=1))
    np.testing.assert_allclose(judged["loss"], losses.astype(float), atol=1e-12)
    assert judged["place"].tolist() == list(range(N))


def test_label_that_does_not_say_when_is_known_after_the_delay(tmp_path):
    found, _ = measured(tmp_path, ANSWERS, as_of="2024-03-08")
    assert (found.labels.n_due, found.labels.end) == (5 * A_DAY, datetime(2024, 3, 6, tzinfo=UTC))
    assert [day.day.day for day in found.days] == [1, 2, 3, 4, 5]
    expected = roc_auc_score(TRUTH[: 5 * A_DAY], SAID[: 5 * A_DAY])
    assert found.performance.value == pytest.approx(expected, abs=1e-12)


def test_label_that_was_known_later_than_the_look_is_not_known(tmp_path):
    known = EVENTS + pd.Timedelta(hours=1)
    known[EVENTS >= "2024-03-06"] = pd.Timestamp("2024-03-20", tz="UTC")
    answers = ANSWERS.assign(known_at=known)
    before, _ = measured(tmp_path / "before", answers, as_of="2024-03-19")
    assert (before.labels.verdict, before.labels.n_labelled, before.performance.verdict) == (
        "immature", 5 * A_DAY, "unknown",
    )  # fmt: skip
    assert [day.day.day for day in before.days] == [1, 2, 3, 4, 5]
    after, _ = measured(tmp_path / "after", answers, as_of="2024-03-20")
    assert (after.labels.verdict, after.performance.verdict, len(after.days)) == ("complete", "measured", 10)


def test_days_after_the_one_to_which_labels_are_complete_decide_nothing(tmp_path):
    target = pd.Series(TRUTH, dtype="boolean").mask((EVENTS >= "2024-03-04") & (np.arange(N) % 2 == 0))
    found, judged = measured(tmp_path, ANSWERS.assign(target=target))
    # 30 of 30 until the 4th, then every other one: 90 % are reached for the last time at the 37th of 41
    assert found.labels.verdict == "immature"
    assert [(day.day.day, day.n) for day in found.days] == [(1, 10), (2, 10), (3, 10)]
    assert judged["day"].max() == pd.Timestamp("2024-03-03")
    assert (found.performance.verdict, found.performance.value) == ("unknown", None)
    assert "immature" in found.performance.evidence


def test_days_are_those_of_the_contracts_time_zone(tmp_path):
    there = contract_of().model_copy(update={"timezone": "America/New_York"})
    found, judged = measured(tmp_path, ANSWERS, contract=there, start="2024-02-29", end="2024-03-11")
    local = EVENTS.dt.tz_convert("America/New_York").dt.date
    assert {day.day: day.n for day in found.days} == local.value_counts().to_dict()
    assert judged["day"].dt.date.tolist() == local.tolist()


def test_answers_outside_the_period_are_not_judged(tmp_path):
    found, judged = measured(tmp_path, ANSWERS, start="2024-03-04", end="2024-03-06")
    assert judged["place"].tolist() == list(range(30, 50))
    assert (found.labels.n, found.performance.n_labelled) == (20, 20)


@pytest.mark.parametrize(("refused", "verdict"), [("", "no traffic"), ("a column is missing", "unknown")])
def test_nothing_answered_is_no_traffic_unless_it_could_not_be_answered(tmp_path, refused, verdict):
    found, judged = measured(tmp_path, None, refused=refused)
    assert (found.labels.verdict, found.performance.verdict, found.days, len(judged)) == (verdict, "unknown", (), 0)
    assert refused in found.labels.evidence


def test_predictions_that_were_fed_back_as_labels_decide_nothing(tmp_path):
    found, _ = measured(tmp_path, ANSWERS.assign(target=SAID >= 0.5))
    assert (found.labels.verdict, found.performance.verdict, found.days) == ("unknown", "unknown", ())
    assert "fed back" in found.labels.evidence


def test_one_class_is_unknown_and_still_has_losses(tmp_path):
    found, _ = measured(tmp_path, ANSWERS.assign(target=True))
    assert (found.labels.verdict, found.performance.verdict) == ("complete", "unknown")
    assert sum(day.loss for day in found.days) == pytest.approx(((SAID - 1) ** 2).sum())


def test_labels_that_were_asked_for_measure_the_loss_of_all_rows(tmp_path):
    names = [f"{row:032x}" for row in range(len(EVENTS))]
    asked = np.array([is_asked(name, share=0.5, salt=contract_of().name) for name in names])
    came = asked | (TRUTH & (np.arange(len(EVENTS)) % 2 == 0))  # and many that are true come by themselves
    answers = ANSWERS.assign(
        prediction_id=names,
        target=pd.Series(TRUTH).astype("object").where(came),
        label_propensity=np.where(asked & came, 0.5, np.nan),
    )
    found, _ = measured(tmp_path, answers)
    assert found.audit.verdict == "measured"
    assert found.audit.loss == pytest.approx(np.mean((SAID - TRUTH)[asked] ** 2), abs=1e-12)
    assert (found.audit.n_asked, found.audit.n_labels) == (asked.sum(), asked.sum())
    assert measured(tmp_path, ANSWERS)[0].audit is None
