"""What a version is compared with: read back as it was written, and what its gate's rows promise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import referenced

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.decisions.drift.harm.promise import promise_of
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.record.reference import Reference

RNG = np.random.default_rng(3)
N = 200
DAYS = pd.Series(pd.date_range("2024-02-01", periods=10).repeat(20), name="day").astype("datetime64[us]")
ROWS = pd.DataFrame({"at": DAYS.dt.tz_localize("UTC"), "x": RNG.normal(size=N), "c": RNG.choice(["a", "b"], N)})
FEATURES = referenced.seen(ROWS, {"x": "number", "c": "category"})
TRUTH = RNG.random(N) < 0.5
P = np.where(TRUTH, 0.7, 0.3) + RNG.uniform(-0.15, 0.15, N)
P[::10] = 1 - P[::10]  # and is wrong
OFF = RNG.uniform(0.1, 1.0, N)
BINARY = pd.DataFrame({"day": DAYS, "target": TRUTH, "probability": P, "label": P >= 0.5})
VALUES = RNG.normal(size=N)
REGRESSION = pd.DataFrame({"day": DAYS, "target": VALUES, "value": VALUES + OFF})
CLASSES = pd.DataFrame({"day": DAYS, "target": ["a", "b"] * 100, "label": "a", "probability": 0.6})
TEST = TableRef(uri="t.parquet", rows=N, schema_hash="s", sha256="f" * 64)


def test_reference_is_read_back_as_it_was_written(tmp_path):
    made = referenced.reference(FEATURES, "binary", BINARY, importances={"x": 0.25, "c": 0.0}, test=TEST)
    ref = referenced.kept(ws := Workspace(root=tmp_path), made)
    found = Reference.read(ws.path(ref.uri), ref.sha256)
    for before, after in ((made.features, found.features), (made.predictions, found.predictions)):
        assert after.days == before.days
        for name, counts in before.counts.items():
            np.testing.assert_array_equal(after.counts[name], counts)
    pd.testing.assert_frame_equal(found.gate, BINARY)
    assert (found.importances, found.test) == ({"x": 0.25, "c": 0.0}, TEST)


def test_version_without_a_proof_has_nothing_of_the_gate_and_promises_nothing(tmp_path):
    ref = referenced.kept(ws := Workspace(root=tmp_path), referenced.reference(FEATURES, "binary", None))
    found = Reference.read(ws.path(ref.uri), ref.sha256)
    assert (found.predictions, found.gate, found.test, found.error_at_gate) == (None, None, None, None)
    promise = found.promise("binary", threshold=0.5, loss=None, tolerance=0.02)
    assert (promise.loss, promise.at_gate, promise.at_most) == ("brier", None, 1.0)
    assert "no proof" in promise.evidence


def test_damaged_reference_is_refused(tmp_path):
    ref = referenced.kept(ws := Workspace(root=tmp_path), referenced.reference(FEATURES, "binary", BINARY))
    (ws.path(ref.uri) / "about.json").write_text("{}")
    with pytest.raises(IntegrityError):
        Reference.read(ws.path(ref.uri), ref.sha256)


@pytest.mark.parametrize(
    ("task", "gate", "error"),
    [("binary", BINARY, 0.1), ("multiclass", CLASSES, 0.5), ("regression", REGRESSION, 1.0)],
)
def test_error_at_gate_is_the_share_of_answers_that_were_not_the_target(task, gate, error):
    assert referenced.reference(FEATURES, task, gate).error_at_gate == pytest.approx(error)


@pytest.mark.parametrize(
    ("task", "gate", "loss", "named", "losses"),
    [
        ("binary", BINARY, None, "brier", (P - TRUTH) ** 2),
        ("binary", BINARY, "error", "error", (P >= 0.5) != TRUTH),
        ("multiclass", CLASSES, "brier", "error", np.array([0.0, 1.0] * 100)),
        ("regression", REGRESSION, None, "absolute error", np.minimum(OFF / (4 * np.median(OFF)), 1)),
    ],
)
def test_promise_is_that_of_the_losses_by_hand_with_days_as_blocks(task, gate, loss, named, losses):
    found = referenced.reference(FEATURES, task, gate).promise(task, threshold=0.5, loss=loss, tolerance=0.02)
    assert found.loss == named
    assert found.at_gate == pytest.approx(losses.mean())
    assert [n for n, _ in found.days] == [20] * 10
    assert [loss for _, loss in found.days] == pytest.approx(losses.reshape(10, 20).sum(axis=1))
    by_day = Clusters("day", np.repeat(np.arange(10), 20), in_time=True)
    expected = promise_of(losses.astype(float), by_day, loss=named, tolerance=0.02)
    assert found.at_most == pytest.approx(expected.at_most)
    assert found.at_gate + 0.02 < found.at_most < 1


def test_days_of_the_gate_may_stand_in_any_order():
    mixed = BINARY.sample(frac=1, random_state=1).reset_index(drop=True)
    asked = {"threshold": 0.5, "loss": None, "tolerance": 0.0}
    in_order = referenced.reference(FEATURES, "binary", BINARY).promise("binary", **asked)
    found = replace(referenced.reference(FEATURES, "binary", BINARY), gate=mixed).promise("binary", **asked)
    assert found.at_most == pytest.approx(in_order.at_most)
    assert [loss for _, loss in found.days] == pytest.approx([loss for _, loss in in_order.days])
