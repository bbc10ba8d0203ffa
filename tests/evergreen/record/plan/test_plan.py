"""The plan: a step runs again exactly when its code, data or configuration changed, or its artifacts are gone."""

from datetime import date

import planned
import pytest

from evergreen.data.validation.own import Expectation
from evergreen.record.plan import plan
from evergreen.record.plan.steps import STEPS


def test_plan_of_a_fresh_project_knows_the_first_step_only(look):
    found = look()
    assert list(found) == list(STEPS)
    assert not any(step.cached for step in found.values())
    assert found["ingest"].why == "never run with this code, data and configuration"
    assert len(found["ingest"].identity) == 64
    assert [(step.identity, step.why) for step in list(found.values())[1:]] == [
        (None, "after ingest"),
        (None, "after validate"),
        (None, "after features"),
        (None, "after tune"),
        (None, "after train"),
    ]


def test_plan_follows_records_up_to_the_first_miss(look, record):
    for n, step in enumerate(STEPS, start=1):
        record(step)
        found = list(look().values())
        assert [step.cached for step in found] == [True] * n + [False] * (len(found) - n)
        assert [step.identity is None for step in found] == [False] * min(n + 1, len(found)) + [True] * (
            len(found) - n - 1
        )


def test_plan_returns_the_artifacts_that_are_there(given, records, record):
    record("ingest")
    record("validate")
    _, artifacts = plan.plan(given, records=records)
    assert set(artifacts) == {"raw", "valid", "quarantine", "docs"}
    assert artifacts["raw"]["uri"] == "raw"


def test_plan_misses_all_steps_from_the_changed_one_on(look, record, params):
    for step in STEPS:
        record(step)
    fewer = params.model_copy(update={"tune": params.tune.model_copy(update={"trials": 1})})
    cached = {name: step.cached for name, step in look(params=fewer).items()}
    expected = {"ingest": True, "validate": True, "features": True, "tune": False, "train": False, "evaluate": False}
    assert cached == expected
    later = params.for_period(date(2013, 2, 1), date(2013, 4, 1))
    assert not any(step.cached for step in look(params=later).values())
    assert not look(locate=lambda: planned.source("b" * 64))["ingest"].cached
    assert all(step.cached for step in look().values())


@pytest.mark.parametrize(
    "changed", [{"today": date(2013, 3, 1)}, {"expectations": (Expectation(type="expect_column_to_exist", kwargs={}),)}]
)
def test_plan_misses_validation_on_another_day_or_with_other_expectations(look, record, changed):
    for step in STEPS:
        record(step)
    cached = {name: step.cached for name, step in look(**changed).items()}
    assert [name for name, hit in cached.items() if hit] == ["ingest"]


def test_plan_misses_a_step_whose_artifact_is_gone(look, record, ws):
    record("ingest")
    record("validate")
    (ws.root / "quarantine").unlink()
    assert (look()["ingest"].cached, look()["validate"].cached) == (True, False)
