"""The section `evaluate`."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from evergreen.config.section import Section, Share

ClassName = Annotated[str, BeforeValidator(lambda name: str(name).lower() if isinstance(name, bool) else name)]


class ThresholdRule(Section):
    """What a threshold has to reach: exactly one of `precision` and `recall`."""

    precision: Annotated[float, Field(gt=0, le=1)] | None = None
    """of the rows answered with true, the share that is, at least; the threshold with the best recall is taken"""
    recall: Annotated[float, Field(gt=0, le=1)] | None = None
    """of the true rows, the share answered with true, at least; the threshold with the best precision is taken"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.precision is None) == (self.recall is None):
            raise ValueError("give exactly one of precision and recall")
        return self


def _kind(threshold: Any) -> str:
    return "rule" if isinstance(threshold, dict | ThresholdRule) else "number"


Threshold = Annotated[Annotated[Share, Tag("number")] | Annotated[ThresholdRule, Tag("rule")], Discriminator(_kind)]


class EvaluateParams(Section):
    """How the gate's rows are looked at. Nothing here decides; the gate does."""

    threshold: Threshold | None = None
    """a probability at or above it has the label true; binary targets only. A number, or a rule that
    [chooses it](../how-to/evaluation.md#the-threshold) on tuning's validation rows, such as `{precision: 0.6}`;
    default: the one with the least mean cost there, or without `costs` the best balanced accuracy"""
    costs: dict[ClassName, dict[ClassName, float]] = {}
    """what an answer costs, by the actual class and then the answered one, as text; adds the metric
    [`cost`](../how-to/evaluation.md#the-metrics); default none"""
    slices: tuple[str, ...] = ()
    """columns whose values are measured one by one; default none. The worst of all columns are found without it"""
    min_slice_rows: Annotated[int, Field(ge=10)] = 100
    """smaller slices are left out; default 100"""
    resamples: Annotated[int, Field(ge=100)] = 1_000
    """bootstrap draws behind each interval; default 1000"""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """of the intervals in the report and the analysis; default 0.95"""
    repeats: Annotated[int, Field(ge=1)] = 3
    """shuffles of a column for its permutation importance; default 3"""
    max_rows: Annotated[int, Field(ge=100)] = 5_000
    """test rows for the permutation importance, at most; default 5000"""
    curve_points: Annotated[int, Field(ge=0)] = 4
    """sizes of the learning curve and ages of the staleness curve; 0 draws neither; default 4"""
    analysis: Literal["promoted", "always", "never"] = "promoted"
    """which candidates get an [analysis](../how-to/evaluation.md#what-is-in-the-analysis): `promoted`, `always` or
    `never`; default `promoted`. No decision waits for it"""

    def wants_analysis(self, *, promoted: bool) -> bool:
        """Return whether a candidate is analysed, by what the gate said of it."""
        return self.analysis == "always" or (self.analysis == "promoted" and promoted)
