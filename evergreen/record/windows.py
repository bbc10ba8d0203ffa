"""What a monitoring window and a retraining answer: JSON-sized, the same through every door."""

from datetime import date

from evergreen.base.artifacts.refs import TableRef
from evergreen.base.values import Value
from evergreen.decisions.drift.decision import DriftReport
from evergreen.decisions.performance import Performance
from evergreen.decisions.retrain.decision import Decision
from evergreen.record.outcomes import StepRun, TrainingOutcome


class WindowOutcome(Value):
    """What a monitoring window ends with. `made_with` is the digest of the code, parameters and contract behind it."""

    model: str
    version: int
    start: date
    end: date
    made_with: str
    valid: TableRef
    quarantined: int
    drift: DriftReport
    performance: Performance
    decision: Decision
    report: str
    steps: tuple[StepRun, ...] = ()


class RetrainingOutcome(Value):
    """What a retraining decision led to; `training` is None when none was needed."""

    window: str
    decision: Decision
    training: TrainingOutcome | None
    already_done: bool
