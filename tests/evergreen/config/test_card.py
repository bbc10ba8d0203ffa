"""What people say of a model: one text or several, and every fault of the file with its line."""

from pathlib import Path
from typing import get_args

import pytest

from evergreen.base.errors import ConfigError
from evergreen.config.card import CardText, Told

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def load(tmp_path):
    """Return a function that reads a file of this text."""

    def load(text: str) -> CardText:
        path = tmp_path / "card.yaml"
        path.write_text(text)
        return CardText.load(path)

    return load


def test_file_that_is_not_there_says_nothing(tmp_path):
    assert CardText.load(tmp_path / "card.yaml") == CardText()
    assert CardText().missing == get_args(Told) == tuple(CardText.model_fields)


def test_one_text_stands_for_a_list_of_one(load):
    said = load("owner: ' the parcel team '\nlimitations: not at Christmas\nethics: [a, b]\n")
    assert (said.owner, said.limitations, said.ethics) == ("the parcel team", ("not at Christmas",), ("a", "b"))
    assert said.missing == ("licence", "intended_use", "out_of_scope", "users")


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("owner: me\nintended_uses: all\n", 2, "intended_use"),
        ("owner: me\nethics: ['fine', ' ']\n", 2, "Correct the value"),
        ("owner: [me]\n", 1, "Correct the value"),
        ("users: 7\n", 1, "Correct the value"),
    ],
)
def test_fault_is_named_with_its_line(load, text, line, hint):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert caught.value.where.endswith(f"card.yaml:{line}")
    assert hint in caught.value.next_step


def test_shipped_project_says_everything_that_can_be_said():
    assert CardText.load(PROJECT / "configs" / "flights" / "card.yaml").missing == ()
