"""Parameters that fit a table's task and size."""

import pandas as pd
from proposals import frame, proposed


def test_proposal_makes_test_days_of_a_short_span():
    days = pd.date_range("2024-01-01", periods=6).repeat(100).strftime("%Y-%m-%d")
    assert proposed(frame(day=days), target="target").params.features.test_days == 2


def test_proposal_lengthens_the_test_until_it_has_both_classes():
    times = pd.date_range("2024-01-01", periods=600, freq="12h").strftime("%Y-%m-%dT%H:%M:%S")
    rows = frame(seen_at=times).assign(target=["yes", "no"] * 200 + ["no"] * 200)
    assert proposed(rows, target="target").params.features.test_days > 100


def test_proposal_picks_a_seed_that_gives_the_gate_every_class():
    from evergreen.learning import features

    rows = frame().assign(target=["a"] * 300 + ["b"] * 296 + ["c"] * 4)
    proposal = proposed(rows, target="target")
    typed = rows.assign(target=rows["target"].astype("str"))
    _, test = features.split(typed, proposal.contract, proposal.params.features, seed=proposal.params.seed)
    assert set(test["target"]) == {"a", "b", "c"}
    assert any("few rows of a class" in note for note in proposal.review)
