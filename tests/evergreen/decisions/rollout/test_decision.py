"""What a look decides, and how often whole rollouts err, on rows that hang together."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from steps import Days, answers

from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout.decision import decide
from evergreen.decisions.rollout.plan import parse

PLAN = parse("shadow,5,25,50,100")
DAY = timedelta(days=1)


def decided(*steps, plan=PLAN, passed=DAY, held="", policy=None):
    at = len(steps) - 1
    return decide(plan, at, steps, policy or RolloutParams(), passed=passed, coverage=0.9, held=held)


def well(n=2_000):
    return answers(n, paired=True)


def test_step_that_passed_every_check_is_followed_by_the_next_and_the_last_by_all() -> None:
    assert decided(well()).answer == "advance"
    assert decided(well(), answers(2_000), answers(2_000), answers(2_000)).answer == "finish"


def test_step_waits_for_rows_and_time_and_says_for_which() -> None:
    found = decided(well(), answers(200), passed=DAY / 2)
    assert (found.answer, found.person) == ("hold", False)
    assert found.reason == (
        "it was asked about 100 rows, 500 are needed; this step takes 12.0 hours so far, 24 are needed"
    )


def test_harm_returns_it_even_where_a_person_holds_it() -> None:
    broken = answers(2_000, failed=np.ones(2_000, bool))
    assert decided(well(), broken, held="Ada holds it").answer == "return"
    assert decided(well(), answers(2_000), held="Ada holds it: holidays").reason == "Ada holds it: holidays"


def test_rows_that_the_version_answered_are_told_and_those_of_a_shadow_are_not() -> None:
    assert decided(well(), answers(2_000), answers(600)).exposed == 1_300


def test_answers_that_are_far_off_ask_for_a_person() -> None:
    rng = np.random.default_rng(2)
    far = answers(2_000, paired=True, score=0.8 + rng.normal(0, 0.05, (2_000, 1)))
    found = decided(far)
    assert (found.answer, found.person) == ("hold", True)
    assert found.reason.startswith("a person has to look: its answers lie +0.")


def campaign(seed: int, *, plan=PLAN, days: int = 40, **more) -> tuple[str, str, int, int]:
    """Return how a rollout ends, at which step, after how many days, and how many rows the version answered by then."""
    stream, at, answered = Days(seed, **more), 0, 0
    shares = [step.share if step.percent is not None else None for step in plan.steps]
    for day in range(1, days + 1):
        answered += stream.day(at, shares[at])
        steps = [stream.answers(step, shares[step]) for step in range(at + 1)]
        found = decided(*steps, plan=plan, passed=9 * DAY)
        if found.answer in ("return", "finish"):
            return found.answer, plan.steps[at].name, day, answered
        at += found.answer == "advance"
    return "under way", plan.steps[at].name, days, answered


def test_rollouts_end_as_they_should_in_a_few_campaigns() -> None:
    small = {"rows": 600, "visitors": 600}
    assert [campaign(seed, worse=0.06, **small)[0] for seed in range(3)] == ["return"] * 3
    assert campaign(3, slower=8.0, days=3, **small)[:3] == ("return", "shadow", 1)
    assert campaign(4, plan=parse("shadow,50,100"), **small)[0] == "finish"


@pytest.mark.long
def test_equal_versions_reach_all_of_the_traffic_and_worse_ones_are_returned_by_themselves() -> None:
    """The figures in docs/how-to/rollout.md; 100 rollouts of each kind."""
    equal = [campaign(seed, days=60) for seed in range(100)]
    assert Counter(end for end, *_ in equal)["finish"] >= 95
    restless = [campaign(seed, days=60, own=0.02) for seed in range(100)]  # equal on average, and not on any one day
    assert Counter(end for end, *_ in restless)["return"] <= 5
    worse = [campaign(seed, worse=0.03) for seed in range(100)]
    assert Counter((end, step) for end, step, *_ in worse)["return", "shadow"] >= 95
    assert max(answered for *_, answered in worse) <= 1_000
    unseen = parse("5,25,50,100")
    split = [campaign(seed, plan=unseen, worse=0.03, rows=3_000, visitors=3_000, days=60) for seed in range(50)]
    assert not [end for end, *_ in split if end == "finish"]
    assert np.median([answered for *_, answered in split]) < 6_000
    slow = [campaign(seed, slower=5.0) for seed in range(50)]
    assert {(end, step, day) for end, step, day, _ in slow} == {("return", "shadow", 1)}


def test_what_an_unclear_gate_began_has_to_be_better_and_ends_where_it_is_neither() -> None:
    rng, n = np.random.default_rng(5), 20_000
    old = rng.random(n) < 0.3

    def ripened(gained: float) -> str:
        new = old & ~(rng.random(n) < gained)
        step = answers(n, paired=True, loss=new.astype(float), loss_before=old.astype(float))
        return decide(PLAN, 0, [step], RolloutParams(), passed=DAY, coverage=0.9, better=True).answer

    assert ripened(0.4) == "advance"
    assert ripened(0.002) == "end"
