"""The fitted columns step as plain data: what each category and each number becomes, and where."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evergreen.learning.model.compiled.plan import Category, Number, Pairs

Array = np.ndarray[Any, Any]


class NotConvertibleError(Exception):
    """What a graph, or a plan, cannot hold."""


class Encoding(NamedTuple):
    """What a fitted ColumnTransformer makes of its columns, in `width` numbers; `of` is a column's place in `names`."""

    names: list[str]
    categories: tuple[Category, ...]
    numbers: tuple[Number, ...]
    width: int


def encoding_of(fitted: Any) -> Encoding:
    """Return the columns step of a fitted pipeline of ours.

    Raises
    ------
    NotConvertibleError if it is no pipeline of a columns step and an estimator, or a step is not plain data.
    """
    if [name for name, _ in getattr(fitted, "steps", ())] != ["columns", "estimator"]:
        raise NotConvertibleError("only pipelines of a columns step and an estimator are converted")
    if type(fitted["estimator"]).__name__.startswith("Dummy"):
        raise NotConvertibleError("the prior needs no graph")
    names = [name for _, _, columns in fitted["columns"].transformers_ for name in _listed(columns)]
    if not names:
        raise NotConvertibleError("there are no columns")
    places = {name: at for at, name in enumerate(names)}
    categories: list[Category] = []
    numbers: list[Number] = []
    at = 0
    for name, step, columns in fitted["columns"].transformers_:
        if name in ("onehot", "ordinal", "target"):
            for category in _categories(name, step, _listed(columns), places, at):
                categories.append(category)
                at += category.width
        elif name == "numeric":
            made = _numbers(step, [places[column] for column in _listed(columns)], at)
            at += len(made) + sum(number.flag is not None for number in made)
            numbers += made
        else:
            raise NotConvertibleError(f"step {name} of {', '.join(_listed(columns))} has no ONNX form")
    return Encoding(names, tuple(categories), tuple(numbers), at)


def _categories(kind: str, fitted: Any, columns: Sequence[str], places: dict[str, int], at: int) -> "list[Category]":
    """Return what the step makes of every category, asked of the step itself: nothing here knows how it counts."""
    encoder = fitted[0] if hasattr(fitted, "steps") else fitted
    first = {name: known[0] for name, known in zip(columns, encoder.categories_, strict=True)}
    made, begin = [], 0
    for position, (name, known) in enumerate(zip(columns, encoder.categories_, strict=True)):
        keys = [str(value) for value in known if not pd.isna(value)]
        asked = [*keys, None, max(keys, key=len, default="") + "_"]
        frame = pd.DataFrame({**{other: [value] * len(asked) for other, value in first.items()}, name: asked})
        answers = fitted.transform(frame.astype("str"))
        table = np.asarray(answers.toarray() if hasattr(answers, "toarray") else answers, dtype=np.float64)
        width = _width(kind, encoder, position)
        *numbers, missing, unseen = [_pairs(row) for row in table[:, begin : begin + width].tolist()]
        made.append(
            Category(
                of=places[name], at=at + begin, width=width,
                keys=tuple(keys), numbers=tuple(numbers), missing=missing, unseen=unseen,
            )
        )  # fmt: skip
        begin += width
    return made


def _pairs(row: Sequence[float]) -> Pairs:
    return tuple((offset, number) for offset, number in enumerate(row) if number)


def _width(kind: str, encoder: Any, position: int) -> int:
    """Return how many numbers an encoder makes of the column at `position`."""
    if kind == "ordinal":
        return 1
    if kind == "target":
        return len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    rare = encoder.infrequent_categories_[position]
    return len(encoder.categories_[position]) - (0 if rare is None else len(rare) - 1)


def _numbers(fitted: Any, places: Sequence[int], at: int) -> list[Number]:
    imputer, *scalers = [step for _, step in fitted.steps if type(step).__name__ != "FunctionTransformer"]
    flagged = list(imputer.indicator_.features_) if imputer.add_indicator else []
    width = len(places) + len(flagged)
    centres: Array | None = None
    scales = np.ones(width)
    for scaler in scalers:
        centre = {"StandardScaler": "mean_", "RobustScaler": "center_"}.get(type(scaler).__name__)
        if centre is None:
            raise NotConvertibleError(f"{type(scaler).__name__} has no exact ONNX form")
        centres, scales = np.asarray(getattr(scaler, centre), np.float64), np.asarray(scaler.scale_, np.float64)

    def scaled(value: float, position: int) -> float:
        return value if centres is None else float((value - centres[position]) / scales[position])

    made = []
    for position, place in enumerate(places):
        flag = None
        if position in flagged:
            behind = len(places) + flagged.index(position)
            flag = (at + behind, scaled(0.0, behind), scaled(1.0, behind))
        made.append(
            Number(
                of=place,
                at=at + position,
                missing=scaled(float(imputer.statistics_[position]), position),
                centre=None if centres is None else float(centres[position]),
                scale=None if centres is None else float(scales[position]),
                flag=flag,
            )
        )
    return made


def _listed(columns: Any) -> list[str]:
    """Return what a ColumnTransformer's step is given, as a list of names."""
    return [columns] if isinstance(columns, str) else list(columns)
