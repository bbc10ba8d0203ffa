"""The calendar walked month by month: train once, then monitor, decide and retrain as the policy says."""

from collections.abc import Iterator
from datetime import date
from functools import partial

from evergreen.base.errors import ConfigError, GateRefused
from evergreen.base.months import following, named
from evergreen.base.values import Value
from evergreen.config import consistency
from evergreen.decisions.performance import Performance
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome, VersionFacts, champion_facts, version_facts
from evergreen.record.windows import RetrainingOutcome, WindowOutcome
from flows.monitoring import made_with, run_monitoring, score_with, window_key
from flows.opened import run_opened
from flows.recorder import Recorder
from flows.retraining import run_retraining
from flows.training import run_training
from tasks.performance import performance


class Month(Value):
    """One month of the walk: what the champion did, what the first model would have done, and what was decided."""

    window: WindowOutcome
    never_retrained: Performance
    retraining: RetrainingOutcome


def replay(project: Project, start: date, end: date) -> Iterator[TrainingOutcome | Month]:
    """Yield the first training, on rows before `start`, and then every month of [start, end).

    The version that is champion in the end is analysed as `evaluate.analysis` says; those on the way are replaced
    before anybody looks at them. What the ledger already holds of this walk is not done again, so a walk that was
    interrupted continues.

    Raises
    ------
    GateRefused if the first candidate does not pass. ConfigError if the ledger holds another walk, or a champion that
    has already seen the months to come.
    """
    consistency.require_time(project.contract)
    refuse_other_walk(project, start)
    outcome = run_training(project.until(start), reason="first training", stays=False)
    yield outcome
    if outcome.verdict == "proposed":
        raise GateRefused(
            "GATE006",
            f"the first version, {outcome.version}, waits for a person",
            where="approval.required",
            next_step=f'Approve it, then walk on: evergreen approve {outcome.version} --by NAME --reason "why"',
        )
    if outcome.version is None or outcome.verdict == "refused":
        raise GateRefused(
            "GATE001",
            f"the first candidate was refused: {outcome.reason}",
            where="gate",
            next_step="Lower the gate's limits in params.yaml, or give the model more data.",
        )
    first = version_facts(project.ledger(), project.name, outcome.version)
    assert first is not None
    for month_start, month_end in months(start, end):
        window = recorded_window(project, month_start, month_end) or run_monitoring(project, month_start, month_end)
        yield Month(
            window=window,
            never_retrained=yardstick(window, first, project),
            retraining=recorded_retraining(project, window) or run_retraining(project, stays=False),
        )
    champion = project.champion()
    if champion.data_end and not project.ledger().find(project.name, "analysis", champion.candidate):
        run_training(project.until(champion.data_end), reason="analysis of the champion")


def measure_first(window: WindowOutcome, first: VersionFacts, project: Project) -> Performance:
    """Score a window with the first model, which was never retrained."""
    do, whole = Recorder(), project.for_period(window.start, window.end)
    scored = score_with(first, window.valid, whole, do)
    return do(
        performance,
        scored.predictions,
        task=project.contract.task,
        ws=project.workspace,
        confidence=project.params.gate.confidence,
    )


def yardstick(window: WindowOutcome, first: VersionFacts, project: Project) -> Performance:
    """Return how the first model does on a window; measured anew only if another one served it."""
    if window.version == first.version:
        return window.performance
    body = partial(measure_first, window, first, project)
    why = named(window.start, window.end)
    return run_opened("never-retrained", project, body, why=why, start=window.start)


def months(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the first day of each month in [start, end), and that of the next.

    Examples
    --------
    >>> [str(begin) for begin, _ in months(date(2013, 11, 1), date(2014, 1, 1))]
    ['2013-11-01', '2013-12-01']
    """
    while start < end:
        yield start, following(start)
        start = following(start)


def refuse_other_walk(project: Project, start: date) -> None:
    """Refuse to walk months that the champion has seen, unless it is this very walk that goes on."""
    ledger = project.ledger()
    champion = champion_facts(ledger, project.name)
    own = any(entry.payload["made_with"] == made_with(project) for entry in ledger.entries(project.name, "window"))
    if champion and champion.data_end and champion.data_end > start and not own:
        raise ConfigError(
            "RPL001",
            f"the champion, version {champion.version}, has seen data until {champion.data_end}; a walk from "
            f"{start} would judge it on rows that it was trained on",
            where=str(project.settings.home),
            next_step="Walk in a state of its own: set EVERGREEN_HOME to a new folder, or delete this: make clean.",
        )


def recorded_window(project: Project, start: date, end: date) -> WindowOutcome | None:
    """Return what this walk found in a window before."""
    windows = [
        WindowOutcome.model_validate(entry.payload) for entry in project.ledger().entries(project.name, "window")
    ]
    return next(
        (
            window
            for window in windows
            if (window.start, window.end) == (start, end) and window.made_with == made_with(project)
        ),
        None,
    )


def recorded_retraining(project: Project, window: WindowOutcome) -> RetrainingOutcome | None:
    """Return what a window's decision led to before."""
    entry = project.ledger().find(project.name, "retraining", window_key(window))
    if entry is None:
        return None
    return RetrainingOutcome(
        window=entry.key,
        decision=window.decision,
        already_done=True,
        training=TrainingOutcome.model_validate(entry.payload["outcome"]),
    )
