"""What do people say of a model? `configs/<dataset>/card.yaml`, typed: its purpose, its limits, who answers for it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StringConstraints

from evergreen.base import documents
from evergreen.config.section import Section

Told = Literal["owner", "licence", "intended_use", "out_of_scope", "users", "limitations", "ethics"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], BeforeValidator(_one_or_more)]


class CardText(Section):
    """What only people can say of a model, for its card. No step reads it: a change trains nothing again.

    Each key but `owner` and `licence` is one text or a list of them.
    """

    owner: Text | None = None
    """who answers for the model, and how to reach them"""
    licence: Text | None = None
    """of the model, as an SPDX identifier such as `Apache-2.0`, or in words"""
    intended_use: Texts = ()
    """what it is for: the question, and the decision that rests on the answer"""
    out_of_scope: Texts = ()
    """what it must not be used for"""
    users: Texts = ()
    """who uses its answers, and who is affected by them"""
    limitations: Texts = ()
    """where it is known to fail, or was never tried"""
    ethics: Texts = ()
    """whom it could harm, and what is done about it"""

    @classmethod
    def load(cls, path: Path) -> "CardText":
        """Read what is said; nothing where there is no file. Raises ConfigError with the line of the fault."""
        if not path.exists():
            return cls()
        data, lines = documents.read(path)
        return documents.check(cls, data, source=str(path), lines=lines)

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that say nothing, in their order."""
        return tuple(name for name in type(self).model_fields if not getattr(self, name))
