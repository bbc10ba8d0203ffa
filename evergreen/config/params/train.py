"""The section `train`."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Section


class TrainParams(Section):
    """The final fit."""

    shrinkage: Annotated[int, Field(ge=1, le=10)] = 2
    """1 to 10: the final fit of a family that boosts has as many times the rounds that tuning kept, each at so small a
    part of its learning rate; default 2, and 1 fits it as it was tried"""
    refit: bool = False
    """whether a candidate that passed the gate is fitted once more, on the gate rows too, and that one ships; default
    `false`. Nobody has measured it, so its first window is watched more closely"""
    baseline: dict[Literal["logistic", "linear"], dict[str, float]] = {}
    """parameters of the simpler family where the search did not try it, by family, such as `{logistic: {C: 1.0}}`;
    default: scikit-learn's. One that the search tried has those of its best trial"""
