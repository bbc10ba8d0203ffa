"""Repairs through the whole flow: what a rung makes of the champion stands before the same gate as any candidate."""

import looking
import numpy as np
import pandas as pd
import pytest
from direct import Direct
from looking import APRIL, LATE, MARCH, MAY

from cli.reproduction import reproduce
from evergreen.decisions.retrain import decision
from evergreen.decisions.retrain.ladder import choose
from evergreen.learning.model import model as models
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry import bundle
from evergreen.record.registry.verification import verify
from flows import training
from flows.monitoring import look_at
from flows.retraining import act_on_window


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """Looks and trainings in this process, which share the numbers of versions."""
    monkeypatch.setattr(training, "run_opened", lambda name, project, body, **asked: body())
    monkeypatch.setattr(training, "Recorder", Direct)
    return looking.directly(monkeypatch)


@pytest.fixture
def deciding(monkeypatch):
    """Let a look decide to make a rung."""

    def deciding(rung, window="all"):
        made = decision.decide

        def decide(*args, **given):
            return made(*args, **given).model_copy(update={"retrain": True, "rung": rung, "window": window})

        monkeypatch.setattr(decision, "decide", decide)

    return deciding


def rarer(rows: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return rows of which most that came back are gone since a time of the year: the prior alone has changed."""
    keep = np.random.default_rng(3).random(len(rows)) < 0.25
    return rows[~looking.since(rows, text) | ~rows["returned"] | keep].reset_index(drop=True)


def test_prior_that_shifted_is_recalibrated_and_the_model_stays_as_it_was(visited, deciding):
    looking.bring(visited, rarer(looking.source(visited), "03-01"))
    deciding("recalibration", "recent")
    before = visited.champion()
    look = look_at(visited, MARCH, MAY, as_of=LATE)
    rung = choose(look.probed, look.harm.promise, min_gain=0.01)
    assert (rung.name, rung.window, rung.why_not) == ("recalibration", "recent", None)
    assert 0 < rung.low < rung.gain < rung.high

    outcome = act_on_window(visited, reason=None)
    assert outcome.training.verdict == "promoted", outcome.training.reason
    facts, ws = champion_facts(visited.ledger(), "visits"), visited.workspace
    repaired = models.load(ws.path(facts.artifact.uri), facts.artifact.sha256)
    was = models.load(ws.path(before.artifact.uri), before.artifact.sha256)
    assert (repaired.manifest["repair"], repaired.manifest["repaired_from"]) == (
        "recalibration",
        before.artifact.sha256,
    )
    assert "why_not" not in repaired.manifest["compiled"]
    rows = looking.source(visited).tail(200)
    theirs, ours = was.predict(rows).values, repaired.predict(rows).values
    assert np.corrcoef(theirs.argsort().argsort(), ours.argsort().argsort())[0, 1] > 0.999  # it ranks as before
    assert ours.mean() < theirs.mean() - 0.05
    assert ours.mean() == pytest.approx(rows["returned"].mean(), abs=0.06)
    (entry,) = visited.ledger().entries("visits", "retraining")
    assert (entry.payload["rung"], entry.payload["training"]) == ("recalibration", False)
    assert entry.payload["gain"] == rung.gain
    whole = verify(bundle.export(visited.ledger(), ws, "visits", facts.version, files={}))
    assert (whole.ok, whole.findings) == (True, ())
    again = reproduce(visited, "champion")
    assert [(step.name, step.same, step.said) for step in again.steps] == [
        (name, True, "") for name in ("ingest", "validate", "features", "repair", "evaluate")
    ]


def test_concept_that_flipped_is_refitted_without_a_search_on_what_came_since(visited, deciding):
    looking.bring(visited, looking.flipped(looking.source(visited), "04-01"))
    deciding("refit", "recent")
    look = look_at(visited, APRIL, MAY, as_of=LATE)
    rung = choose(look.probed, look.harm.promise, min_gain=0.01)
    assert (rung.name, rung.window) == ("refit", "recent")
    (curve,) = {rung.why_not for rung in look.probed.rungs if (rung.name, rung.window) == ("recalibration", "recent")}
    assert "wrong way round" in curve

    outcome = act_on_window(visited, reason=None)
    assert (outcome.training.verdict, outcome.training.rule) == ("promoted", "refresh"), outcome.training.reason
    facts = champion_facts(visited.ledger(), "visits")
    rows = visited.workspace.read(facts.train)
    assert rows["at"].min() >= pd.Timestamp(look.probed.since, tz="UTC")
    again = reproduce(visited, "champion")
    assert [(step.name, step.same, step.said) for step in again.steps] == [
        (name, True, "") for name in ("ingest", "validate", "features", "tune", "train", "evaluate")
    ]
