"""What is said of broken columns."""

from datetime import date
from typing import Literal

from pydantic import Field

from evergreen.base.values import Value

Kind = Literal[
    "absent", "unreadable", "missing", "infinite", "constant", "unit", "out of range", "unseen", "refused", "silent"
]  # fmt: skip
FaultsVerdict = Literal["none", "fault", "not enough data", "unknown", "no traffic"]


class Fault(Value):
    """One column that is broken; of the kind `refused` one reason for which rows were refused; `silent`: no rows came.

    `share`: of the window's rows that are concerned, or of its days, in [0, 1]. `since`: the first day that is broken,
    None where the kind has no days.
    """

    column: str
    kind: Kind
    evidence: str
    share: float
    since: date | None = None


class Faults(Value):
    """Whether something is broken, and what.

    `notes`: what is worth a line and no page. `unjudged`: columns that could not be judged, and why; with one of them
    the verdict is never "none".
    """

    verdict: FaultsVerdict
    evidence: str
    n_reference: int
    n_window: int
    columns: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    unjudged: dict[str, str] = Field(default_factory=dict)
