"""The parts of an analysis, put together: each one that applies, and for the others why not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.base.errors import EvergreenError
from evergreen.base.values import Value
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.learning import features as domain
from evergreen.learning.analysis import breakdown
from evergreen.learning.analysis.importance import importance
from evergreen.learning.analysis.refits import learning_curve, staleness_curve
from evergreen.learning.analysis.slices import slices
from evergreen.learning.analysis.values import Analysis
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.metrics import undefined
from evergreen.learning.evaluation.report import Report
from evergreen.learning.tuning.recipe import Recipe

Array = npt.NDArray[Any]
DIGITS = 6  # of the numbers in an analysis, which is read and drawn, not computed with


def analyse(
    report: Report,
    recipe: Recipe,
    pipeline: Any,
    *,
    train: pd.DataFrame,
    test: pd.DataFrame,
    estimates: Estimates,
    params: EvaluateParams,
) -> Analysis:
    """Return everything beyond the gate's numbers; equal inputs give equal bytes.

    Parameters
    ----------
    recipe : what `pipeline`, the candidate, was made of.
    estimates : what the candidate says of `test`.
    """
    contract, task, threshold = recipe.contract, recipe.contract.task, report.threshold
    labels = domain.fit_target(test, contract)
    inputs = domain.inputs(contract, recipe.features)
    personal = {column.name for column in contract.columns if column.pii}
    why_not: dict[str, str] = {}
    if task == "regression":
        of_classes = ("per_class", "reliability", "confusion", "roc", "precision_recall")
        why_not |= dict.fromkeys(of_classes, "the target is a number")
    else:
        why_not["residuals"] = "the target is a class"
    if contract.target in personal:
        why_not["confident_errors"] = "the target holds personal values"
    curves: dict[str, Any] = {"points": params.curve_points, "confidence": params.confidence}
    parts: dict[str, Callable[[], Any]] = {
        "per_class": lambda: breakdown.per_class(labels, estimates, threshold=threshold),
        "slices": lambda: slices(
            test,
            labels,
            estimates,
            columns=[name for name in (*inputs.categorical, *inputs.numeric) if name not in personal],
            declared=params.slices,
            min_rows=params.min_slice_rows,
            confidence=params.confidence,
        ),
        "reliability": lambda: breakdown.reliability(labels, estimates),
        "confusion": lambda: breakdown.confusion(labels, estimates, threshold=threshold),
        "roc": lambda: breakdown.roc(labels, estimates),
        "precision_recall": lambda: breakdown.precision_recall(labels, estimates),
        "residuals": lambda: breakdown.residuals(labels, estimates),
        "importance": lambda: importance(
            pipeline,
            test[inputs.names],
            labels,
            contract,
            classes=estimates.classes,
            repeats=params.repeats,
            max_rows=params.max_rows,
            seed=recipe.seed,
        ),
        "confident_errors": lambda: breakdown.confident_errors(test, labels, estimates, contract, threshold=threshold),
        "learning": lambda: _refitted(learning_curve, recipe, train, test, labels, estimates, **curves),
        "staleness": lambda: _refitted(staleness_curve, recipe, train, **curves),
    }
    wanted = {name: part for name, part in parts.items() if name not in why_not}
    made = {name: part() for name, part in wanted.items()}
    why_not |= {name: part for name, part in made.items() if isinstance(part, str)}
    measured = {each.column for each in made["importance"]} if "importance" not in why_not else set(inputs.names)
    shared = [name for name in report.candidate if name in report.train]
    analysis: Analysis = _rounded(
        Analysis(
            metric=GATE_METRIC[task],
            confidence=params.confidence,
            train_gap={name: report.train[name] - report.candidate[name] for name in shared},
            undefined=undefined(labels, estimates, threshold=threshold),
            why_not=why_not,
            not_measured=tuple(name for name in inputs.names if name not in measured),
            **{name: None if name in why_not else made[name] for name in parts},
        )
    )
    return analysis


def _refitted(curve: Callable[..., Any], recipe: Recipe, *rows: Any, **given: Any) -> Any:
    """Return a curve, or why the winner cannot be fitted on the fewer rows that it takes."""
    try:
        return curve(recipe, *rows, **given)
    except (EvergreenError, MemoryError):
        raise
    except Exception as error:  # whatever an estimator raises for few rows
        return f"{recipe.family} cannot be fitted on fewer rows: {' '.join(str(error).split())[:300]}"


def _rounded(value: Any) -> Any:
    if isinstance(value, Value):
        return value.model_copy(update={name: _rounded(field) for name, field in value})
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return float(np.format_float_positional(value, DIGITS, fractional=False)) if isinstance(value, float) else value
