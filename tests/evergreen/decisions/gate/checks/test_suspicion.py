"""GT010: what is too good to be true is refused until a person has looked at it."""

import math

import numpy as np
import pytest
from gates import POLICY, World, contender, rival

from evergreen.decisions.gate.checks import suspicion
from evergreen.decisions.gate.paired import against

ROWS, (LEAKING, GOOD, CHAMPION) = World(2_000).draw(np.random.default_rng(1), 0.99, 0.78, 0.7)
CEILING = POLICY.model_copy(update={"ceiling": 0.95})


def checked(said, champion, policy=POLICY, auc=0.7):
    ours = contender(said, auc=auc)
    return suspicion.check(ours, champion, against(policy.metric, ROWS, ours, champion), policy)


def test_plausible_gain_passes():
    check = checked(GOOD, rival(CHAMPION), auc=0.78)

    assert (check.name, check.code, check.outcome, check.would_change) == ("suspicion", "GT010", "passed", "")
    assert (check.text, check.evidence) == ("roc_auc 0.7800 is plausible", {"value": 0.78})


def test_candidate_that_leaves_a_tenth_of_the_error_fails():
    check = checked(LEAKING, rival(CHAMPION), auc=0.99)

    assert check.outcome == "failed"
    assert "too good to be true, look for a column that tells the outcome" in check.text
    assert "version 4" in check.text
    assert "--new-lineage" in check.would_change


def test_champion_that_was_as_good_makes_nothing_suspicious():
    assert checked(LEAKING, rival(LEAKING), auc=0.99).outcome == "passed"
    assert checked(CHAMPION, rival(LEAKING)).outcome == "passed"


@pytest.mark.parametrize(
    ("auc", "outcome"), [(0.9499, "passed"), (0.95, "failed"), (0.97, "failed"), (math.nan, "failed")]
)
def test_ceiling_is_reached_or_not_without_a_champion(auc, outcome):
    check = checked(GOOD, None, CEILING, auc)

    assert check.outcome == outcome
    assert ("ceiling" in check.text) == (outcome == "failed")


@pytest.mark.parametrize(
    ("champion", "why_not"),
    [
        (None, "there is no champion to compare with"),
        (rival(None, why_not="lost"), "there is no champion to compare with"),
        (rival(CHAMPION, usable=np.zeros(2_000, dtype=bool)), "undefined on these rows"),
    ],
)
def test_candidate_that_nothing_was_held_against_is_not_applicable(champion, why_not):
    check = checked(LEAKING, champion, auc=0.99)

    assert (check.outcome, check.text) == ("not applicable", why_not)
    assert check.evidence == {"value": 0.99}


def test_error_that_a_single_row_leaves_is_no_sign_of_a_leak():
    labels = np.arange(20) < 5
    perfect = np.where(labels, 0.9, 0.1) + np.arange(20) / 1_000
    but_one = np.where(np.arange(20) == 4, 0.01, perfect)  # the last true row, below all others
    rows = type(ROWS)(labels, type(ROWS.clusters)("row", np.arange(20)))
    ours, theirs = (type(CHAMPION)("binary", values) for values in (perfect, but_one))

    best = contender(ours, auc=1.0)
    paired = against(POLICY.metric, rows, best, rival(theirs))
    assert suspicion.check(best, rival(theirs), paired, POLICY).outcome == "passed"
