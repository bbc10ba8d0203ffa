"""How well one column alone tells the target is measured as others do it."""

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets, metrics

from evergreen.config.contract.columns import Column
from evergreen.data.telling import score_of


def test_number_is_scored_as_scikit_learn_does():
    data, target = datasets.load_breast_cancer(return_X_y=True, as_frame=True)
    column = Column(name="x", type="number", role="feature")
    for name in list(data)[:5]:
        expected = metrics.roc_auc_score(target, data[name])
        assert score_of(data[name], target.to_numpy(), column, task="binary") == pytest.approx(
            max(expected, 1 - expected)
        )


def test_column_of_many_categories_is_judged_out_of_fold():
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 3_000)
    ids = pd.Series([f"c{n}" for n in rng.integers(0, 1_500, 3_000)])
    assert score_of(ids, target, Column(name="c", type="category", role="feature"), task="binary") < 0.6
