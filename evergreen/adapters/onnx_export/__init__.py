"""ONNX: a fitted pipeline as one graph, kept only if it answers like the pipeline."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evergreen.adapters.onnx_export.comparing import rows_to_compare
from evergreen.adapters.onnx_export.conversion import convert
from evergreen.adapters.onnx_export.encoding import NotConvertibleError, encoding_of
from evergreen.adapters.onnx_export.nodes import MISSING
from evergreen.config.contract.columns import Task
from evergreen.learning.model.compiled.scorer import OUTPUT, opened
from evergreen.learning.tuning.calibration import taken_apart

log = logging.getLogger(__name__)
Array = np.ndarray[Any, Any]
TOLERANCE = 1e-5
LEAST_ROWS, MOST_ROWS = 5_000, 20_000


@dataclass(frozen=True)
class Exported:
    """What became of a conversion.

    `content`: the graph, None where it failed or differs; `why_not` then says why. `max_difference`: the largest
    difference from the pipeline over `n_rows` rows, of probabilities, or of predictions in units of their standard
    deviation; None where nothing was compared.
    """

    content: bytes | None
    why_not: str
    max_difference: float | None
    n_rows: int


def export(pipeline: Any, rows: pd.DataFrame, *, task: Task, seed: int) -> Exported:
    """Return a pipeline of ours as an ONNX graph, if that answers within 1e-5 of it.

    The graph takes one tensor of shape (n, 1) for each column: text for categories, float64 for numbers. Its output
    ``estimates`` has the probability of each class, or the prediction, in 32 bits. All before it is counted as the
    pipeline does.

    Parameters
    ----------
    rows : model inputs to compare on. Fewer than 5,000 are joined by others, whose columns are drawn from these one
        by one. 500 rows with missing values and unseen categories, here and there and everywhere, are always added.
    """
    try:
        encoding = encoding_of(taken_apart(pipeline)[0])
        if rows.empty:
            raise NotConvertibleError("there are no rows to compare on")
        content = convert(pipeline, encoding, rows, task=task)
    except Exception as error:  # whatever a converter raises: the pipeline goes on to answer without a graph
        why_not = reason_of(error)
        log.info("onnx: not converted: %s", why_not)
        return Exported(None, why_not, None, 0)
    compared = rows_to_compare(rows[encoding.names], seed, at_least=LEAST_ROWS, at_most=MOST_ROWS)
    try:
        answers = predict(content, compared)
    except Exception as error:  # onnxruntime's own, which have no common base
        return Exported(None, f"onnxruntime: {' '.join(str(error).split())[:300]}", None, 0)
    expected = pipeline.predict(compared) if task == "regression" else pipeline.predict_proba(compared)
    difference = difference_of(answers.reshape(expected.shape), expected, task)
    if not difference <= TOLERANCE:  # NaN neither
        why_not = f"the graph's answers differ by up to {difference:.2g} from the pipeline's, over {TOLERANCE:g}"
        return Exported(None, why_not, difference, len(compared))
    return Exported(content, "", difference, len(compared))


def predict(content: bytes, rows: pd.DataFrame) -> Array:
    """Return what a graph answers: probabilities, shape (n, classes), or predictions, shape (n,)."""
    session = opened(content)
    given = {wanted.name: _tensor(rows[wanted.name], wanted.type) for wanted in session.get_inputs()}
    answers: Array = session.run([OUTPUT], given)[0]
    return answers


def reason_of(error: Exception) -> str:
    """Return why a conversion failed, on one line."""
    reason = " ".join(str(error).split())[:300]
    return reason if isinstance(error, NotConvertibleError) else f"{type(error).__name__}: {reason}"


def difference_of(answers: Array, expected: Array, task: Task) -> float:
    """Return the largest difference, of probabilities, or of values in units of their standard deviation."""
    scale = (float(expected.std()) or 1.0) if task == "regression" else 1.0
    return float(np.max(np.abs(answers - expected), initial=0.0)) / scale


def _tensor(values: pd.Series, kind: str) -> Array:
    if kind == "tensor(string)":
        return values.astype(object).where(values.notna(), MISSING).to_numpy(dtype=object)[:, np.newaxis]
    return values.to_numpy(dtype=np.float64)[:, np.newaxis]
