"""The section `gate`."""

from typing import Annotated

from pydantic import Field

from evergreen.config.objectives import GateMetric
from evergreen.config.section import Section


class GateParams(Section):
    """What a candidate must show on rows that tuning never saw, in units of the metric, of which more is better.

    `metric`: roc_auc for a binary target, balanced_accuracy for a multiclass one, r2 for regression. `floor`: the
    least value. `baseline_gain`: more than this above the baseline. `champion_margin`: the interval of (candidate -
    champion), at `confidence`, must lie above minus this margin.
    """

    metric: GateMetric
    floor: float
    baseline_gain: float
    champion_margin: Annotated[float, Field(ge=0)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
