"""Who decided last is known at the start of a service, from its file or else from the ledger, and never made up."""

import pytest

from evergreen.base.files import write_bytes
from evergreen.config.settings import Settings
from evergreen.decisions.automation.degrees import Automation
from evergreen.record import degree
from evergreen.record.ledger.ledger import Ledger
from serving import last_degree

PARTIAL = Automation(degree="partial", error=0.02, confidence=0.95, audit=0.05, sure_from={"a" * 64: 0.9})


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, follow_champion=True)


def test_what_was_kept_is_read_as_it_was_written(tmp_path):
    assert last_degree.read(tmp_path, "parcels") is None

    last_degree.write(tmp_path, "parcels", PARTIAL)
    assert last_degree.read(tmp_path, "parcels").automation == PARTIAL

    last_degree.write(tmp_path, "parcels", None)
    assert last_degree.read(tmp_path, "parcels").automation is None
    assert last_degree.read(tmp_path, "flights") is None


@pytest.mark.parametrize("content", ["", "{}", '{"kind": "last degree", "model": "parcels"}'])
def test_file_that_is_not_legible_says_nothing(tmp_path, caplog, content):
    write_bytes(last_degree.place(tmp_path, "parcels"), content.encode())

    assert last_degree.read(tmp_path, "parcels") is None
    assert str(last_degree.place(tmp_path, "parcels")) in caplog.text


def test_file_of_another_model_says_nothing(tmp_path):
    last_degree.write(tmp_path, "parcels", PARTIAL)
    last_degree.place(tmp_path, "parcels").rename(last_degree.place(tmp_path, "flights"))

    assert last_degree.read(tmp_path, "flights") is None


def test_home_that_cannot_be_written_keeps_nobody_from_answering(tmp_path, caplog):
    (tmp_path / "serving").write_text("a file")

    last_degree.write(tmp_path, "parcels", PARTIAL)

    assert "not kept for the next start" in caplog.text


def test_service_that_follows_asks_the_ledger_where_no_file_says_it_and_keeps_it(settings):
    ledger = Ledger.open(settings)
    degree.change(ledger, "parcels", PARTIAL, after=None, because={"by": "ada", "reason": "r"})

    assert last_degree.at_start(settings, "parcels") == PARTIAL
    ledger.close()
    (settings.home / "ledger.db").unlink(missing_ok=True)
    assert last_degree.at_start(settings, "parcels") == PARTIAL


def test_service_that_follows_nothing_has_no_degree(settings):
    last_degree.write(settings.home, "parcels", PARTIAL)

    assert last_degree.at_start(settings.model_copy(update={"follow_champion": False}), "parcels") is None


def test_where_nobody_says_it_the_model_answers_and_that_is_told(settings, caplog):
    assert last_degree.at_start(settings, "parcels") is None
    assert "it answers every row" in caplog.text
