"""The section `evaluate`."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from evergreen.config.section import Section, Share

ClassName = Annotated[str, BeforeValidator(lambda name: str(name).lower() if isinstance(name, bool) else name)]


class EvaluateParams(Section):
    """How the gate's rows are looked at. Nothing here decides; the gate does.

    `threshold`: of a binary target, a probability at or above it is answered with true. `costs`: what an answer costs,
    by the actual class and then the answered one, in a unit of your own; classes are written as text ("true",
    "false"); what is not named costs 0. `slices`: columns whose values are looked at one by one. `min_slice_rows`:
    smaller slices are left out. `resamples`: bootstrap draws behind each interval, at `confidence`. `repeats`:
    shuffles of a column for its permutation importance, on at most `max_rows` rows. `curve_points`: sizes of the
    learning curve and ages of the staleness curve; 0 draws neither. `analysis`: which candidates are looked at beyond
    the gate's numbers: those that it promoted, all, or none.
    """

    threshold: Share = 0.5
    costs: dict[ClassName, dict[ClassName, float]] = {}
    slices: tuple[str, ...] = ()
    min_slice_rows: Annotated[int, Field(ge=10)] = 100
    resamples: Annotated[int, Field(ge=100)] = 1_000
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    repeats: Annotated[int, Field(ge=1)] = 3
    max_rows: Annotated[int, Field(ge=100)] = 5_000
    curve_points: Annotated[int, Field(ge=0)] = 4
    analysis: Literal["promoted", "always", "never"] = "promoted"

    def wants_analysis(self, *, promoted: bool) -> bool:
        """Return whether a candidate is analysed, by what the gate said of it."""
        return self.analysis == "always" or (self.analysis == "promoted" and promoted)
