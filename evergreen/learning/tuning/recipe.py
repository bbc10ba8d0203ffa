"""What a model is made of, but the rows: enough to fit it again on others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evergreen.config.contract.columns import Task
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features as domain
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.tuning import families

LINEAR: Mapping[Task, str] = {"binary": "logistic", "multiclass": "logistic", "regression": "linear"}


@dataclass(frozen=True)
class Recipe:
    """What a model is made of, but the rows."""

    contract: Contract
    features: FeatureParams
    family: str
    params: Mapping[str, Any]
    seed: int
    shrinkage: int = 1

    def of(self, family: str) -> "Recipe":
        """Return the recipe of another family at its defaults."""
        return Recipe(self.contract, self.features, family, {}, self.seed)

    def fit_predict(self, train: pd.DataFrame, test: pd.DataFrame, classes: tuple[str, ...]) -> Estimates:
        """Return estimates of `test` by a model fitted on `train`; a class that `train` lacks gets no probability."""
        inputs, task = domain.inputs(self.contract, self.features), self.contract.task
        if self.family == "prior":  # which looks at no column
            inputs = domain.Inputs(categorical=(), numeric=())
        pipeline = families.build(
            self.family,
            self.params,
            task=task,
            inputs=inputs,
            features=self.features,
            seed=self.seed,
            shrinkage=self.shrinkage,
        )
        families.fit(pipeline, train[inputs.names], domain.fit_target(train, self.contract))
        return estimate(pipeline, test[inputs.names], task=task, classes=classes)
