"""The champion asked about logged rows: the same answer as the service's, for every task."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.learning.evaluation.estimates import Estimates
from evergreen.record.experiments.beforehand import champion_asked


class Stub:
    """A model whose estimates are given; `tests/serving/test_experimenting.py` asks a real one."""

    given = ()

    def __init__(self, estimates):
        self.estimates, self.contract = estimates, self
        self.request_columns = [type("Column", (), {"name": name}) for name in ("a", "b")]

    def estimate_batch(self, batch):
        self.asked = batch.schema.names
        return self.estimates


ROWS = pa.RecordBatch.from_pydict({"key": [1, 2], "b": [1.0, 2.0], "a": [3.0, 4.0]})


@pytest.mark.parametrize(
    ("estimates", "label", "estimate"),
    [
        (Estimates("binary", np.array([0.2, 0.7])), [False, True], [0.2, 0.7]),
        (Estimates("regression", np.array([3.5, 4.0])), [None, None], [3.5, 4.0]),
        (Estimates("multiclass", np.array([[0.9, 0.1], [0.4, 0.6]]), ("x", "y")), ["x", "y"], [0.9, 0.6]),
    ],
)
def test_answers_are_those_of_the_task_from_the_columns_of_a_request_alone(estimates, label, estimate) -> None:
    model = Stub(estimates)
    said = champion_asked(model, 0.5)(ROWS)
    assert model.asked == ["a", "b"]
    assert said.label.tolist() == label
    assert said.estimate.tolist() == estimate
