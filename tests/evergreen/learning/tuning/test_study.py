"""The study: choices that no trial has had, kept once they have ended."""

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from evergreen.base.errors import IntegrityError
from evergreen.config.params.tune import TuneParams
from evergreen.learning.tuning.choice import Choice
from evergreen.learning.tuning.study import Study

SPACE = {"logistic": {"C": {"values": [1, 2, 3]}}, "linear": {"alpha": {"float": [0.0, 1.0]}}}
COMPLETE, PRUNED, FAIL = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL
ABOUT = {"seconds": 0.5, "spent": 2.0}


@pytest.fixture
def study(tmp_path):
    opened = []

    def study(*, maximize=True, first=(), families=SPACE, seed=7, **about):
        base = {"trials": 9, "folds": 2, "max_rows": 1_000, "families": families}
        params = TuneParams.model_validate({**base, **about})
        url = f"sqlite:///{tmp_path}/studies.db"
        opened.append(Study(url, "s", params, first=first, maximize=maximize, seed=seed))
        return opened[-1]

    yield study
    for each in opened:
        each.close()


def choice(value):
    return Choice(family="logistic", params={"C": value})


def test_first_choices_are_tried_in_their_order_each_once(study):
    found = study(first=[choice(2), choice(1), choice(2)])
    drawn = [found.ask().choice for _ in range(2)]
    assert drawn == [choice(2), choice(1)]
    assert found.ask().choice not in drawn


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_finite_space_is_drawn_once_through(study, sampler):
    found = study(families={"logistic": SPACE["logistic"]}, sampler=sampler)
    drawn = []
    while (next_one := found.ask()) is not None:
        drawn.append(next_one.choice.params["C"])
        found.end(next_one, [0.5, 0.6], COMPLETE, **ABOUT)
    assert sorted(drawn) == [1, 2, 3]


@pytest.mark.parametrize(("maximize", "best"), [(True, 2), (False, 1)])
def test_best_is_the_complete_trial_with_the_best_mean(study, maximize, best):
    found = study(maximize=maximize, first=[choice(1), choice(2), choice(3)])
    for scores, state in (([0.1, 0.2], COMPLETE), ([0.9, 0.6], COMPLETE), ([9.0 if maximize else -9.0], PRUNED)):
        found.end(found.ask(), scores, state, **ABOUT)
    assert Choice.read(found.best.params) == choice(best)
    assert found.best.value == pytest.approx(np.mean([0.9, 0.6] if maximize else [0.1, 0.2]))
    assert (len(found.finished), len(found.failed), found.spent) == (3, 0, 2.0)


@pytest.mark.parametrize(("maximize", "best"), [(True, 2), (False, 1)])
def test_best_of_a_family_is_its_complete_trial_with_the_best_mean(study, maximize, best):
    other = Choice(family="linear", params={"alpha": 0.5})
    found = study(maximize=maximize, first=[choice(1), other, choice(2), choice(3)])
    extreme = 9.0 if maximize else -9.0
    for scores, state in (
        ([0.1, 0.2], COMPLETE),
        ([extreme, extreme], COMPLETE),
        ([0.9, 0.6], COMPLETE),
        ([extreme], PRUNED),
    ):
        found.end(found.ask(), scores, state, **ABOUT)
    assert Choice.read(found.best_of("logistic").params) == choice(best)
    assert Choice.read(found.best_of("linear").params) == Choice.read(found.best.params) == other
    assert found.best_of("lightgbm") is None


def test_trial_is_hopeless_when_it_is_worse_than_the_median_of_enough_others(study):
    found = study()
    for number, score in enumerate([0.25, 0.5, 0.75, 1.0]):
        assert not found.is_hopeless(0.0, 1)  # fewer than four are no ground
        found.end(found.ask(), [score, 0.5], COMPLETE, **ABOUT)
        assert len(found.trials) == number + 1
    assert found.is_hopeless(0.624, 1)
    assert not found.is_hopeless(0.625, 1)  # which is their median
    assert not found.is_hopeless(0.0, 3)  # no trial has seen three folds


def test_only_what_is_kept_is_there_for_the_next_and_it_goes_on_where_it_was(study):
    first = study(first=[choice(1), choice(2)])
    first.end(first.ask(), [0.5, 0.7], COMPLETE, **ABOUT)
    first.end(first.ask(), [], FAIL, **ABOUT)
    assert first.keep() == 2
    assert first.keep() == 0
    lost = first.ask()
    first.end(lost, [0.9, 0.9], COMPLETE, **ABOUT)  # and is not kept

    again = study(first=[choice(1), choice(2)])
    assert [Choice.read(trial.params) for trial in again.trials] == [choice(1), choice(2)]
    assert (len(again.finished), len(again.failed)) == (1, 1)
    assert again.ask().choice == lost.choice


def test_trial_that_is_given_up_is_drawn_again(study):
    found = study()
    drawn = found.ask()
    found.give_up(drawn)
    assert found.ask().choice == drawn.choice
    assert not found.trials


def test_table_has_a_row_for_each_trial_that_ended(study):
    found = study(first=[choice(1), choice(2), choice(3)])
    for scores, state in (([0.25, 0.75], COMPLETE), ([0.1], PRUNED), ([], FAIL)):
        found.end(found.ask(), scores, state, **ABOUT)
    table = found.table()
    assert table["state"].tolist() == ["COMPLETE", "PRUNED", "FAIL"]
    assert table["score"].tolist()[:2] == [0.5, 0.1]
    assert np.isnan(table["score"].tolist()[2])
    assert table["params"].tolist() == ['{"C": 1}', '{"C": 2}', '{"C": 3}']
    assert [list(scores) for scores in table["scores"]] == [[0.25, 0.75], [0.1], []]


def test_trials_lie_in_the_database_as_optuna_reads_them(study, tmp_path):
    found = study(first=[choice(2)])
    found.end(found.ask(), [0.5, 0.7], COMPLETE, **ABOUT)
    found.keep()
    (kept,) = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/studies.db").trials
    assert (kept.value, kept.intermediate_values) == (pytest.approx(0.6), {1: 0.5, 2: pytest.approx(0.6)})
    assert kept.user_attrs["outcome"] == {"scores": [0.5, 0.7], **ABOUT}


@pytest.mark.parametrize(("at", "n"), [(0, 100), (28, 4_000), (100, 100_000)])
def test_file_of_studies_that_is_damaged_is_said_and_made_anew_once_it_is_deleted(study, tmp_path, at, n):
    study().close()
    file = tmp_path / "studies.db"
    content = bytearray(file.read_bytes())
    content[at : at + n] = b"\xff" * len(content[at : at + n])
    file.write_bytes(bytes(content))
    for beside in tmp_path.glob("studies.db-*"):
        beside.unlink()
    with pytest.raises(IntegrityError) as caught:
        study()
    assert (caught.value.code, caught.value.where) == ("INT021", str(file))
    assert caught.value.next_step.startswith("Delete it")
    file.unlink()
    assert study().trials == []
