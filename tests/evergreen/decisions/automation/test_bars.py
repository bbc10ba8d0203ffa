"""What each degree has to have shown: met, missed, and not asked for where there is no next degree."""

from datetime import date, timedelta

import automated
import numpy as np
import pytest

from evergreen.config.contract.decision import DecisionPolicy
from evergreen.decisions.automation.bars import bar, level
from evergreen.decisions.drift.audit import estimate

POLICY = DecisionPolicy(degree="auto", error=0.1, rows=100, days=10)
N = 400
DAYS = [date(2026, 1, 1) + timedelta(row % 20) for row in range(N)]
ONE_IN_FIVE = (np.arange(N) // 20 % 5 == 0).astype(float)
SPREAD = (np.arange(N) % 21 == 0).astype(float)  # over the days, about one in twenty
NOTHING = automated.decided([], [], [])


def rows(by, wrong, **more):
    return automated.decided([by] * N if isinstance(by, str) else by, wrong, DAYS, **more)


def test_from_human_to_shadow_nothing_is_asked():
    assert bar("human", POLICY, NOTHING, least=None).met


@pytest.mark.parametrize(("degree", "highest"), [("auto", "auto"), ("shadow", "shadow"), ("partial", "assist")])
def test_above_the_highest_there_is_nothing(degree, highest):
    policy = POLICY.model_copy(update={"degree": highest})
    assert bar(degree, policy, NOTHING, least=0.9) is None


def test_shadow_needs_labels_of_enough_rows_and_days():
    found = bar("shadow", POLICY, rows("shadow", SPREAD), least=None)
    assert (found.degree, found.met) == ("assist", True)
    few = rows("shadow", np.where(np.arange(N) < 99, SPREAD, np.nan))
    assert not bar("shadow", POLICY, few, least=None).met
    of_few_days = automated.decided(["shadow"] * N, SPREAD, DAYS[:5] * (N // 5))
    assert "5 days are known; 100 of 10" in bar("shadow", POLICY, of_few_days, least=None).evidence


def test_shadow_of_a_model_that_is_worse_than_people_is_not_enough():
    people = SPREAD * 0
    worse = bar("shadow", POLICY, rows("shadow", ONE_IN_FIVE, people_wrong=people), least=None)
    assert not worse.met
    assert "worse than they are, by 0.2000" in worse.evidence
    assert bar("shadow", POLICY, rows("shadow", SPREAD, people_wrong=SPREAD[::-1]), least=None).met


def test_assist_has_to_show_the_promise_on_the_answers_that_would_be_automatic():
    sure = np.where(np.arange(N) % 7 == 3, 0.6, 0.99)
    wrong = np.where(sure > 0.9, SPREAD, 1.0)  # every unsure answer is wrong, which is nobody's promise
    found = bar("assist", POLICY, rows("assist", wrong, sure=sure), least=0.9)
    assert (found.degree, found.met) == ("partial", True)
    among = sure > 0.9
    days = [day for day, is_in in zip(DAYS, among, strict=True) if is_in]
    by_hand = estimate(wrong[among], np.ones(among.sum()), days, confidence=0.95)
    assert f"at most {by_hand.high:.4f}; at most 0.1 may be" in found.evidence

    assert not bar("assist", POLICY, rows("assist", ONE_IN_FIVE, sure=sure), least=0.9).met
    assert "no sureness is known" in bar("assist", POLICY, rows("assist", wrong, sure=sure), least=None).evidence


def test_assist_whose_people_answered_a_part_shows_nothing():
    partly = np.where(np.arange(N) % 3 == 0, np.nan, SPREAD)
    assert not bar("assist", POLICY, rows("assist", partly, sure=np.full(N, 0.99)), least=0.9).met


def test_partial_has_to_show_the_promise_of_all_answers_each_weighed_by_how_it_was_looked_at():
    by = ["audit" if row % 10 else "unsure" for row in range(N)]
    hard = np.array([each == "unsure" for each in by])
    shares = np.where(hard, np.nan, 0.1)
    found = bar("partial", POLICY, rows(by, np.where(hard, 1.0, SPREAD), shares=shares), least=0.9)
    assert (found.degree, found.met) == ("auto", True)  # 40 unsure rows beside 3,600 sure ones
    as_many = rows(by, np.where(hard, 1.0, SPREAD), shares=np.where(hard, np.nan, 1.0))
    assert not bar("partial", POLICY, as_many, least=0.9).met


def test_later_looks_may_err_less_and_all_together_as_much_as_promised():
    assert [level(looks, 0.95) for looks in range(2)] == pytest.approx([0.05 / 2, 0.05 / 6])
    assert sum(level(looks, 0.95) for looks in range(10_000)) == pytest.approx(0.05, rel=1e-3)
    sure = np.full(N, 0.99)
    ends = [
        float(bar("assist", POLICY, rows("assist", SPREAD, sure=sure), least=0.9, looks=looks).evidence
              .partition("at most ")[2].partition(";")[0])
        for looks in range(5)
    ]  # fmt: skip
    assert ends == sorted(ends)
    assert ends[0] < ends[-1]
