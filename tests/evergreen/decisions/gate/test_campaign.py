"""What the gates of a year may get wrong together: the shares, what a promotion gives back, and where a year ends."""

from datetime import timedelta
from fractions import Fraction

import pytest
from gates import NOW, asked
from hypothesis import given
from hypothesis import strategies as st

from evergreen.decisions.gate.campaign import ASKS, LENGTH, Asked, level_of_use, next_level, uses

WHOLE = float(sum(Fraction(1, i) for i in range(1, 366)))


def level(history, now=NOW):
    return next_level(history, now=now, alpha=0.05)


def test_first_gate_gets_the_greatest_share():
    first = level(())

    assert first.level == pytest.approx(0.05 / WHOLE)
    assert (first.asked, first.spent, first.ends) == (0, 0, None)
    assert first.left == pytest.approx(0.05)


@pytest.mark.parametrize("nights", [1, 29, 99, 364])
def test_later_gate_gets_its_share_of_what_is_harmonic(nights):
    given = level(asked(nights))

    assert given.level == pytest.approx(0.05 / (WHOLE * (nights + 1)))
    assert given.asked == nights
    assert given.spent == pytest.approx(0.05 / WHOLE * sum(1 / i for i in range(1, nights + 1)))
    assert given.ends == NOW - timedelta(days=nights) + LENGTH


def test_shares_of_a_whole_campaign_add_up_to_alpha():
    history = asked(ASKS, every=timedelta(hours=1))

    assert sum(one.given for one in history) == pytest.approx(0.05)
    assert level(history).level == 0
    assert level(history).left == pytest.approx(0)


def test_promotion_gives_its_level_to_the_next_gate_and_to_no_later_one():
    history = asked(10, promoted=[9])

    assert level(history).level == pytest.approx(0.05 / (WHOLE * 11) + 0.05 / (WHOLE * 10))
    assert level(asked(10, promoted=[8])).level == pytest.approx(0.05 / (WHOLE * 11))


@given(st.lists(st.booleans(), max_size=40))
def test_levels_between_promotions_never_exceed_alpha_together(promotions):
    # What the gates that were not right can have spent: all but those whose promotion gave theirs back.
    history: list[Asked] = []
    kept = 0.0
    for night, promoted in enumerate(promotions):
        now = NOW + timedelta(days=night)
        got = level(history, now)
        assert got.spent + got.left == pytest.approx(0.05)
        kept += 0.0 if promoted else got.level
        returned = got.level if promoted else 0.0
        history.append(Asked(at=now, rule="superiority", given=got.level, level=returned, promoted=promoted, rows=""))
    assert kept <= 0.05 + 1e-12


def test_refreshes_and_first_models_spend_nothing():
    assert level((*asked(5, rule="refresh"), *asked(1, rule="first"))).level == level(()).level


def test_new_campaign_begins_a_year_after_the_first_gate_of_the_last():
    history = asked(10)
    ends = level(history).ends

    assert level(history, ends - timedelta(seconds=1)).asked == 10
    assert level(history, ends).asked == 0
    assert level(history, ends).ends is None


def test_gate_after_a_year_begins_the_campaign_of_those_after_it():
    old = asked(3)
    late = Asked(at=old[0].at + LENGTH, rule="superiority", given=0.001, level=0, promoted=False, rows="")

    got = level((*old, late), late.at + timedelta(days=1))

    assert (got.asked, got.ends) == (1, late.at + LENGTH)


def test_uses_count_gates_on_the_same_rows_whatever_their_rule():
    history = (*asked(3, rows="a"), *asked(2, rule="refresh", rows="a"), *asked(4, rows="b"))

    assert uses(history, "a") == 6
    assert uses(history, "c") == 1


def test_rows_without_a_digest_are_never_the_same():
    assert uses(asked(3, rows=""), "") == 1


def test_choices_from_the_same_rows_err_together_no_more_than_alpha():
    levels = [level_of_use(n, 0.05) for n in range(1, 10_001)]

    assert levels == sorted(levels, reverse=True)
    assert sum(levels) == pytest.approx(0.05, rel=1e-3)
    assert sum(levels) < 0.05


def test_error_of_a_campaign_is_that_of_the_gate_now_whatever_was_given_before():
    lax = Asked(at=NOW - timedelta(days=1), rule="superiority", given=0.06, level=0.06, promoted=True, rows="")

    assert next_level([lax], now=NOW, alpha=0.01).level <= 0.01
    spent = lax.model_copy(update={"level": 0.0, "promoted": False})
    assert (next_level([spent], now=NOW, alpha=0.05).level, next_level([spent], now=NOW, alpha=0.05).left) == (0.0, 0.0)


def test_gate_that_compared_nothing_spends_nothing():
    idle = Asked(at=NOW - timedelta(days=1), rule="superiority", level=0.0, promoted=False, rows="")

    assert level((idle,)).level == level(()).level
    assert level((idle,)).asked == 1


def test_gate_of_a_clock_that_was_ahead_does_not_count():
    ahead = Asked(at=NOW + timedelta(days=4_000), rule="superiority", given=0.05, level=0.0, promoted=False, rows="")

    assert level((ahead,)) == level(())
