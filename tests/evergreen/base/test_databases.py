"""What a training asks for before it reads a row."""

import pytest

from evergreen.base import databases
from evergreen.base.errors import ConfigError, Unavailable


@pytest.mark.parametrize("url", ["nonsense", "postgresql+nodriver://h/s"])
def test_address_of_the_studies_that_cannot_be_used_is_the_users_fault(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        databases.require_studies(url)
    assert (caught.value.code, caught.value.where) == ("CFG012", "study_url")


def test_database_of_the_studies_that_does_not_answer_can_be_tried_again_and_hides_its_password() -> None:
    with pytest.raises(Unavailable) as caught:
        databases.require_studies("postgresql+psycopg://nobody:secret@127.0.0.1:1/studies")
    assert caught.value.code == "DEP001"
    assert "secret" not in caught.value.block()
    assert "127.0.0.1" in caught.value.where


def test_database_of_the_studies_that_answers_is_fine(tmp_path) -> None:
    databases.require_studies(f"sqlite:///{tmp_path}/studies.db")
    assert (tmp_path / "studies.db").exists()  # it was asked
    with pytest.raises(Unavailable):
        databases.require_studies(f"sqlite:///{tmp_path}/nowhere/studies.db")
