"""Rows whose probabilities and losses are known exactly, with covariates that move and concepts that change."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from evergreen.decisions.drift.estimated.rows import Rows
from evergreen.learning.evaluation.clusters import Clusters

Array = npt.NDArray[np.float64]


class World(NamedTuple):
    """Rows of days: what a model says, the chance that each is true, what came, and the features.

    The model knows two of the five features, is too sure of itself, and has no interactions; so what its probabilities
    mean depends on where the rows lie.
    """

    said: Array
    chances: Array
    labels: npt.NDArray[np.bool_]
    days: npt.NDArray[np.int64]
    features: pd.DataFrame

    def rows(self, *, labels: bool = False, features: bool = True) -> Rows:
        return Rows(
            said=self.said,
            clusters=Clusters("day", self.days, in_time=True),
            labels=self.labels if labels else None,
            features=self.features if features else None,
        )

    @property
    def brier(self) -> float:
        """What labels would show on endlessly many such labels."""
        return float(np.mean(self.said**2 - 2 * self.said * self.chances + self.chances))

    @property
    def realised(self) -> float:
        """What the labels that came do show."""
        return float(np.mean((self.said - self.labels) ** 2))


def world(
    generator: np.random.Generator,
    *,
    n_days: int = 30,
    per_day: int = 60,
    shift: float = 0.0,
    spread: float = 1.0,
    shared: float = 0.0,
    concept: float = 0.0,
) -> World:
    """Return rows of days.

    `shift`: of two features, in standard deviations; `spread`: of all; `shared`: the part of a feature's variance that
    the rows of a day have in common; `concept`: added to the coefficient, 0.8, of the second feature, in log odds.
    """
    days = np.repeat(np.arange(n_days), per_day)
    common = generator.normal(size=(n_days, 5))[days]
    x = spread * (np.sqrt(shared) * common + np.sqrt(1 - shared) * generator.normal(size=(len(days), 5)))
    x[:, [0, 2]] += shift
    chances = special.expit(-1 + 1.2 * x[:, 0] + (0.8 + concept) * x[:, 1] - 0.56 * x[:, 0] * x[:, 2] + 0.5 * x[:, 2])
    said = special.expit(-0.8 + 1.5 * x[:, 0] + 0.9 * x[:, 1])
    labels = generator.random(len(days)) < chances
    return World(said, chances, labels, days, pd.DataFrame(x, columns=[f"x{i}" for i in range(5)]))
