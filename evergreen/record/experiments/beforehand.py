"""What the champion says of rows that another variant answered: asked with what the log holds of them."""

import numpy as np
import pyarrow as pa

from evergreen.decisions.experiments.metrics import Answers
from evergreen.learning.model.model import Model
from evergreen.record.experiments.rows import Ask


def champion_asked(model: Model, threshold: float) -> Ask:
    """Return what asks a model about logged rows, as the service asks it: the log holds all that it is asked with."""
    names = [column.name for column in (*model.contract.request_columns, *model.given)]

    def ask(rows: pa.RecordBatch) -> Answers:
        said = model.estimate_batch(rows.select([name for name in names if name in rows.schema.names]))
        answers = said.answers(threshold)
        estimate = answers["value"] if "value" in answers else answers["probability"]
        label = answers.get("label", np.full(len(estimate), None, dtype=object))
        return Answers(label=np.asarray(label, dtype=object), estimate=np.asarray(estimate, dtype=np.float64))

    return ask
