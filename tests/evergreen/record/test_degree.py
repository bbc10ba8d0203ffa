"""Who decides, in the ledger: the last change stands, nothing is recorded twice, and one of two at once is told."""

import pytest

from evergreen.base.errors import LostRace
from evergreen.decisions.automation.degrees import Automation
from evergreen.record import degree
from evergreen.record.ledger.ledger import Ledger

ASSIST = Automation(degree="assist", error=0.02, confidence=0.95, audit=0.05)
ADA = {"by": "ada", "reason": "two weeks of shadow"}


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield ledger
    ledger.close()


def test_the_last_change_stands_and_says_who_and_why(ledger):
    assert degree.standing(ledger, "parcels") is None
    first = degree.change(ledger, "parcels", ASSIST, after=None, because=ADA)
    partial = ASSIST.model_copy(update={"degree": "partial", "sure_from": {"a" * 64: 0.97}})
    degree.change(ledger, "parcels", partial, after=first, because={"by": "bob", "reason": "the bar was met"})

    assert degree.standing(ledger, "parcels") == partial
    last = degree.last_entry(ledger, "parcels")
    assert last is not None
    assert (last.key, last.payload["by"], last.payload["reason"]) == ("2", "bob", "the bar was met")
    assert degree.standing(ledger, "flights") is None


def test_what_stands_already_is_not_recorded_again(ledger):
    first = degree.change(ledger, "parcels", ASSIST, after=None, because=ADA)

    assert degree.change(ledger, "parcels", ASSIST, after=first, because={"by": "bob"}) == first
    assert len(ledger.entries("parcels")) == 1


def test_of_two_at_once_the_second_is_told_who_was_first(ledger):
    degree.change(ledger, "parcels", ASSIST, after=None, because=ADA)
    shadow = ASSIST.model_copy(update={"degree": "shadow"})

    with pytest.raises(LostRace, match="ada changed who decides"):
        degree.change(ledger, "parcels", shadow, after=None, because={"by": "bob", "reason": "careful"})

    assert degree.standing(ledger, "parcels") == ASSIST
