"""Where a rollout stands is a fold of what the ledger has of it; nothing else is kept."""

import pytest

from evergreen.base.errors import ConfigError, LostRace
from evergreen.config.params.rollout import RolloutParams
from evergreen.decisions.rollout.plan import parse
from evergreen.record import rollouts
from evergreen.record.ledger.ledger import Ledger

PLAN = parse("shadow,10,50,100")


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.promote("visits", 1, {}, expected_epoch=0)
    return made


def start(ledger, version=2, **more):
    given = {
        "version": version, "champion": 1, "epoch": 1, "plan": PLAN, "policy": RolloutParams(), "unit": ("visit",),
        "origin": "command", "by": "Ada", "reason": "newer",
    }  # fmt: skip
    return rollouts.start(ledger, "visits", **{**given, **more})


def move(ledger, rollout, did, **more):
    return rollouts.move(ledger, rollout, did, by="rollout-1", reason="every check passed", **more)


def test_rollout_stands_where_its_last_move_left_it(ledger) -> None:
    made = start(ledger)
    assert (made.step.name, made.owner, made.held, made.ended) == ("shadow", "rollout-1", None, None)
    made = move(ledger, made, "advanced", step=1, evidence={"rows": 700})
    made = move(ledger, made, "held")
    found = rollouts.under_way(ledger, "visits")
    assert found == made
    assert (found.step.name, found.held.reason) == ("10 %", "every check passed")
    assert found.moves[1].evidence == {"rows": 700}
    assert found.since == found.moves[1].at
    assert found.entered(0) == found.moves[0].at


def test_traffic_of_a_step_adds_up_and_names_its_rule(ledger) -> None:
    made = move(ledger, start(ledger), "advanced", step=1)
    now = made.traffic()
    assert [(arm.name, arm.version, arm.share) for arm in now.arms] == [("challenger", 2, 0.1), ("champion", 1, 0.9)]
    assert (now.rule, now.salt, now.unit, now.slow_ms) == ("rollout-1.2", "rollout-1", ("visit",), 100)
    assert made.traffic(3) is None


def test_ended_rollout_divides_nothing_and_makes_room_for_another(ledger) -> None:
    made = move(ledger, start(ledger), "returned")
    assert (made.ended.did, made.traffic()) == ("returned", None)
    assert rollouts.under_way(ledger, "visits") is None
    assert start(ledger, 3).owner == "rollout-2"


def test_two_that_begin_at_once_are_one_and_the_other_is_told(ledger) -> None:
    start(ledger)
    with pytest.raises(LostRace) as caught:
        start(ledger, 3)
    assert (caught.value.code, caught.value.exit_code) == ("RACE006", 6)
    assert "rollout-1 of version 2" in caught.value.what


def test_two_that_move_it_at_once_move_it_once(ledger) -> None:
    made = start(ledger)
    move(ledger, made, "advanced", step=1)
    move(ledger, made, "advanced", step=1)  # the same, by somebody who has not seen it
    with pytest.raises(LostRace) as caught:
        move(ledger, made, "aborted")
    assert caught.value.code == "RACE007"
    assert len(rollouts.under_way(ledger, "visits").moves) == 2


def test_champion_that_changed_is_named(ledger) -> None:
    made = start(ledger)
    assert rollouts.other_champion(ledger, made) is None
    ledger.promote("visits", 7, {}, expected_epoch=1)
    assert "version 7 is champion since" in rollouts.other_champion(ledger, made)
    with pytest.raises(LostRace):
        start(ledger, 3, epoch=1)


def test_without_a_rollout_a_move_says_how_to_start_one(ledger) -> None:
    with pytest.raises(ConfigError) as caught:
        rollouts.require_under_way(ledger, "visits")
    assert (caught.value.code, caught.value.exit_code) == ("STA020", 2)
