"""What the ledger keeps of an experiment, and that it is never without the traffic that it divides."""

import pytest
import remembered
from experimented import design

from evergreen.base.errors import ConfigError, LostRace
from evergreen.decisions.experiments.verdict import Decision
from evergreen.decisions.rollout.traffic import drawn
from evergreen.record import traffic
from evergreen.record.experiments import kept
from evergreen.record.ledger.ledger import Ledger

MODEL = remembered.MODEL
OPEN = Decision(answer="inconclusive", variant=None, why="few units", would_decide=("more",))
WON = Decision(answer="promote", variant="B", why="better")


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.promote(MODEL, 1, remembered.facts(1).model_dump(mode="json"), expected_epoch=0, kind="promotion")
    return ledger


def begin(ledger, name="checkout", epoch=1, **changed):
    return kept.begin(ledger, MODEL, design(name, **changed), epoch=epoch, by="Ada", reason="newer", slow_ms=50)


def test_experiment_divides_the_traffic_as_agreed_and_gives_it_back(ledger) -> None:
    begun = begin(ledger)
    rule = traffic.standing(ledger, MODEL)
    assert (rule.owner, rule.rule, rule.unit, rule.slow_ms, rule.epoch) == (
        "experiment-checkout",
        "experiment-checkout.1",
        ("customer",),
        50,
        1,
    )
    assert [(arm.name, arm.version, arm.share) for arm in rule.arms] == [("champion", 1, 0.5), ("B", 2, 0.5)]
    ended = kept.end(ledger, MODEL, begun, WON, by="Ada", reason="enough")
    assert traffic.standing(ledger, MODEL) is None
    assert (ended.ended.by, ended.ended.reason, ended.last) == ("Ada", "enough", WON)


def test_what_was_agreed_is_what_the_ledger_says_again(ledger) -> None:
    assert begin(ledger) == kept.require(ledger, MODEL, "checkout")
    assert kept.require(ledger, MODEL, None).by == "Ada"


def test_the_look_that_was_kept_last_says_how_it_stands(ledger) -> None:
    begun = begin(ledger)
    kept.keep_look(ledger, MODEL, begun, OPEN, key="1")
    kept.keep_look(ledger, MODEL, begun, WON, key="2")
    kept.keep_look(ledger, MODEL, begun, OPEN, key="1")
    found = kept.require(ledger, MODEL, "checkout")
    assert found.last == WON
    assert found.looked_at is not None


def test_each_experiment_draws_anew(ledger) -> None:
    shares = []
    for name in ("one", "two"):
        begun = begin(ledger, name)
        rule = traffic.standing(ledger, MODEL)
        shares.append([drawn(rule, str(key)).name for key in range(400)])
        kept.end(ledger, MODEL, begun, None, by="Ada", reason="done")
    agreeing = sum(a == b for a, b in zip(*shares, strict=True))
    assert 150 < agreeing < 250


def test_second_experiment_at_once_is_refused_by_the_name_of_the_first_and_leaves_no_trace(ledger) -> None:
    begin(ledger)
    with pytest.raises(LostRace, match="experiment-checkout divides the traffic") as caught:
        begin(ledger, "other")
    assert (caught.value.code, caught.value.exit_code) == ("RACE006", 6)
    assert [one.design.name for one in kept.experiments(ledger, MODEL)] == ["checkout"]


def test_name_is_used_once(ledger) -> None:
    kept.end(ledger, MODEL, begin(ledger), None, by="Ada", reason="done")
    with pytest.raises(ConfigError) as caught:
        begin(ledger)
    assert caught.value.code == "EXP003"


def test_champion_that_changed_meanwhile_lets_none_begin_and_any_end(ledger) -> None:
    begun = begin(ledger)
    ledger.promote(MODEL, 3, remembered.facts(3).model_dump(mode="json"), expected_epoch=1, kind="promotion")
    kept.end(ledger, MODEL, begun, None, by="Ada", reason="another champion")
    assert traffic.standing(ledger, MODEL) is None
    with pytest.raises(LostRace):
        begin(ledger, "late", epoch=1)


def test_one_that_there_is_not_is_refused_with_those_that_there_are(ledger) -> None:
    with pytest.raises(ConfigError, match="has no experiment") as caught:
        kept.require(ledger, MODEL, None)
    assert "evergreen experiment start" in caught.value.next_step
    begin(ledger)
    with pytest.raises(ConfigError, match="has no experiment 'chekout'") as caught:
        kept.require(ledger, MODEL, "chekout")
    assert "checkout" in caught.value.next_step


def test_as_it_stood_before_it_ended(ledger) -> None:
    begun = begin(ledger)
    kept.end(ledger, MODEL, begun, WON, by="Ada", reason="enough")
    (then,) = kept.experiments(ledger, MODEL, at=begun.begun)
    assert then.ended is None
