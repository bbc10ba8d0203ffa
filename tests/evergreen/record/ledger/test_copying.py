"""A copy holds the same chain and champions, goes on by itself, and leaves the ledger as it is."""

import pytest

from evergreen.base.errors import IntegrityError
from evergreen.record.ledger.copying import copy_to
from evergreen.record.ledger.ledger import Ledger


@pytest.fixture
def ledgers(tmp_path):
    return [Ledger(f"sqlite:///{tmp_path / name}.db") for name in ("ledger", "copy")]


def test_copy_holds_every_entry_letter_by_letter_and_goes_on_by_itself(ledgers):
    ledger, copy = ledgers
    for model in ("one", "two"):
        ledger.record(model, "look", "a", {"x": model})
    copy_to(ledger, copy)
    for model in ("one", "two"):
        assert copy.lines(model) == ledger.lines(model)
    before = ledger.lines("one")

    copy.record("one", "look", "b", {"x": 2})
    assert copy.verify() == 3
    assert ledger.lines("one") == before
    assert ledger.find("one", "look", "b") is None


def test_copy_of_an_empty_ledger_is_empty_and_one_that_is_not_whole_is_not_copied(ledgers):
    ledger, copy = ledgers
    copy_to(ledger, copy)
    assert copy.verify() == 0
    ledger.record("one", "look", "a", {"x": 1})
    with ledger.begin() as connection:
        connection.exec_driver_sql("""UPDATE entries SET payload = '{"x": 2}'""")
    with pytest.raises(IntegrityError):
        copy_to(ledger, copy)
