"""What a model is made of, but the rows: enough to fit it again on others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sklearn.pipeline import Pipeline

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

    @property
    def inputs(self) -> domain.Inputs:
        """The columns that the model looks at."""
        if self.family == "prior":
            return domain.Inputs(categorical=(), numeric=())
        return domain.inputs(self.contract, self.features)

    def fit(self, train: pd.DataFrame) -> Pipeline:
        """Return a pipeline fitted on `train`."""
        pipeline = families.build(
            self.family,
            self.params,
            task=self.contract.task,
            inputs=self.inputs,
            features=self.features,
            seed=self.seed,
            shrinkage=self.shrinkage,
        )
        families.fit(pipeline, train[self.inputs.names], domain.fit_target(train, self.contract))
        return pipeline

    def fit_predict(self, train: pd.DataFrame, test: pd.DataFrame, classes: tuple[str, ...]) -> Estimates:
        """Return estimates of `test` by a model fitted on `train`; a class that `train` lacks gets no probability."""
        return estimate(self.fit(train), test[self.inputs.names], task=self.contract.task, classes=classes)
