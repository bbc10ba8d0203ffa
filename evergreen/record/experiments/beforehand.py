"""What the champion says of rows that another variant answered: asked with what the log holds of them."""

import numpy as np
import pyarrow as pa

from evergreen.decisions.experiments.metrics import Answers
from evergreen.learning.model.model import Model
from evergreen.record.experiments.rows import Ask


def champion_asked(model: Model, threshold: float) -> Ask | None:
    """Return what asks a model about logged rows; None where the log does not hold what it was asked with.

    That is so where a column is personal: what stands in the log is not what a model sees.
    """
    columns = (*model.contract.request_columns, *model.given)
    if any(column.pii and column.pii != "keep" for column in columns):
        return None
    names = [column.name for column in columns]

    def ask(rows: pa.RecordBatch) -> Answers:
        estimates = model.estimate_batch(rows.select([name for name in names if name in rows.schema.names]))
        said = estimates.answers(threshold)
        estimate = said["value"] if "value" in said else said["probability"]
        label = said.get("label", np.full(len(estimate), None, dtype=object))
        return Answers(label=np.asarray(label, dtype=object), estimate=np.asarray(estimate, dtype=np.float64))

    return ask
