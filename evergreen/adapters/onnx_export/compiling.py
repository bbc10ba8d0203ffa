"""The compiled form of a model: a plan and a graph, kept only if they are proved to answer as the pipeline does."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evergreen.adapters.onnx_export import TOLERANCE, difference_of, reason_of
from evergreen.adapters.onnx_export.comparing import ODD_ROWS, rows_to_compare
from evergreen.adapters.onnx_export.encoding import NotConvertibleError, encoding_of
from evergreen.adapters.onnx_export.estimators import graph_of
from evergreen.adapters.onnx_export.linear import folded, linear_of
from evergreen.adapters.onnx_export.planning import plan_of
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.data.typed.schema import conform, from_pandas, to_pandas
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.features import build
from evergreen.learning.features.rowwise import instants
from evergreen.learning.model.compiled import golden, profile
from evergreen.learning.model.compiled.plan import Curve
from evergreen.learning.model.compiled.scorer import GRAPH, PLAN, Scorer
from evergreen.learning.model.references import golden_of, profile_of
from evergreen.learning.model.requested import requested
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import taken_apart

log = logging.getLogger(__name__)
Array = np.ndarray[Any, Any]
LEAST_ROWS, MOST_ROWS = 5_000, 100_000
ALONE = 500  # rows, and as many odd ones, that are encoded one by one too
MOST_BYTES = 256 * 2**20


class Compiled(NamedTuple):
    """The files of a model's folder that its answers stand on, and what its manifest says of them.

    `about`: the `rows` that were compared and the `largest_difference`, of probabilities, or of values in units of
    their standard deviation; or `why_not`, where the pipeline is to answer.
    """

    files: dict[str, bytes]
    about: dict[str, Any]


def compiled(
    pipeline: Any,
    rows: pd.DataFrame,
    *,
    contract: Contract,
    features: FeatureParams,
    lookups: Mapping[str, pd.DataFrame],
    seed: int,
) -> Compiled:
    """Return the compiled form of a fitted pipeline, and the reference profile and golden rows of any.

    Parameters
    ----------
    rows : that it was fitted on, with the contract's request columns and the features of the past.
    """
    columns = (*contract.request_columns, *derived.history(features))
    classes = tuple(map(str, pipeline.classes_)) if contract.task == "multiclass" else ()
    asked = requested(contract, features)

    def answer(typed: pd.DataFrame) -> Estimates:
        inputs = build(typed, contract, features, lookups)
        with families.limit_threads():
            return estimate(pipeline, inputs, task=contract.task, classes=classes)

    some = _as_sent(rows[[column.name for column in columns]], columns)
    compared = rows_to_compare(some, seed, at_least=LEAST_ROWS, at_most=MOST_ROWS)
    batch = conform(from_pandas(compared, columns), columns, zone=contract.timezone)
    typed = to_pandas(batch)
    expected = answer(typed)
    n_own = min(len(some), MOST_ROWS)
    own = Estimates(expected.task, expected.values[:n_own], expected.classes)
    described = profile_of(typed.iloc[:n_own], columns, own)
    proving = golden_of(described, columns, asked, zone=contract.timezone, answer=answer)
    files = {profile.FILE: described.to_bytes(), golden.FILE: proving.to_bytes()}
    try:
        fitted, curve = taken_apart(pipeline)
        encoding, linear = encoding_of(fitted), linear_of(fitted["estimator"])
        if linear:
            encoding, linear = folded(encoding, linear)
        converted, link = graph_of(fitted["estimator"], encoding.width, contract.task, linear=linear)
        plan = plan_of(
            encoding,
            contract,
            features,
            lookups,
            columns=asked,
            classes=classes,
            link=link,
            calibration=Curve(curve.method, curve.numbers) if curve else None,
        )
        graph = converted.SerializeToString(deterministic=True)
        if len(graph) > MOST_BYTES:
            raise NotConvertibleError(f"the graph has {len(graph)} bytes, over {MOST_BYTES}")
        made = {PLAN: plan.to_bytes(), GRAPH: graph}
        difference = _difference(Scorer.from_files(made), batch, expected)
    except Exception as error:  # whatever a converter or onnxruntime raises: the pipeline answers
        why_not = reason_of(error)
        log.info("not compiled: %s", why_not)
        return Compiled(files, {"why_not": why_not})
    return Compiled({**files, **made}, {"rows": len(compared), "largest_difference": float(f"{difference:.1e}")})


def _difference(scorer: Scorer, batch: Any, expected: Estimates) -> float:
    """Return the largest difference from the pipeline; raises NotConvertibleError where it is too large."""
    answers = scorer.estimate_batch(batch)
    difference = difference_of(answers, expected.values, expected.task)
    if not difference <= TOLERANCE:  # NaN neither
        raise NotConvertibleError(f"answers differ by up to {difference:.2g} from the pipeline's, over {TOLERANCE:g}")
    if expected.task == "multiclass" and (n := int((answers.argmax(axis=1) != expected.values.argmax(axis=1)).sum())):
        raise NotConvertibleError(f"{n} of {batch.num_rows} rows get another label than by the pipeline")
    begin = max(0, batch.num_rows - ODD_ROWS - ALONE)
    few = batch.slice(begin)
    together = scorer.encode_batch(few)
    alone = scorer.encode_rows(rows_of(few, scorer))
    if not np.array_equal(alone, together):
        raise NotConvertibleError("a row alone is not encoded as among others")
    one_by_one = np.concatenate([scorer.estimate(alone[at : at + 1]) for at in range(len(alone))])
    if not np.array_equal(one_by_one, answers[begin:]):
        raise NotConvertibleError("a row alone is not answered as among others")
    return difference


def rows_of(batch: Any, scorer: Scorer) -> list[tuple[Any, ...]]:
    """Return a typed batch as rows of typed values, in the order of the scorer's columns."""
    columns = []
    for column in scorer.columns:
        values = batch.column(column.name)
        columns.append((values.cast("int64") if column.type == "timestamp" else values).to_pylist())
    return list(zip(*columns, strict=True))


def _as_sent(rows: pd.DataFrame, columns: Any) -> pd.DataFrame:
    """Return train rows with times as instants, which the features table keeps as seconds."""
    times = {column.name: instants(rows[column.name]) for column in columns if column.type == "timestamp"}
    return rows.assign(**times)
