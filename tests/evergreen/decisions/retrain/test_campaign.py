"""How often the default policy trains on streams whose truth is known, over many seeds."""

from collections import Counter

import pytest
from pure_loops import Seen, simulated

from evergreen.decisions.retrain.ladder import TRAININGS

# Of a stream: how few and how many trainings there may be, in all streams but a share of them.
LIMITS = {
    "none": (0, 0, 0.0),
    "inputs": (0, 1, 0.0),
    "harder": (0, 1, 0.0),
    "sudden": (1, 2, 0.05),
    "gradual": (2, 4, 0.0),
    "prior": (0, 0, 0.1),
}
CHANGE = 3


def trainings(found: list[Seen]) -> int:
    return sum(seen.done is not None and seen.done.split()[-1] in TRAININGS for seen in found)


def beyond(kind: str, seeds: range) -> float:
    """Return the share of streams with other trainings than promised."""
    least, most, _ = LIMITS[kind]
    made = Counter(trainings(simulated(kind, seed, change=CHANGE)) for seed in seeds)
    return sum(n for count, n in made.items() if not least <= count <= most) / len(seeds)


@pytest.mark.parametrize("kind", LIMITS)
def test_trainings_are_as_many_as_the_truth_asks(kind):
    assert beyond(kind, range(3)) == 0


@pytest.mark.long
@pytest.mark.parametrize("kind", LIMITS)
def test_trainings_are_as_many_as_the_truth_asks_in_most_streams(kind):
    assert beyond(kind, range(40)) <= LIMITS[kind][2]


@pytest.mark.parametrize("seed", range(3))
def test_sudden_change_is_learned_within_three_windows_and_the_promise_kept_again(seed):
    found = simulated("sudden", seed, windows=8, change=CHANGE)
    assert all(seen.done is None for seen in found[:CHANGE])
    assert 1 <= trainings(found[CHANGE : CHANGE + 3]) <= 2
    assert {seen.harm.verdict for seen in found[CHANGE + 3 :]} == {"kept"}


@pytest.mark.parametrize("seed", range(3))
def test_prior_shift_is_recalibrated_away(seed):
    found = simulated("prior", seed, windows=8, change=CHANGE)
    assert "recalibration" in {seen.done for seen in found[CHANGE:]}
    assert found[-1].probed.champion_loss < found[CHANGE].probed.champion_loss
