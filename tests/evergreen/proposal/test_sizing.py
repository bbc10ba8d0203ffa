"""Parameters that fit a table's task and size."""

import pandas as pd
import pytest
from proposals import frame, proposed

from evergreen.proposal import drafts


def test_proposal_makes_test_days_of_a_short_span():
    days = pd.date_range("2024-01-01", periods=6).repeat(100).strftime("%Y-%m-%d")
    assert proposed(frame(day=days), target="target").params.features.test_days == 2


@pytest.mark.parametrize(
    ("days", "every", "expected"),
    [
        (23, 1, 5),  # a third of them would be 7, which cannot tell: a fifth of the rows
        (24, 1, 8),
        (36, 1, 12),
        (60, 1, 14),
        (100, 1, 20),  # a fifth of the rows
        (42, 7, 92),  # of weekly rows, 14 days with rows
    ],
)
def test_proposal_gives_the_gate_days_enough_to_tell(days: int, every: int, expected: int):
    seen = pd.date_range("2024-01-01", periods=days, freq=f"{every}D").repeat(20).strftime("%Y-%m-%d")
    params = proposed(frame(days * 20, day=seen), target="target").params
    assert params.features.test_days == expected


@pytest.mark.parametrize("n", [60, 600, 6_000])
def test_proposal_takes_margins_from_what_matters_and_not_from_the_noise(n: int):
    params = proposed(frame(n), target="target").params
    assert (params.gate.champion_margin, params.gate.baseline_gain, params.gate.floor) == (0.01, 0.0, 0.5)
    assert "baseline_gain" not in drafts.params_text(params)


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
