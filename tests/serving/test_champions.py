"""The ledger as a service reads it."""

import promoted
import pytest

from evergreen.base.errors import Unavailable
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from serving.champions import Champions


def test_champion_is_known_by_its_release_and_the_digest_of_its_package(tmp_path, project):
    settings = Settings(home=tmp_path)
    first, second = (promoted.package(tmp_path, version, project) for version in (1, 2))
    promoted.promote(settings, first)
    champions = Champions(settings)
    assert champions.epoch("parcels") == 1

    promoted.promote(settings, second)

    assert champions.epoch("parcels") == 2
    known = champions.known("parcels")
    assert (known.release.version, known.package) == (2, second.package)
    assert known.release == promoted.release_at(promoted.path_of(second, tmp_path) / "src")


def test_ledger_that_is_not_there_is_not_made(tmp_path):
    champions = Champions(Settings(home=tmp_path))

    with pytest.raises(Unavailable, match="not there"):
        champions.epoch("parcels")

    assert not list(tmp_path.iterdir())


def test_server_that_does_not_answer_is_a_ledger_that_does_not(tmp_path, closed_port):
    url = f"postgresql+psycopg://nobody@127.0.0.1:{closed_port}/ledger"

    with pytest.raises(Unavailable, match="does not answer"):
        Champions(Settings(home=tmp_path, ledger_url=url)).epoch("parcels")


def test_ledger_without_a_champion_knows_none(tmp_path):
    settings = Settings(home=tmp_path)
    Ledger.open(settings)

    with pytest.raises(Unavailable, match="no champion of 'parcels'"):
        Champions(settings).epoch("parcels")
    with pytest.raises(Unavailable, match="'parcels'"):
        Champions(settings).known("parcels")
