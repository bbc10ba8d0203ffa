"""A choice under a study's own names, and back."""

from evergreen.learning.tuning.choice import Choice

CHOICE = Choice(family="own.Trees", params={"max.depth": 3, "alpha": 0.5, "own.Trees.again": None})


def test_choice_survives_the_names_of_a_study():
    drawn = CHOICE.as_drawn()
    assert drawn["family"] == "own.Trees"
    assert drawn["own.Trees.alpha"] == 0.5
    assert Choice.read(drawn) == CHOICE
    assert Choice.read({"family": "linear"}) == Choice(family="linear", params={})


def test_key_is_equal_for_equal_choices_and_for_no_others():
    same = Choice(family=CHOICE.family, params=dict(reversed(CHOICE.params.items())))
    assert same.key == CHOICE.key
    others = [{"alpha": 1}, {"alpha": 1.5}, {"alpha": "1"}, {"beta": 1}, {}]
    assert len({Choice(family="f", params=params).key for params in others}) == len(others)
    assert Choice(family="f", params={}).key != Choice(family="g", params={}).key
