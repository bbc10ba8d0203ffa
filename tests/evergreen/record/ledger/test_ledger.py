"""The ledger of a project's settings: what is seen of it is kept in that home."""

import pytest

from evergreen.base.errors import IntegrityError
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger


def test_ledger_of_the_settings_notices_that_it_was_cut(tmp_path):
    settings = Settings(home=tmp_path)
    Ledger.open(settings).record("m", "decision", "1", {})
    (tmp_path / "ledger.db").unlink()
    with pytest.raises(IntegrityError, match="entry 1"):
        Ledger.open(settings).champion("m")


def test_ledgers_of_two_addresses_are_told_apart(tmp_path):
    settings = Settings(home=tmp_path)
    Ledger.open(settings).record("m", "decision", "1", {})
    other = settings.model_copy(update={"ledger_url": f"sqlite:///{tmp_path / 'other.db'}"})
    assert Ledger.open(other).champion("m") is None
