"""What is said of a window's rows beside the reference's: values that travel."""

from typing import Literal

from pydantic import Field

from evergreen.base.values import Value
from evergreen.decisions.drift.distances import Band

ColumnVerdict = Literal["steady", "shifted", "not enough data", "unknown"]
ShiftVerdict = Literal["steady", "shifted", "not enough data", "unknown", "no traffic"]
Season = Literal["none seen", "followed", "cannot be told apart"]


class ColumnShift(Value):
    """What one column says.

    `score`: the one that moved most surely: ``location`` or ``spread`` of numbers, a level of a category, ``missing``.
    `statistic`: how far it moved, in standard deviations of a row. `p`: of the column, in [0, 1]; `corrected_p`: Holm
    over the judged columns. `psi`: nats, with the `band` of common practice; it decides nothing. `distances`: by name.
    `missing_*`: shares of rows. `effect`: `importance` times the share of rows that lie elsewhere now. `season`:
    whether the reference's year is followed, or is too short to tell a season from a shift. Figures are None where
    there are none; `evidence` says why.
    """

    name: str
    verdict: ColumnVerdict
    evidence: str
    score: str | None = None
    statistic: float | None = None
    p: float | None = None
    corrected_p: float | None = None
    psi: float | None = None
    band: Band | None = None
    distances: dict[str, float] = Field(default_factory=dict)
    missing_reference: float | None = None
    missing_window: float | None = None
    importance: float | None = None
    effect: float | None = None
    season: Season | None = None


class Shift(Value):
    """Whether a window's rows look like the reference's: a note, not an alarm.

    `persistent`: a column is shifted now that also was at one of the two looks before. `blocks_*`: days with rows.
    `alpha`: the limit that a corrected p was held against.
    `columns`: features; shifted ones first, then those that could not be judged, each in order of their effect on the
    model. `predictions`: what the model said, judged apart and of no weight in `verdict`.
    """

    verdict: ShiftVerdict
    evidence: str
    persistent: bool
    n_reference: int
    n_window: int
    blocks_reference: int
    blocks_window: int
    alpha: float | None = None
    columns: tuple[ColumnShift, ...] = ()
    predictions: tuple[ColumnShift, ...] = ()

    def named(self, verdict: ColumnVerdict) -> tuple[str, ...]:
        """Return the names of the features with one verdict."""
        return tuple(column.name for column in self.columns if column.verdict == verdict)
