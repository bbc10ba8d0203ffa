"""A contract's file whole: what the data is, and apart from it how decisions are made.

No step reaches this module, so nothing is made again because of what is said of decisions.
"""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from evergreen.base import documents
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.decision import DecisionPolicy


class Declared(Contract):
    """A contract's file: what the data is, and how decisions are made on what a model of it says.

    Steps and models are given the `contract` alone, so that no model is another one for how decisions are made.
    """

    decision: DecisionPolicy | None = None

    @model_validator(mode="after")
    def _decision_fits(self) -> Self:
        policy = self.decision
        if policy is None:
            return self
        if self.task == "regression" and policy.degree in ("partial", "auto"):
            raise ValueError(
                f"decision.degree is {policy.degree}, but nothing says of a number how sure it is: at most assist"
            )
        known = {column.name for column in self.stored if column.role not in ("time", "feature", "target", "leakage")}
        if policy.people is not None and policy.people not in known:
            raise ValueError(
                f"decision.people names '{policy.people}', which is no column that is sent along with a row and that "
                f"no model is given; known: {', '.join(sorted(known)) or 'none'}"
            )
        return self

    @classmethod
    def read(cls, path: Path) -> "Declared":
        """Read a contract's file; raises ConfigError with the line of the fault."""
        data, lines = documents.read(path)
        return documents.check(cls, data, source=str(path), lines=lines)

    @property
    def contract(self) -> Contract:
        return Contract(**{name: getattr(self, name) for name in Contract.model_fields})
