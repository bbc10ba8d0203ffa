"""What one model's answers and inputs count as: its labels, its probabilities or values, its features."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from evergreen.learning.model.release import Release
from serving.cells import Cells
from serving.families import MOST_VALUES, OTHER, PROBABILITIES
from serving.references import Reference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evergreen.learning.model.model import Model

Scalar = str | float | bool | None
FEW = 32  # rows that are counted one by one; above, column by column


class Histogram(NamedTuple):
    """Where a histogram is counted: a cell for each bucket, the one without a bound too, and one for the sum."""

    bounds: tuple[float, ...]
    buckets: tuple[int, ...]
    total: int


class Meter:
    """The cells of one release, looked up once.

    Labels of a model with more than 50 classes: the 50 most frequent of its reference, and "other".
    """

    def __init__(self, cells: Cells, release: Release, model: "Model", reference: Reference) -> None:
        self.release, self.reference, self._cells = release, reference, cells
        task, names = model.contract.task, [c.name for c in (*model.contract.request_columns, *model.given)]
        self.features = tuple(names)
        self.missing = tuple(cells.at("evergreen_missing_inputs_total", name) for name in names)
        self.unseen = tuple(
            (at, frozenset(reference.categories[name]), cells.at("evergreen_unseen_categories_total", name))
            for at, name in enumerate(names)
            if name in reference.categories
        )
        self._given, self._null = (cells.at("evergreen_outputs_total", state) for state in ("given", "null"))
        classes = {"binary": ("false", "true"), "multiclass": model.classes, "regression": ("",)}[task]
        kept = {*(reference.common or classes)[:MOST_VALUES]} if len(classes) > MOST_VALUES else {*classes}
        self._labels = tuple(
            cells.at("evergreen_predictions_total", name if name in kept else OTHER) for name in classes
        )
        by_task: dict[str, Callable[[Any], None]] = {"binary": self._one_truth, "multiclass": self._one_class}
        self._count_one = by_task.get(task, self._one_number)
        if task == "regression":
            self._histogram = histogram(cells, "evergreen_value", known_bounds(cells) or reference.values)
        else:
            self._histogram = histogram(cells, "evergreen_probability", PROBABILITIES)

    def count_estimates(self, estimates: "NDArray[np.float64]") -> None:
        """Count a batch's estimates: shape (n,), or (n, classes)."""
        if len(estimates) <= FEW:
            for estimate in estimates.tolist():
                self._count_one(estimate)
        else:
            self._count_many(estimates)

    def _one_truth(self, probability: float) -> None:
        self._one(int(probability >= self.release.threshold), probability)

    def _one_class(self, probabilities: list[float]) -> None:
        if math.isfinite(sum(probabilities)):
            highest = max(probabilities)
            self._one(probabilities.index(highest), highest)
        else:
            self._one(0, math.nan)

    def _one_number(self, value: float) -> None:
        self._one(0, value)

    def _one(self, label: int, estimate: float) -> None:
        values, (bounds, buckets, total) = self._cells.values, self._histogram
        if math.isfinite(estimate):
            values[self._given] += 1
            values[self._labels[label]] += 1
            values[buckets[bisect_left(bounds, estimate)]] += 1
            values[total] += estimate
        else:
            values[self._null] += 1

    def _count_many(self, estimates: "NDArray[np.float64]") -> None:
        import numpy as np

        values, (bounds, buckets, total) = self._cells.values, self._histogram
        known = estimates[np.isfinite(estimates.reshape(len(estimates), -1)).all(axis=1)]
        values[self._given] += len(known)
        values[self._null] += len(estimates) - len(known)
        if known.ndim == 2:
            labels, known = known.argmax(axis=1), known.max(axis=1)
        elif len(self._labels) == 2:
            labels = (known >= self.release.threshold).astype(int)
        else:
            labels = np.zeros(len(known), int)
        for cell, n in zip(self._labels, np.bincount(labels, minlength=len(self._labels)).tolist(), strict=True):
            values[cell] += n
        binned = np.bincount(np.searchsorted(bounds, known, side="left"), minlength=len(buckets))
        for cell, n in zip(buckets, binned.tolist(), strict=True):
            values[cell] += n
        values[total] += float(known.sum())

    def count_inputs(self, rows: Sequence[Sequence[Scalar]]) -> None:
        """Count what is missing in rows, values in the order of `features`, and categories that are unknown."""
        values, unseen = self._cells.values, self.unseen
        for row in rows:
            if None in row:
                for cell, value in zip(self.missing, row, strict=True):
                    if value is None:
                        values[cell] += 1
            for at, known, cell in unseen:
                if row[at] not in known and row[at] is not None:
                    values[cell] += 1


def histogram(cells: Cells, name: str, bounds: Sequence[float], *labels: str) -> Histogram:
    """Return where a histogram with upper `bounds`, and one without a bound above them, is counted."""
    buckets = [cells.at(f"{name}_bucket", *labels, format(bound, "g")) for bound in (*bounds, math.inf)]
    return Histogram(tuple(bounds), tuple(buckets), cells.at(f"{name}_sum", *labels))


def known_bounds(cells: Cells) -> tuple[float, ...]:
    """Return the bounds that values were cut at before, which a later model keeps: shifts between models then show."""
    found = sorted(float(series[1]) for series in cells.series() if series[0] == "evergreen_value_bucket")
    return tuple(bound for bound in found if math.isfinite(bound))
