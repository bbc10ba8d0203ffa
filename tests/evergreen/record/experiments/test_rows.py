"""The rows of an experiment out of a log: whose they are, from when on they count, and what is left out."""

from datetime import timedelta

import numpy as np
import pytest
from experimented import BEGUN, COLUMNS, Shop, design, us

from evergreen.decisions.experiments.design import Goal
from evergreen.decisions.experiments.metrics import Answers
from evergreen.record.experiments.rows import NEVER, gather
from evergreen.record.predictions import rolling
from evergreen.record.predictions.records import Feedback, Logged

DAY = timedelta(days=1)


@pytest.fixture
def shop(tmp_path) -> Shop:
    return Shop(tmp_path / "predictions", design())


def gathered(shop: Shop, **changed):
    given = {"model": "shop", "task": "binary", "since": BEGUN, "as_of": shop.end, "delay": timedelta(0)}
    return gather(shop.folder, shop.design, **{**given, **changed})


def outcomes(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 2)) < [0.2, 0.3]


def record(name: str, **changed) -> Logged:
    given = {
        "received_us": us(BEGUN) + 5,
        "model": "shop",
        "version": 1,
        "model_digest": "ab" * 32,
        "features": (1.0,),
        "keys": (7,),
        "probability": 0.5,
        "label": True,
        "traffic_rule": "experiment-checkout.1",
    }
    return Logged(name, **{**given, **changed})


def test_each_row_is_of_the_variant_that_answered_and_of_its_customer(shop) -> None:
    bought = outcomes(600)
    shop.answer([number % 200 for number in range(600)], bought)
    rows = gathered(shop)
    assert len(rows) == 600
    assert len(set(rows.unit)) == 200
    assert (rows.mixed, rows.keyless, rows.fell_back) == (0, 0, {})
    assert rows.arms == ("champion", "B")
    assert rows.metrics["target"].tolist() == bought[np.arange(600), rows.arm].tolist()


def test_rolled_rows_and_those_of_segments_are_read_once_each(shop) -> None:
    shop.answer(list(range(300)), outcomes(300))
    shop.log.close()
    rolling.roll(shop.folder)
    again = Shop(shop.folder, shop.design)
    again.answer(list(range(300, 500)), outcomes(200))
    assert len(gathered(shop)) == 500


def test_rows_of_another_experiment_and_those_that_nobody_routed_are_not_its(shop) -> None:
    shop.log.append(
        COLUMNS,
        [
            record("a", traffic_rule="experiment-checkout-2.1", variant="B"),
            record("b", traffic_rule=None),
            record("c", variant="Z"),
            record("d"),
        ],
    )
    rows = gathered(shop)
    assert (len(rows), rows.arm.tolist()) == (1, [0])


def test_row_that_the_champion_answered_in_place_of_a_variant_stays_the_variants(shop) -> None:
    shop.log.append(COLUMNS, [record("a", traffic_rule="experiment-checkout.1!B:slow"), record("b", keys=(8,))])
    rows = gathered(shop)
    assert rows.arm.tolist() == [1, 0]
    assert rows.fell_back == {"B: slow": 1}


def test_customer_who_met_several_variants_is_left_out_and_counted(shop) -> None:
    shop.log.append(COLUMNS, [record("a"), record("b", variant="B"), record("c", keys=(8,))])
    rows = gathered(shop)
    assert (len(rows), rows.mixed) == (1, 1)


def test_row_without_the_units_column_is_a_unit_of_its_own_and_counted(shop) -> None:
    shop.log.append(
        COLUMNS, [record(name, keys=(None,), variant=v) for name, v in zip("abc", ("champion", "B", "B"), strict=True)]
    )
    rows = gathered(shop)
    assert (len(rows), len(set(rows.unit)), rows.keyless, rows.mixed) == (3, 3, 3, 0)


def test_prediction_that_was_logged_again_counts_once(shop) -> None:
    shop.log.append(COLUMNS, [record("a"), record("a", received_us=us(BEGUN) + 9), record("b")])
    assert len(gathered(shop)) == 2


def test_label_counts_once_it_is_due_and_known_and_not_before(shop) -> None:
    shop.log.append(COLUMNS, [record(name, keys=(number,)) for number, name in enumerate("abc")])
    soon, late = us(BEGUN + timedelta(minutes=1)), us(BEGUN + timedelta(minutes=50))
    shop.log.append_feedback(
        COLUMNS,
        [
            Feedback("1", received_us=soon, kind="label", prediction_id="a", label=True),
            Feedback("2", received_us=late, kind="label", prediction_id="b", label=False),
        ],
    )
    rows = gathered(shop, delay=timedelta(minutes=10))
    assert rows.known.tolist() == [us(BEGUN + timedelta(minutes=10)) + 5, late, NEVER]
    assert np.isnan(rows.metrics["target"]).tolist() == [False, False, True]
    assert gathered(shop, as_of=BEGUN + timedelta(minutes=30)).known.tolist()[1] == NEVER


def test_record_from_a_clock_that_is_ahead_waits_until_its_time_comes(shop) -> None:
    shop.log.append(COLUMNS, [record("a"), record("b", keys=(8,), received_us=us(BEGUN + DAY))])
    assert len(gathered(shop)) == 1
    assert len(gathered(shop, as_of=BEGUN + 2 * DAY)) == 2


def test_champion_is_asked_about_the_rows_of_others_alone_and_with_what_they_were_asked_with(shop) -> None:
    bought = outcomes(200)
    shop.answer(list(range(200)), bought, scores=np.linspace(0, 1, 200))
    seen = []

    def ask(rows) -> Answers:
        seen.extend(rows.column("spent").to_pylist())
        return Answers(np.full(rows.num_rows, True, dtype=object), np.full(rows.num_rows, 0.25))

    rows = gathered(shop, ask=ask)
    others = rows.arm == 1
    assert sorted(seen) == np.flatnonzero(others).tolist()
    assert set(rows.before["target"][others]) == {0.25}
    assert rows.before["target"][~others].tolist() == np.linspace(0, 1, 200)[~others].tolist()


def test_several_metrics_and_the_latency_of_each_row(tmp_path) -> None:
    goals = tuple(Goal(metric=m, better="lower", effect=1) for m in ("error", "brier", "latency"))
    shop = Shop(tmp_path, design(goals=goals))
    shop.answer([1, 2, 3], np.ones((3, 2)), scores=np.array([0.9, 0.4, 0.5]))
    rows = gathered(shop)
    assert rows.metrics["error"].tolist() == [0, 1, 0]
    assert rows.metrics["brier"] == pytest.approx([0.01, 0.36, 0.25])
    assert rows.metrics["latency"].tolist() == [1.0, 1.1, 1.2]


def test_log_without_a_row_of_it_has_none(shop) -> None:
    rows = gathered(shop)
    assert (len(rows), rows.mixed, dict(rows.metrics)) == (0, 0, {})
