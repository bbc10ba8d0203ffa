"""The numbers of single classes and slices, and the threshold, by the names under which they are logged."""

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from evergreen.decisions.gate.scores import Compared

if TYPE_CHECKING:
    import pandas as pd

OF_CLASS = ("rows", "precision", "recall", "f1", "roc_auc")
ARTIFACT_COLUMNS = {"model": "candidate", "baseline": "baseline"}


def class_names(compared: Compared) -> tuple[str, ...]:
    """Return the classes in the order of their numbers; none of a target that is a number."""
    return ("false", "true") if compared.task == "binary" else compared.classes


def logged_class(number: int, what: str) -> str:
    """Return the name of a number of a class: names of data may hold what no tracker takes.

    Examples
    --------
    >>> logged_class(1, "recall"), logged_slice("slice 3", "rows")
    ('class.1.recall', 'slice.3.rows')
    """
    return f"class.{number}.{what}"


def logged_slice(column: str, what: str) -> str:
    """Return the name of a number of a slice, which `Compared.slices` names by `column`."""
    return f"{column.replace(' ', '.')}.{what}"


def measured_parts(
    table: "pd.DataFrame", compared: Compared, *, taken: str, metric: str, threshold: float
) -> dict[str, float]:
    """Return the numbers of every class and every slice of the gate rows, by their logged names.

    Of a class: its rows, precision, recall, F1 and the area under its curve against the rest. Of a slice: its rows,
    the gate's metric, and of truth values the shares that are true and that are answered with true; of truth values
    the threshold too. What the rows leave undefined is left out.

    Parameters
    ----------
    table : as `scores.write` makes it.
    taken : the artifact that is promoted.
    """
    from evergreen.decisions.gate.scores import LABEL, estimates
    from evergreen.learning.analysis.breakdown import per_class
    from evergreen.learning.evaluation import score
    from evergreen.learning.evaluation.estimates import Estimates

    said = estimates(table, ARTIFACT_COLUMNS[taken], compared)
    if said is None:
        return {}
    labels = table[LABEL].to_numpy()
    numbers: dict[str, float | None] = {"threshold": threshold if compared.task == "binary" else None}
    if compared.task != "regression":
        for number, one in enumerate(per_class(labels, said, threshold=threshold)):
            found = {"rows": one.support, "precision": one.precision, "recall": one.recall, "f1": one.f1}
            for what, value in (found | {"roc_auc": one.roc_auc}).items():
                numbers[logged_class(number, what)] = value
    for column in compared.slices:
        inside = table[column].to_numpy()
        values = Estimates(said.task, said.values[inside], said.classes)
        found_here: dict[str, float] = {"rows": float(inside.sum())}
        if inside.any():
            found_here[metric] = score(metric, labels[inside], values, threshold=threshold)
            if compared.task == "binary":
                found_here["share_true"] = float(labels[inside].mean())
                found_here["answered_true"] = float((values.values >= threshold).mean())
        for what, value in found_here.items():
            numbers[logged_slice(column, what)] = value
    return {name: float(value) for name, value in numbers.items() if value is not None and isfinite(value)}


def of_classes(metrics: Mapping[str, float], number: int) -> dict[str, str]:
    """Return the logged names of a class's numbers that there are, by what they say."""
    return {what: name for what in OF_CLASS if (name := logged_class(number, what)) in metrics}


def of_slice(metrics: Mapping[str, float], column: str, metric: str) -> dict[str, str]:
    """Return the logged names of a slice's numbers that there are, by what they say."""
    said = ("rows", metric, "share_true", "answered_true")
    return {what: name for what in said if (name := logged_slice(column, what)) in metrics}
