"""A candidate as it is made: searched for by the steps of the plan, or of the champion by a rung."""

from datetime import date

import looking
import pytest
from direct import Direct
from looking import MARCH, MAY

from evergreen.decisions.retrain.ladder import Rung
from evergreen.learning.model import model as models
from evergreen.learning.repair.recalibrating import CannotRepairError
from evergreen.record.plan.steps import STEPS
from flows.making import AS_TASKS, make_candidate
from flows.rungs import repair_of


def test_tasks_of_the_flow_are_the_steps_in_their_order():
    assert list(AS_TASKS) == list(STEPS)
    assert [task.name for task in AS_TASKS.values()] == list(STEPS)


def repair(project, rung: str, since: date | None = None):
    return repair_of(project, project.champion(), Rung(name=rung), since)


def loaded(project, ref):
    return models.load(project.workspace.path(ref.uri), ref.sha256)


def test_candidate_that_is_searched_for_is_what_the_steps_of_the_plan_make(fresh):
    do = Direct()
    candidate = make_candidate(fresh, do)
    assert do.names == list(STEPS)
    assert candidate.repair is None
    assert candidate.data_end == MARCH
    rows = fresh.workspace.read(candidate.test)
    assert rows["at"].max() < looking.at("03-01")
    assert loaded(fresh, candidate.model).manifest["data"] == candidate.train.sha256
    assert make_candidate(fresh, Direct()) == candidate


def test_candidate_that_is_judged_by_other_rules_has_another_key(fresh):
    key = make_candidate(fresh, Direct()).key
    stricter = type(fresh).open(overrides=["gate.floor=0.7"])
    other = make_candidate(stricter, Direct())
    assert other.key != key
    assert other.model == make_candidate(fresh, Direct()).model


@pytest.mark.parametrize("rung", ["threshold", "recalibration"])
def test_repair_is_made_of_the_champion_in_the_place_of_tuning_and_training(visited, rung):
    do, asked = Direct(), repair(visited, rung)
    candidate = make_candidate(visited.until(MAY), do, asked)
    assert do.names == ["ingest", "validate", "features", "repair", "evaluate"]
    assert candidate.repair == asked
    assert candidate.data_end == MAY
    about = loaded(visited, candidate.model).manifest
    assert (about["repair"], about["repaired_from"]) == (rung, visited.champion().artifact.sha256)
    assert candidate.report.threshold != visited.champion().threshold


def test_refit_is_one_trial_of_the_champions_own_choice_on_what_is_known_by_now(visited):
    do, asked = Direct(), repair(visited, "refit")
    several = type(visited).open(overrides=["tune.trials=5"]).until(MAY)
    candidate = make_candidate(several, do, asked)
    assert do.names == list(STEPS)
    assert (
        candidate.best.params == asked.choice.params == loaded(visited, visited.champion().artifact).manifest["params"]
    )
    assert candidate.best.n_trials == 1
    assert loaded(visited, candidate.model).digest != visited.champion().artifact.sha256


def test_repair_that_the_rows_do_not_do_for_is_not_made(visited):
    do = Direct()
    with pytest.raises(CannotRepairError, match="labelled rows came since"):
        make_candidate(visited.until(MAY), do, repair(visited, "recalibration", date(2024, 4, 12)))
    assert "evaluate" not in do.names
