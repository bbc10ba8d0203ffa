"""ONNX: a fitted pipeline as one graph, kept only if it answers like the pipeline."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evergreen.adapters.onnx_export.conversion import columns_of, convert
from evergreen.adapters.onnx_export.nodes import MISSING, OUTPUT, NotConvertibleError
from evergreen.config.contract.columns import Task
from evergreen.learning.tuning.calibration import CalibratedPipeline

log = logging.getLogger(__name__)
Array = np.ndarray[Any, Any]
TOLERANCE = 1e-5
LEAST_ROWS, MOST_ROWS = 5_000, 20_000
ODD_ROWS, ODD_SHARE = 500, 0.1  # of their columns so many are missing, and as many hold an unseen category


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
    ``estimates`` has the probability of each class, or the prediction, in 32 bits. Imputation, encoding and scaling
    are counted in 64 bits, as the pipeline does.

    Parameters
    ----------
    rows : model inputs to compare on. Fewer than 5,000 are joined by others, whose columns are drawn from these one
        by one. 500 rows with missing values and unseen categories, here and there and everywhere, are always added.
    """
    names: list[str] = []
    try:
        calibrated = pipeline if isinstance(pipeline, CalibratedPipeline) else None
        fitted = calibrated.pipeline if calibrated else pipeline
        names = columns_of(fitted)
        if rows.empty or not names:
            raise NotConvertibleError("there are no columns, or no rows to compare on")
        content = convert(fitted, names, rows, calibrated=calibrated)
    except Exception as error:  # whatever a converter raises: the pipeline goes on to answer without a graph
        reason = " ".join(str(error).split())[:300]
        why_not = reason if isinstance(error, NotConvertibleError) else f"{type(error).__name__}: {reason}"
        log.info("onnx: not converted: %s", why_not)
        return Exported(None, why_not, None, 0)
    compared = _compared(rows[names], seed)
    try:
        answers = predict(content, compared)
    except Exception as error:  # onnxruntime's own, which have no common base
        return Exported(None, f"onnxruntime: {' '.join(str(error).split())[:300]}", None, 0)
    expected = pipeline.predict(compared) if task == "regression" else pipeline.predict_proba(compared)
    scale = (float(expected.std()) or 1.0) if task == "regression" else 1.0
    difference = float(np.max(np.abs(answers.reshape(expected.shape) - expected))) / scale
    if not difference <= TOLERANCE:  # NaN neither
        why_not = f"the graph's answers differ by up to {difference:.2g} from the pipeline's, over {TOLERANCE:g}"
        return Exported(None, why_not, difference, len(compared))
    return Exported(content, "", difference, len(compared))


def predict(content: bytes, rows: pd.DataFrame) -> Array:
    """Return what a graph answers: probabilities, shape (n, classes), or predictions, shape (n,)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what fails is raised
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given = {wanted.name: _tensor(rows[wanted.name], wanted.type) for wanted in session.get_inputs()}
    answers: Array = session.run([OUTPUT], given)[0]
    return answers


def _tensor(values: pd.Series, kind: str) -> Array:
    if kind == "tensor(string)":
        return values.astype(object).where(values.notna(), MISSING).to_numpy(dtype=object)[:, np.newaxis]
    return values.to_numpy(dtype=np.float64)[:, np.newaxis]


def _compared(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [rows.iloc[np.sort(rng.choice(len(rows), min(len(rows), MOST_ROWS), replace=False))]]
    if (lacking := LEAST_ROWS - len(rows)) > 0:
        drawn = {name: rows[name].iloc[rng.integers(0, len(rows), lacking)].to_numpy() for name in rows}
        parts.append(pd.DataFrame(drawn).astype(rows.dtypes))
    odd = rows.iloc[rng.integers(0, len(rows), ODD_ROWS)].reset_index(drop=True)
    for name in odd:
        drawn_to_be = rng.random(ODD_ROWS)
        drawn_to_be[:2] = 0, ODD_SHARE  # in the first two rows every column is
        is_number = pd.api.types.is_numeric_dtype(odd[name])
        changed = odd[name].astype(object).mask(drawn_to_be < ODD_SHARE, np.nan if is_number else None)
        unseen = (drawn_to_be >= ODD_SHARE) & (drawn_to_be < 2 * ODD_SHARE)
        odd[name] = changed.mask(unseen, np.nan if is_number else "never seen")
    parts.append(odd.astype(rows.dtypes))
    return pd.concat(parts, ignore_index=True)
