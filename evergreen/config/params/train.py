"""The section `train`."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Section


class TrainParams(Section):
    """The final fit.

    `baseline`: parameters of the simpler family that the winner has to beat, where they are not the defaults.
    `shrinkage`: a family that boosts is fitted with as many times the rounds that tuning kept, each at so small a part
    of its learning rate; 1 fits it as it was tried.
    """

    shrinkage: Annotated[int, Field(ge=1, le=10)] = 2
    baseline: dict[Literal["logistic", "linear"], dict[str, float]] = {}
