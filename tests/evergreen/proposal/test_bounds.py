"""Bounds and lists have room for what has not been seen yet."""

import numpy as np
from proposals import column, frame, proposed


def test_proposal_gives_bounds_slack_but_not_across_zero():
    rows = frame(age=np.arange(600) % 60 + 20, temp=np.linspace(-10, 30, 600), humid=np.linspace(20, 90, 600),
                 share=np.linspace(0, 0.7, 600), hour=np.arange(600) % 24, debt=-np.linspace(1, 9, 600))  # fmt: skip
    found = {c.name: (c.min, c.max) for c in proposed(rows, target="target").contract.columns}
    assert found["age"] == (0, 109)
    assert found["temp"] == (-30, 50)
    assert (found["humid"], found["share"], found["hour"]) == ((0, 100), (0, 1), (0, 23))
    assert found["debt"] == (-13, 0)


def test_proposal_closes_a_list_only_of_what_was_seen_often():
    rows = frame(often=["a", "b", "c"] * 200, seldom=["a"] * 595 + ["b"] * 5, many=[f"v{n % 60}" for n in range(600)])
    proposal = proposed(rows, target="target")
    assert (column(proposal, "often").categories, column(proposal, "often").open) == (("a", "b", "c"), False)
    assert (column(proposal, "seldom").categories, column(proposal, "seldom").open) == (("a", "b"), True)
    assert column(proposal, "many").categories is None
