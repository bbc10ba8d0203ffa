"""XGBoost's classifier for classes of any name, with class weights as the other families have them."""

from typing import Any, Self

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight
from xgboost import XGBClassifier


class NamedXGBClassifier(XGBClassifier):
    """XGBClassifier wants the classes to be 0 to n - 1; this one numbers them in sorted order itself."""

    def __init__(self, *, class_weight: Any = None, **params: Any) -> None:
        self.class_weight = class_weight
        super().__init__(**params)

    def get_xgb_params(self) -> dict[str, Any]:
        return {name: value for name, value in super().get_xgb_params().items() if name != "class_weight"}

    def fit(self, X: Any, y: Any, *, eval_set: Any = None, **options: Any) -> Self:  # noqa: N803  its names
        self.labels_ = None
        labels, codes = np.unique(y, return_inverse=True)
        if self.class_weight is not None:
            options["sample_weight"] = compute_sample_weight(self.class_weight, y)
        evaluated = [(x_val, np.searchsorted(labels, y_val)) for x_val, y_val in eval_set or ()] or None
        super().fit(X, codes, eval_set=evaluated, **options)
        self.labels_ = labels
        return self

    def predict(self, X: Any, **options: Any) -> Any:  # noqa: N803
        return self.classes_[super().predict(X, **options)]

    @property
    def classes_(self) -> Any:
        """The classes in the order of the probabilities' columns."""
        return super().classes_ if self.labels_ is None else self.labels_
