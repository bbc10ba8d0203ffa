"""What follows from a look: promote, keep, or what would decide."""

import re

import numpy as np
import pytest
from experimented import design

from evergreen.decisions.experiments.decision import decide
from evergreen.decisions.experiments.design import Goal, Guard, Variant
from evergreen.decisions.experiments.ratios import Units
from evergreen.decisions.experiments.reading import readings
from evergreen.decisions.experiments.sample_ratio import sample_ratio

EVEN = [sample_ratio([1_000, 1_000], [0.5, 0.5])]


def values(mean: float, n: int = 2_000, seed: int = 0) -> Units:
    """Return units whose mean is this, exactly."""
    noise = np.random.default_rng(seed).normal(size=n)
    return Units(mean + (noise - noise.mean()) / noise.std(), np.ones(n))


def decided(agreed, ratios=EVEN, **means):
    """Return what follows from the mean of each metric and variant, such as `target_B=0.3`; the champion's is 0."""
    units = {}
    for one in agreed.asked:
        units[one.metric, "champion"] = values(0.0)
        for variant in agreed.variants:
            units[one.metric, variant.name] = values(means.get(f"{one.metric}_{variant.name}", 0.0), seed=1)
    return decide(agreed, readings(agreed, units), ratios)


HALF = design(goals=(Goal(metric="target", better="higher", effect=0.15),))
GUARDED = HALF.model_copy(update={"guards": (Guard(metric="latency", better="lower", margin=0.2),)})


def test_what_is_better_is_promoted() -> None:
    found = decided(HALF, target_B=0.3)
    assert (found.answer, found.variant) == ("promote", "B")
    assert "+0.3" in found.why


def test_what_is_worse_or_not_better_by_what_is_worth_having_is_not() -> None:
    worse = decided(HALF, target_B=-0.3)
    assert (worse.answer, worse.variant) == ("keep", None)
    assert worse.why.startswith("worse in target")
    assert decided(HALF, target_B=0.0).why.startswith("not better by what is worth having")


def test_what_cannot_be_told_names_what_would_tell() -> None:
    found = decided(HALF, target_B=0.09)
    assert found.answer == "inconclusive"
    assert re.fullmatch(
        r"target: of more units in each variant about \d+ to show that it differs, or about [\d,]+ to show that "
        r"it is not worth having, if it stays \+0.090",
        found.would_decide[0],
    )


def test_lower_is_better_where_that_was_agreed() -> None:
    fewer = design(goals=(Goal(metric="target", better="lower", effect=0.15),))
    assert decided(fewer, target_B=-0.3).answer == "promote"
    assert decided(fewer, target_B=0.3).answer == "keep"


def test_a_guard_that_is_broken_keeps_the_champion_however_much_better_the_goal_is() -> None:
    found = decided(GUARDED, target_B=0.5, latency_B=0.5)
    assert found.answer == "keep"
    assert "worse in latency" in found.why


def test_a_guard_that_is_not_shown_to_hold_leaves_it_open() -> None:
    found = decided(GUARDED, target_B=0.5, latency_B=0.18)
    assert found.answer == "inconclusive"
    assert found.would_decide[0].startswith("latency: an interval that loses 0.2 at most")
    assert decided(GUARDED, target_B=0.5, latency_B=0.0).answer == "promote"


def test_shares_that_are_off_forbid_any_result() -> None:
    off = [*EVEN, sample_ratio([1_000, 700], [0.5, 0.5], of="labelled units")]
    found = decided(HALF, off, target_B=0.5)
    assert (found.answer, found.variant) == ("inconclusive", None)
    assert "shares of the labelled units: 1,000 where 850 were expected, 700 where 850" in found.why


def test_the_surest_of_several_that_are_better_is_promoted() -> None:
    two = design(
        goals=HALF.goals,
        variants=(Variant(name="B", version=2, share=0.3), Variant(name="C", version=3, share=0.3)),
    )
    assert decided(two, target_B=0.3, target_C=0.4).variant == "C"
    one_open = decided(two, target_B=-0.3, target_C=0.09)
    assert one_open.answer == "inconclusive"
    assert "B: worse" in one_open.why


def test_worse_in_one_goal_outweighs_better_in_another() -> None:
    both = design(goals=(*HALF.goals, Goal(metric="error", better="lower", effect=0.2)))
    assert decided(both, target_B=0.4, error_B=-0.4).answer == "promote"
    assert decided(both, target_B=0.4, error_B=0.0).answer == "promote"
    assert decided(both, target_B=0.4, error_B=0.4).answer == "keep"


@pytest.mark.parametrize(("planned", "over"), [(2_000, True), (2_001, False)])
def test_it_is_over_once_as_many_units_were_seen_as_were_planned(planned, over) -> None:
    assert decided(HALF.model_copy(update={"planned": planned}), target_B=0.09).is_over is over


def test_an_arm_without_rows_is_named() -> None:
    units = {("target", "champion"): values(0.0)}
    found = decide(HALF, readings(HALF, units), EVEN)
    assert found.answer == "inconclusive"
    assert "no row of B is known" in found.why
