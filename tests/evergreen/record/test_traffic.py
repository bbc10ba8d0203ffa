"""One rule divides the traffic of a model at a time, and only its owner changes it."""

import pytest

from evergreen.base.errors import LostRace
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.ledger import Ledger


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    made = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.promote("visits", 1, {}, expected_epoch=0)
    return made


def rule(owner: str = "rollout-1", n: int = 1, kind="rollout") -> Traffic:
    arms = (Arm(name="challenger", version=2, share=0.1), Arm(name="champion", version=1, share=0.9))
    return Traffic(kind=kind, rule=f"{owner}.{n}", owner=owner, epoch=1, mode="split", arms=arms, salt=owner)


def change(ledger, made, owner="rollout-1", epoch=1):
    return traffic.change(ledger, "visits", made, owner=owner, expected_epoch=epoch, because={"by": owner})


def test_last_rule_stands_until_it_is_ended(ledger) -> None:
    assert traffic.standing(ledger, "visits") is None
    change(ledger, rule())
    change(ledger, rule(n=2))
    assert traffic.standing(ledger, "visits") == rule(n=2)
    change(ledger, None)
    assert traffic.standing(ledger, "visits") is None


@pytest.mark.parametrize(
    ("kind", "owner", "how"),
    [("rollout", "rollout-1", "rollout abort"), ("experiment", "experiment-x", "experiment stop")],
)
def test_another_owner_is_refused_with_the_name_of_the_first_and_how_to_end_it(ledger, kind, owner, how) -> None:
    change(ledger, rule(owner, kind=kind), owner)
    with pytest.raises(LostRace) as caught:
        change(ledger, rule("rollout-2"), "rollout-2")
    assert (caught.value.code, caught.value.exit_code) == ("RACE006", 6)
    assert owner in caught.value.what
    assert how in caught.value.next_step
    with pytest.raises(LostRace):
        traffic.require_free(ledger, "visits")
    traffic.require_free(ledger, "visits", owner=owner)


def test_rule_is_not_set_under_another_champion(ledger) -> None:
    ledger.promote("visits", 3, {}, expected_epoch=1)
    with pytest.raises(LostRace) as caught:
        change(ledger, rule())
    assert caught.value.code == "RACE001"
    assert traffic.standing(ledger, "visits") is None
