"""What is said of a promise: kept, broken, not enough data or unknown, with since when and by how much."""

import random
from datetime import timedelta

import numpy as np
import pytest
from streams import FIRST, Shock, days, errors, promised

from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import watch

PROMISE = promised(0.1, np.full(14, 100), np.array([10, 8, 12, 9, 11, 13, 7, 10, 10, 6, 14, 9, 11, 10]))


def stream(*spells: tuple[int, float], n: int = 100, seed: int = 4) -> list[Day]:
    """Return days of n labels: so many with one rate, then so many with the next."""
    rates = np.concatenate([np.full(length, rate) for length, rate in spells])
    return days(np.full(len(rates), n), errors(np.full(len(rates), n), rates, Shock(), np.random.default_rng(seed)))


def test_promise_is_kept():
    found = watch(stream((200, 0.09)), PROMISE)

    assert found.verdict == "kept"
    assert (found.n_labels, found.n_days, found.limit) == (20_000, 200, 20)
    assert found.e_value < 20
    assert (found.since, found.noticed, found.over, found.by, found.by_low, found.by_high) == (None,) * 6
    assert found.mean == pytest.approx(0.09, abs=0.01)
    assert "promised at most 0.1000" in found.evidence


def test_promise_is_broken_since_the_change_and_by_as_much():
    found = watch(stream((200, 0.09), (60, 0.16)), PROMISE)

    assert found.verdict == "broken"
    assert abs((found.since - FIRST).days - 200) <= 3
    assert FIRST + timedelta(200) <= found.noticed <= FIRST + timedelta(225)
    assert found.by_low < 0.06 < found.by_high
    assert found.by_low > 0.03
    assert found.over is False
    assert found.e_value >= found.limit
    assert found.since.isoformat() in found.evidence


def test_promise_that_was_broken_stays_broken_and_says_that_it_is_over():
    harmed = stream((100, 0.09), (40, 0.2))
    recovered = stream((100, 0.09), (40, 0.2), (300, 0.08))

    then, now = watch(harmed, PROMISE), watch(recovered, PROMISE)

    assert (now.verdict, now.since, now.noticed) == ("broken", then.since, then.noticed)
    assert (then.over, now.over) == (False, True)
    assert now.recent < 0.1
    assert now.by == pytest.approx(0.1, abs=0.04)  # of the days that were harmed, not of all since
    assert "back under" in now.evidence


def test_few_labels_are_not_enough_and_it_says_how_many_are():
    found = watch(stream((3, 0.09)), PROMISE)

    assert found.verdict == "not enough data"
    assert found.labels_to_notice > 300
    assert f"{found.labels_to_notice:,} labels" in found.evidence


def test_kept_is_said_once_harm_worth_noticing_would_have_been_noticed():
    first = watch(stream((3, 0.09)), PROMISE).labels_to_notice
    verdicts = [watch(stream((n, 0.09)), PROMISE).verdict for n in (first // 300, 4 * first // 100)]

    assert verdicts == ["not enough data", "kept"]


def test_labels_to_decide_are_about_those_that_it_then_takes():
    whole = stream((100, 0.09), (60, 0.15), seed=2)
    noticed = (watch(whole, PROMISE).noticed - FIRST).days
    early = watch(whole[: noticed - 5], PROMISE)

    assert early.verdict == "kept"
    assert 100 <= early.labels_to_decide <= 2_500


def test_labels_to_decide_are_none_where_recent_days_are_not_above_the_promise():
    assert watch(stream((100, 0.06)), PROMISE).labels_to_decide is None


def test_order_of_days_and_their_parts_make_no_difference():
    whole = stream((100, 0.09), (40, 0.16))
    halves = [
        Day(day=d.day, n=n, loss=k) for d in whole for n, k in ((60, min(d.loss, 60)), (40, d.loss - min(d.loss, 60)))
    ]
    random.Random(1).shuffle(halves)
    empty = [Day(day=FIRST - timedelta(9), n=0, loss=0.0), Day(day=FIRST, n=0, loss=float("nan"))]

    assert watch([*halves, *empty], PROMISE) == watch(whole, PROMISE)


def test_no_labels_are_not_enough_data():
    found = watch([], PROMISE)

    assert (found.verdict, found.n_labels, found.e_value) == ("not enough data", 0, None)


@pytest.mark.parametrize(
    "odd",
    [
        Day(day=FIRST, n=10, loss=float("nan")),
        Day(day=FIRST, n=10, loss=float("inf")),
        Day(day=FIRST, n=10, loss=10.5),
        Day(day=FIRST, n=10, loss=-0.5),
        Day(day=FIRST, n=-1, loss=0.0),
    ],
)
def test_day_that_cannot_be_judged_makes_the_verdict_unknown(odd):
    found = watch([*stream((100, 0.05)), odd], PROMISE)

    assert found.verdict == "unknown"
    assert FIRST.isoformat() in found.evidence


@pytest.mark.parametrize("at_most", [1.0, float("nan"), -0.1])
def test_where_nothing_was_promised_nothing_is_kept(at_most):
    nothing = Promise(loss="error", at_gate=None, at_most=at_most, tolerance=0.0, evidence="the gate has no rows")

    found = watch(stream((100, 0.05)), nothing)

    assert (found.verdict, found.evidence) == ("unknown", "nothing was promised: the gate has no rows")
    assert (found.n_labels, found.n_days) == (10_000, 100)  # which a model may learn from


def test_promise_that_no_harm_can_break_is_never_called_kept():
    loose = PROMISE.model_copy(update={"at_most": 0.99})

    found = watch(stream((40, 0.5)), loose)

    assert found.verdict == "not enough data"


def test_promise_of_no_loss_at_all_is_broken_by_losses():
    perfect = PROMISE.model_copy(update={"at_most": 0.0, "days": ()})

    assert watch(stream((60, 0.0)), perfect).verdict != "broken"
    assert watch(stream((60, 0.05)), perfect).verdict == "broken"


def test_one_day_of_a_hundred_thousand_labels_does_not_decide_alone():
    storm = Day(day=FIRST + timedelta(100), n=100_000, loss=30_000)

    assert watch([*stream((100, 0.1)), storm], PROMISE).verdict == "kept"
    assert watch(stream((100, 0.1), (12, 0.3)), PROMISE).verdict == "broken"


def test_healthy_storm_does_not_hide_a_harm_after_it():
    storm = Day(day=FIRST + timedelta(100), n=100_000, loss=10_000)
    whole = stream((101, 0.09), (30, 0.18))

    assert watch([*whole[:100], storm, *whole[101:]], PROMISE).verdict == "broken"


def test_days_of_one_label_add_up():
    healthy, harmed = stream((600, 0.08), n=1), stream((600, 0.08), (600, 0.25), n=1)

    assert watch(healthy, PROMISE).verdict != "broken"
    assert watch(harmed, PROMISE).verdict == "broken"


def test_path_is_short_and_ends_with_the_last_day():
    whole = stream((1_000, 0.09), (60, 0.16), n=50)

    found = watch(whole, PROMISE)

    assert len(found.path) <= 102
    assert found.path[-1].day == whole[-1].day
    assert [point.day for point in found.path] == sorted({point.day for point in found.path})
    assert max(point.log10 for point in found.path) > np.log10(20)


def test_verdict_survives_json():
    found = watch(stream((100, 0.09), (40, 0.3), n=1_000), PROMISE)

    assert type(found).model_validate_json(found.model_dump_json()) == found
