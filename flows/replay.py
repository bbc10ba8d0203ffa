"""The calendar walked month by month: train once, then monitor, decide and retrain as the policy says."""

from collections.abc import Iterator
from datetime import date

from prefect import flow

from evergreen.base.errors import ConfigError, GateRefused
from evergreen.base.values import Value
from evergreen.config import consistency
from evergreen.decisions.performance import Performance
from evergreen.project import Project
from evergreen.record.outcomes import ChampionFacts, TrainingOutcome, champion_facts, version_facts
from evergreen.record.windows import RetrainingOutcome, WindowOutcome
from flows.monitoring import made_with, monitoring, window_key
from flows.retraining import retraining
from flows.training import training
from tasks.ingest import ingest
from tasks.performance import performance
from tasks.score import score


class Month(Value):
    """One month of the walk: what the champion did, what the first model would have done, and what was decided."""

    window: WindowOutcome
    never_retrained: Performance
    retraining: RetrainingOutcome


def replay(
    start: date, end: date, env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None
) -> Iterator[TrainingOutcome | Month]:
    """Yield the first training, on rows before `start`, and then every month of [start, end).

    What the ledger already holds of this walk is not done again, so a walk that was interrupted continues.

    Raises
    ------
    GateRefused if the first candidate does not pass. ConfigError if the ledger holds another walk, or a champion that
    has already seen the months to come.
    """
    first_overrides = [*(overrides or ()), f"ingest.end={start}"]
    project = Project.open(env, params_file, first_overrides)
    consistency.require_time(project.contract)
    refuse_other_walk(project, start)
    outcome = training(env=env, params_file=params_file, overrides=first_overrides, reason="first training")
    yield outcome
    if outcome.version is None:
        raise GateRefused(
            "GATE001",
            f"the first candidate was refused: {outcome.reason}",
            where="gate",
            next_step="Lower the gate's limits in params.yaml, or give the model more data.",
        )
    first = version_facts(project.ledger(), project.name, outcome.version)
    assert first is not None
    for month_start, month_end in months(start, end):
        window = recorded_window(project, month_start, month_end) or monitoring(
            month_start, month_end, env=env, params_file=params_file, overrides=overrides
        )
        yield Month(
            window=window,
            never_retrained=yardstick(window, first, project),
            retraining=recorded_retraining(project, window)
            or retraining(env=env, params_file=params_file, overrides=overrides),
        )


@flow(name="never-retrained")
def measure_first(window: WindowOutcome, first: ChampionFacts, project: Project) -> Performance:
    """Score a window with the first model, which was never retrained."""
    ws, longer = project.workspace, project.for_period(window.start, window.end).look_back(first)
    past = ingest(project.source(), ws, project.datasets, project.contract, longer).raw if longer else None
    scored = score(window.valid, first.artifact, first.version, first.threshold, ws, past)
    return performance(scored.predictions, project.contract.task, project.workspace, project.params.gate.confidence)


def yardstick(window: WindowOutcome, first: ChampionFacts, project: Project) -> Performance:
    """Return how the first model does on a window; measured anew only if another one served it."""
    return window.performance if window.version == first.version else measure_first(window, first, project)


def months(start: date, end: date) -> Iterator[tuple[date, date]]:
    """Yield the first day of each month in [start, end), and that of the next.

    Examples
    --------
    >>> [str(begin) for begin, _ in months(date(2013, 11, 1), date(2014, 1, 1))]
    ['2013-11-01', '2013-12-01']
    """
    while start < end:
        following = date(start.year + start.month // 12, start.month % 12 + 1, 1)
        yield start, following
        start = following


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
    found = [WindowOutcome.model_validate(entry.payload) for entry in project.ledger().entries(project.name, "window")]
    return next(
        (
            window
            for window in found
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
