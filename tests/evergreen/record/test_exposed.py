"""What was answered at the steps of a rollout, out of a log that the library wrote."""

from datetime import timedelta

import numpy as np
import pytest
from exposed import Town, alone, another

from evergreen.project import Project
from evergreen.record import exposed, rollouts
from flows import rollout


@pytest.fixture
def town(visited, monkeypatch):
    alone(monkeypatch)
    another(visited)
    made = Town(Project.open(overrides=["rollout.unit=[visit]", "harm.loss=error"]), rows=200, visitors=40)
    yield made
    made.close()


def begin(town: Town, plan: str) -> None:
    rollout.begin(town.project, 2, plan=plan, by="Ada", reason="newer")


def read(town: Town, *, now=None):
    project = town.project
    return exposed.answers_of(
        project.settings.predictions,
        rollouts.under_way(project.ledger(), project.name),
        contract=project.contract,
        harm=project.params.harm,
        now=now or town.now,
    )


def test_shadow_has_the_answers_of_both_versions_on_the_same_rows(town) -> None:
    begin(town, "shadow,100")
    town.day()
    (one,) = read(town)
    assert (one.paired, one.n_new, one.unit.n, one.n_labelled) == (True, 200, 40, 200)
    assert one.loss_before.mean() == pytest.approx(0.2, abs=0.1)
    assert 0 < np.mean(one.loss != one.loss_before) < 0.3
    assert one.block.n in (1, 2)  # a day from any hour on lies in two


def test_rows_of_a_shadow_that_was_not_asked_are_left_out_and_those_it_failed_are_counted(town) -> None:
    begin(town, "shadow,100")
    town.broken = 0.5
    town.day()
    (one,) = read(town)
    assert one.failed.sum() == pytest.approx(100, abs=30)
    assert np.isnan(one.loss[one.failed]).all()


def test_share_has_two_arms_that_keep_their_visitors_and_rows_that_fell_back_stay_with_theirs(town) -> None:
    begin(town, "50,100")
    town.broken, town.ms_new = 0.2, 90.0
    town.day()
    (one,) = read(town)
    new, old = set(one.unit.codes[one.is_new]), set(one.unit.codes[~one.is_new])
    assert new.isdisjoint(old)
    assert one.failed[one.is_new].mean() == pytest.approx(0.2, abs=0.1)
    assert one.late[one.is_new].any()
    assert not one.failed[~one.is_new].any()


def test_steps_are_told_apart_by_their_rules_and_other_rollouts_are_left_out(town) -> None:
    begin(town, "50,100")
    town.day()
    rollout.abort(town.project, rollout.Person(by="Ada", reason="again", door="cli"))
    begin(town, "shadow,50,100")
    town.day()
    rollout.advance(town.project, rollout.Person(by="Ada", reason="on", door="cli"))
    town.day()
    shadow, share = read(town)
    assert (shadow.paired, len(shadow.loss)) == (True, 200)
    assert (share.paired, len(share.loss)) == (False, 200)


def test_label_counts_once_its_whole_day_is_due(town) -> None:
    begin(town, "shadow,100")
    town.day()
    (early,) = read(town, now=town.began + timedelta(hours=25))
    (later,) = read(town)
    assert (early.n_due, later.n_due) == (0, 200)
    assert np.isnan(early.loss).all()


def people(town: Town):
    project = town.project
    return exposed.people_of(
        project.settings.predictions,
        rollouts.under_way(project.ledger(), project.name),
        contract=project.contract,
        now=town.now,
    )


def test_people_who_decide_about_a_shadows_rows_are_laid_beside_both_versions(town) -> None:
    town.people = 0.9
    begin(town, "shadow,100")
    town.day()
    found = people(town)
    assert (found.n, found.unread, found.n_labelled) == (200, 0, 200)
    assert found.wrong == pytest.approx(0.1, abs=0.07)
    assert found.wrong_new == pytest.approx(0.2, abs=0.1)
    assert found.agree == pytest.approx(0.9 * 0.8 + 0.1 * 0.2, abs=0.1)


def test_without_a_shadow_or_a_decision_nothing_is_said_of_people(town) -> None:
    begin(town, "shadow,50,100")
    town.day()
    assert people(town) is None
    rollout.abort(town.project, rollout.Person(by="Ada", reason="again", door="cli"))
    begin(town, "50,100")
    town.people = 0.9
    town.day()
    assert people(town) is None
