"""The guards: when each holds a retraining back, what it says, and what one would have to do about it."""

from datetime import timedelta

import pytest
from decided import GAIN, WINDOW_END, case_of, days_ago, decide, faults_of, refit_of

from evergreen.decisions.retrain.guards import guards, spared
from evergreen.decisions.retrain.ladder import Rung


def holding(**given: object) -> list[str]:
    """Return the names of the guards that hold back."""
    return [guard.name for guard in guards(case_of(**given)) if guard.fired]


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({}, []),
        ({"faults": faults_of("minutes")}, ["data"]),
        ({"faults": faults_of(verdict="unknown")}, []),
        ({"past": {"failed": 3}}, ["circuit"]),
        ({"past": {"failed": 2}}, []),
        ({"past": {"failed": 1}, "attempts": 1}, ["circuit"]),
        ({"labels": 199}, ["labels"]),
        ({"labels": 200}, []),
        ({"past": {"promoted_at": days_ago(24)}}, ["cooldown"]),
        ({"past": {"promoted_at": days_ago(25)}}, []),
        ({"past": {"promoted_at": WINDOW_END}, "cooldown_days": 0}, []),
        ({"past": {"trainings": 12}}, ["budget"]),
        ({"past": {"trainings": 11}}, []),
        ({"past": {"trainings": 0}, "budget": 0}, ["budget"]),
        (
            {
                "faults": faults_of("minutes"),
                "labels": 0,
                "past": {"failed": 9, "trainings": 99, "promoted_at": WINDOW_END},
            },
            ["data", "circuit", "labels", "cooldown", "budget"],
        ),
    ],
)
def test_guard_holds_back_at_its_limit_and_the_one_that_says_most_comes_first(given, held):
    assert holding(**given) == held


def test_cooldown_is_over_after_as_many_days_as_it_says():
    (cooldown,) = [guard for guard in guards(case_of(past={"promoted_at": days_ago(5)})) if guard.fired]
    assert (cooldown.value, cooldown.limit, cooldown.evidence) == (5, 25, "by cooldown, 20 days left")
    case = case_of(past={"promoted_at": days_ago(5)})
    assert not any(guard.fired for guard in guards(case._replace(window_end=WINDOW_END + timedelta(days=20))))
    assert any(guard.fired for guard in guards(case._replace(window_end=WINDOW_END + timedelta(days=19))))


def test_fault_that_no_column_has_is_told_by_what_was_found():
    silent = faults_of().model_copy(update={"verdict": "fault", "evidence": "no row since the third"})
    (data,) = [guard for guard in guards(case_of(faults=silent)) if guard.fired]
    assert data.evidence == "until the data is mended: no row since the third"


def test_budget_is_spared_by_a_repair_that_fits_no_model_alone():
    budget, *others = reversed(guards(case_of(past={"trainings": 12})))
    assert budget.name == "budget"
    assert spared(budget, Rung(name="threshold"), ["harm"])
    assert not spared(budget, Rung(name="boosting"), ["harm"])
    assert not spared(budget, None, ["every-1"])
    assert not any(spared(guard, Rung(name="threshold"), ["harm"]) for guard in others)


@pytest.mark.parametrize(
    ("because", "days", "is_spared"),
    [(["every-3"], 1, True), (["every-3"], 0, False), (["every-3"], -9, False), (["harm"], 1, False), ([], 1, False)],
)
def test_cooldown_is_spared_by_a_policy_that_keeps_its_own_distance(because, days, is_spared):
    (cooldown,) = [guard for guard in guards(case_of(past={"promoted_at": days_ago(days)})) if guard.fired]
    assert (cooldown.name, spared(cooldown, None, because)) == ("cooldown", is_spared)


def test_repair_that_fits_no_model_passes_the_budget_but_not_the_cooldown():
    curve = refit_of(0.08, 0.06, cheaper=True)
    assert decide(harm="broken", probed=curve, past={"trainings": 12}).retrain
    assert decide(harm="broken", probed=GAIN, past={"trainings": 12}).held_by == ("budget",)
    assert decide(harm="broken", probed=curve, past={"promoted_at": days_ago(5)}).held_by == ("cooldown",)


@pytest.mark.parametrize("harm", ["broken", "kept"])
def test_circuit_stays_open_whether_or_not_something_fires(harm):
    assert decide(harm=harm, past={"failed": 3}).circuit_open
    assert not decide(harm=harm, past={"failed": 2}).circuit_open


def test_what_holds_back_says_how_long_and_how_much():
    held = decide("age-30", labels=150, past={"promoted_at": days_ago(5), "trainings": 12})
    assert held.reasons[1:] == (
        "held back by too few labels, 150 since the champion's data ended, 200 needed",
        "held back by cooldown, 20 days left",
        "held back by budget, 12 trainings in 365 days, of 12",
    )
    assert held.summary == (
        "held back by too few labels, 150 since the champion's data ended, 200 needed: age-30"
    )  # fmt: skip
    assert held.held_by == ("labels", "cooldown", "budget")
