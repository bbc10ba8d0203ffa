"""The fresh step: a fresh model does better where what the rows mean has changed, and no better where it has not."""

from datetime import date

import looking
import numpy as np
import pandas as pd
import pytest
from looking import at

from evergreen.decisions.drift.harm.promise import Promise
from evergreen.learning.model import model as models
from evergreen.record.predicted import ID
from tasks.fresh import fresh

PROMISE = Promise(loss="brier", at_gate=0.15, at_most=0.2, tolerance=0.02, evidence="")


@pytest.fixture
def probed(visited):
    """Probe the rows of March and April, with labels that are given, since a day."""
    facts, ws = visited.champion(), visited.workspace
    model = models.load(ws.path(facts.artifact.uri), facts.artifact.sha256)

    def probed(rows, labels, since, *, served=False):
        rows, labels = rows.reset_index(drop=True), np.asarray(labels)
        said = model.predict(rows).values
        ids = pd.Series([f"p{i:04d}" for i in range(len(rows))])
        answers = pd.DataFrame({"prediction_id": ids, "probability": said, "event_at": rows["at"], "target": labels})
        judged = pd.DataFrame(
            {
                "place": range(len(rows)),
                "label": labels,
                "day": rows["at"].dt.tz_localize(None).dt.normalize(),
                "loss": (said - labels) ** 2,
            }
        )
        table = rows.assign(**{ID: ids}).sample(frac=1, random_state=1) if served else rows
        return fresh.fn(
            ws.write("valid", table), answers=ws.write("answers", answers), judged=ws.write("judged", judged),
            artifact=facts.artifact, promise=PROMISE, threshold=facts.threshold, since=since, ws=ws,
        )  # fmt: skip

    return probed


@pytest.fixture
def rows(visited):
    found = looking.source(visited)
    return found[(found["at"] >= at("03-01")) & (found["at"] < at("05-01"))].reset_index(drop=True)


@pytest.mark.parametrize("served", [False, True])
def test_concept_that_flipped_is_learned_anew_and_the_gain_is_most_of_the_harm(probed, rows, served):
    april = rows[looking.since(rows, "04-01")]
    found = probed(april, ~april["returned"], date(2024, 4, 1), served=served)
    assert found.gain > 0.2
    assert 0 < found.low < found.gain < found.high
    assert "less" in found.evidence


def test_rows_that_mean_what_they_meant_leave_nothing_to_gain(probed, rows):
    found = probed(rows, rows["returned"], date(2024, 3, 1))
    assert abs(found.gain) < 0.02
    assert found.low < 0.005
    assert found.high - found.low < 0.05


def test_rows_before_the_harm_began_have_no_part_in_it(probed, rows):
    labels = rows["returned"] ^ looking.since(rows, "04-01")
    since = probed(rows, labels, date(2024, 4, 1))
    alone = probed(rows[looking.since(rows, "04-01")], labels[looking.since(rows, "04-01")], date(2024, 4, 1))
    assert since.gain == pytest.approx(alone.gain, abs=1e-9)


@pytest.mark.parametrize(
    ("since", "said"), [("04-25", "90 labelled rows of 6 days"), ("05-02", "0 labelled rows of 0 days")]
)
def test_too_few_rows_are_no_answer(probed, rows, since, said):
    found = probed(rows, rows["returned"], at(since).date())
    assert (found.gain, found.low, found.high) == (None, None, None)
    assert said in found.evidence


def test_labels_of_one_class_are_no_answer(probed, rows):
    found = probed(rows, np.zeros(len(rows), dtype=bool), date(2024, 3, 1))
    assert found.gain is None
    assert "no fresh model could be fitted" in found.evidence
