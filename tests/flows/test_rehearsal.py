"""What a rehearsal calls, what it leaves out, and what it counts."""

from types import SimpleNamespace

import pytest
from recorded import records

from evergreen.base.errors import ConfigError
from evergreen.record.ledger.ledger import seen_from
from flows.rehearsal import Costs, Rehearsal, rehearsed


@pytest.fixture
def costs(tmp_path):
    return Costs(tmp_path / "costs.txt")


@pytest.fixture
def do(costs, tmp_path):
    return Rehearsal(7, nowhere=tmp_path / "nowhere", costs=costs)


def step(name, fn, *, recorded=True):
    return SimpleNamespace(name=name, fn=fn, cache_key_fn=recorded or None)


def unwanted(*_, **__):
    raise AssertionError("this step must not run")


@pytest.mark.parametrize(
    ("name", "answer"),
    [("register", 7), ("describe", ""), ("mirror", None)],
)
def test_steps_by_which_others_would_see_a_promotion_are_answered_and_do_not_run(do, monkeypatch, name, answer):
    records(monkeypatch)
    assert do(step(name, unwanted), 1, tags={}) == answer
    assert (do(step("track", unwanted)).run_id, do(step("package", unwanted)).tag) == ("rehearsed", "")
    assert (do.steps, do.cpu_seconds, do.uncounted) == ([], 0.0, 0)


def test_predictions_of_nobody_are_read_and_nothing_is_drawn(do, monkeypatch, tmp_path):
    records(monkeypatch)
    found = do(step("served", lambda *, predictions, version: (predictions, version)), predictions="mine", version=3)
    assert found == (tmp_path / "nowhere", 3)
    assert do(step("drift", lambda rows, *, draw=True: (rows, draw)), 5) == (5, False)


def test_step_that_was_recorded_counts_what_it_took_when_it_ran(do, costs, monkeypatch, tmp_path):
    records(monkeypatch)
    work = step("skew", lambda n: n * n)
    assert do(work, 3) == 9
    spent = do.cpu_seconds
    [(key, seconds)] = costs.known().items()
    assert (seconds, do.uncounted) == (spent, 0)
    costs.keep(key, 5.0)
    other = Rehearsal(8, nowhere=tmp_path, costs=costs)
    assert (other(work, 3), other.cpu_seconds, other.uncounted) == (9, 5.0, 0)
    nobody = Rehearsal(8, nowhere=tmp_path, costs=Costs(tmp_path / "other.txt"))
    assert (nobody(work, 3), nobody.cpu_seconds, nobody.uncounted) == (9, 0.0, 1)


def test_step_that_is_not_recorded_counts_and_is_not_kept(do, costs, monkeypatch):
    records(monkeypatch)
    assert do(step("promote", lambda n: n, recorded=False), 3) == 3
    assert costs.known() == {}
    assert len(do.steps) == 1


def test_project_is_rehearsed_under_a_policy_in_a_ledger_of_its_own(fresh, tmp_path):
    arm, other = (rehearsed(fresh, policy, tmp_path) for policy in ("any(harm,probe)", "any(harm,drift)"))
    assert arm.params.retrain.policy == "any(harm,probe)"
    assert len({each.settings.ledger() for each in (fresh, arm, other)}) == 3
    assert arm.settings.workspace == fresh.settings.workspace
    assert arm.settings.step_records == fresh.settings.step_records
    assert (arm.params.tune, arm.params.features, arm.recipe) == (
        fresh.params.tune,
        fresh.params.features,
        fresh.recipe,
    )
    assert (arm.params.approval.required, arm.params.evaluate.analysis) == ((), "never")
    assert arm.until(fresh.params.ingest.end).params.retrain.policy == "any(harm,probe)"


def test_policy_that_does_not_exist_is_refused(fresh, tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'probe'"):
        rehearsed(fresh, "prob", tmp_path)


def test_ledger_that_was_deleted_begins_anew(fresh, tmp_path):
    arm = rehearsed(fresh, "never", tmp_path)
    arm.ledger().record("visits", "note", "1", {})
    assert arm.ledger().entries("visits")
    assert seen_from(arm.settings).exists()
    for file in tmp_path.glob("*.db"):
        file.unlink()
    again = rehearsed(fresh, "never", tmp_path)
    assert again.ledger().entries("visits") == []
