"""What a search ends with, and the simpler family in the winner's place."""

from evergreen.learning.tuning.best import Best, Finalist

SIMPLER = Finalist(family="logistic", params={"C": 0.3}, score=0.7, scores=(0.6, 0.8))
BEST = Best(
    family="lightgbm",
    params={"num_leaves": 9},
    score=0.75,
    scores=(0.7, 0.8),
    n_trials=8,
    metric="roc_auc",
    simpler=SIMPLER,
)


def test_simpler_family_takes_the_winners_place_with_all_that_is_known_of_it():
    taken = BEST.taking_simpler()

    assert {name: getattr(taken, name) for name in Finalist.model_fields} == dict(SIMPLER)
    assert (taken.n_trials, taken.metric, taken.simpler) == (8, "roc_auc", None)


def test_winner_without_a_simpler_family_stays():
    alone = BEST.model_copy(update={"simpler": None})

    assert alone.taking_simpler() == alone
