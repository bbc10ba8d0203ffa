"""What a model says of rows, for every task: probabilities of true, of each class, or values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evergreen.config.contract.columns import Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

# The field of an answer that the gate's metric compares with the label.
COMPARED: Mapping[Task, str] = {"binary": "probability", "multiclass": "label", "regression": "value"}


@dataclass(frozen=True)
class Estimates:
    """The estimates of n rows, in their order.

    `values`: binary, shape (n,), the probability of true; multiclass, shape (n, k), that of each of the k `classes`,
    in their order; regression, shape (n,), in the target's unit. `classes` is empty unless the task is multiclass.
    """

    task: Task
    values: "Array"
    classes: tuple[str, ...] = ()

    @property
    def compared(self) -> "Array":
        """What the gate's metric compares, shape (n,): the probability of true, the likeliest class, or the value."""
        if self.task != "multiclass":
            return self.values
        import numpy as np

        chosen: Array = np.array(self.classes, dtype=object)[self.values.argmax(axis=1)]
        return chosen

    def answers(self, threshold: float) -> "dict[str, Array]":
        """Return what a caller is told, by field, each of shape (n,).

        Binary: `probability` and `label`, true at or above `threshold`. Multiclass: the likeliest `label` and its
        `probability`. Regression: `value`.
        """
        if self.task == "regression":
            return {"value": self.values}
        if self.task == "binary":
            return {"probability": self.values, "label": self.values >= threshold}
        return {"probability": self.values.max(axis=1), "label": self.compared}

    def columns(self, name: str) -> "dict[str, Array]":
        """Return the estimates as columns of a table, from which `read` makes them again."""
        if self.task != "multiclass":
            return {name: self.values}
        return {f"{name}_{label}": self.values[:, position] for position, label in enumerate(self.classes)}

    @classmethod
    def read(cls, table: "pd.DataFrame", name: str, task: Task, classes: tuple[str, ...]) -> "Estimates":
        """Return the estimates that a table keeps under a name."""
        if task != "multiclass":
            return cls(task, table[name].to_numpy())
        return cls(task, table[[f"{name}_{label}" for label in classes]].to_numpy(), classes)


def nothing(task: Task, classes: tuple[str, ...] = ()) -> Estimates:
    """Return the estimates of no row."""
    import numpy as np

    return Estimates(task, np.empty((0, *([len(classes)] if classes else []))), classes)


def estimate(pipeline: Any, inputs: Any, *, task: Task, classes: tuple[str, ...] = ()) -> Estimates:
    """Return what a fitted pipeline says of rows of its inputs, at least one.

    Parameters
    ----------
    classes : of a multiclass target, in order; one that the pipeline was not fitted on gets no probability.
    """
    import numpy as np

    if task == "regression":
        return Estimates(task, pipeline.predict(inputs))
    probabilities = pipeline.predict_proba(inputs)
    if task == "binary":
        return Estimates(task, probabilities[:, 1])
    known = tuple(map(str, pipeline.classes_))
    if known != classes:
        aligned = np.zeros((len(probabilities), len(classes)))
        aligned[:, [classes.index(name) for name in known]] = probabilities
        probabilities = aligned
    return Estimates(task, probabilities, classes)
