"""What the prediction log holds of who decided, and of what came true of these rows."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evergreen.config.contract.columns import Task
from evergreen.config.contract.contract import Contract
from evergreen.decisions.automation.decided import Decided
from evergreen.decisions.automation.degrees import audit_share, decider
from evergreen.record.labels.beside import event_times, with_feedback
from evergreen.record.predictions.columnar import columns_in, named_values

Array = npt.NDArray[np.float64]
OURS = (
    *("prediction_id", "version", "label", "probability", "value", "decision", "rule", "source"),
    *("feedback_label", "feedback_value"),
)
TRUTHS = {"positive": True, "true": True, "yes": True, "1": True,
          "negative": False, "false": False, "no": False, "0": False}  # fmt: skip


def read(
    folder: Path,
    contract: Contract,
    *,
    version: int,
    since: datetime | None = None,
    until: datetime | None = None,
    people: str | None = None,
) -> Decided:
    """Return the rows of a version that were received from one time on and whose event lies before another.

    Labels and decisions are those known now; each prediction counts once. Rows of batch scoring, which asks for a file
    of answers and no decision, are left out.

    Parameters
    ----------
    people : the column of what people decided; without it their feedback says.
    """
    rows: dict[str, tuple[Any, ...]] = {}
    zone, is_number = ZoneInfo(contract.timezone), contract.task == "regression"
    for batch in with_feedback(folder, since=since):
        if columns_in(batch.schema).contract != contract.name:
            continue
        column = named_values(columns_in(batch.schema)).get(people or "")
        values = {name: batch.column(name) for name in OURS} | {"event": event_times(batch)}
        values |= {"person": batch.column(column or "feedback_decision")}
        for row in pa.table(values).to_pylist():
            if row["version"] != version or row["source"] == "batch" or (until and row["event"] >= until):
                continue
            truth = row["feedback_value"] if is_number else row["feedback_label"]
            said = row["value"] if is_number else row["label"]
            person = decided(row["person"], contract.task)
            rows[row["prediction_id"]] = (
                decider(row["decision"], row["rule"]),
                _differs(said, truth),
                _differs(person, truth),
                _sureness(row["label"], row["probability"], contract.task),
                audit_share(row["rule"]) if row["decision"] else None,
                row["event"].astimezone(zone).date(),
            )
    by, wrong, people_wrong, sure, shares, days = zip(*rows.values(), strict=True) if rows else ((),) * 6
    numbers: Callable[[Any], Array] = lambda values: np.array(values, dtype=np.float64)  # noqa: E731  None is NaN
    return Decided(by, numbers(wrong), numbers(people_wrong), numbers(sure), numbers(shares), days)


def decided(said: object, task: Task) -> bool | str | float | None:
    """Return what a person decided, as a label of the task; None where it cannot be read as one.

    Examples
    --------
    >>> decided("Positive", "binary"), decided("no", "binary"), decided("later", "binary"), decided("red", "multiclass")
    (True, False, None, 'red')
    """
    if said is None or task == "multiclass":
        return None if said is None else str(said)
    if task == "binary":
        return said if isinstance(said, bool) else TRUTHS.get(str(said).strip().lower())
    try:
        return float(str(said))
    except ValueError:
        return None


def _differs(said: Any, truth: Any) -> float | None:
    return None if said is None or truth is None else float(said != truth)


def _sureness(label: Any, probability: float | None, task: Task) -> float | None:
    if probability is None or task == "regression":
        return None
    return 1 - probability if label is False else probability
