"""The calendar walked month by month: train once, then monitor, decide and retrain as the policy says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from evergreen.base.errors import ConfigError, GateRefused
from evergreen.base.months import following, named
from evergreen.base.values import Value
from evergreen.config import consistency
from evergreen.config.params.rollout import RolloutParams
from evergreen.data.datasets.months import midnight
from evergreen.decisions.performance import Performance
from evergreen.project import Project
from evergreen.record.looks import LOOK, Look, RetrainingOutcome
from evergreen.record.outcomes import TrainingOutcome, VersionFacts, champion_facts, version_facts
from evergreen.record.retrainings import RETRAINING, is_repair, rung_of_version
from flows.gathering import rows_of_source
from flows.monitoring import deciding_looks, last_known_day, made_with, run_monitoring
from flows.opened import run_opened
from flows.recorder import Recorder
from flows.retraining import run_retraining
from flows.training import run_training
from flows.watching import judged, reference_of


class Month(Value):
    """One month of the walk: what the champion did, what the first model would have done, and what was decided."""

    look: Look
    never_retrained: Performance
    retraining: RetrainingOutcome


def replay(project: Project, start: date, end: date) -> Iterator[TrainingOutcome | Month]:
    """Yield the first training, on what was known at `start`, and then every month of [start, end).

    Each month is looked at as of its end: labels that came later decide nothing.

    The version that is champion in the end is analysed as `evaluate.analysis` says; those on the way are replaced
    before anybody looks at them. One that was made of the champion before is analysed as it is made.

    What the ledger already holds of this walk is not done again, so a walk that was interrupted continues.

    Raises
    ------
    GateRefused if the first candidate does not pass. ConfigError if the ledger holds another walk, or a champion that
    has already seen the months to come.
    """
    consistency.require_time(project.contract)
    directly = project.params.model_copy(update={"rollout": RolloutParams(direct=True)})  # history has no traffic
    project = replace(project, params=directly)
    refuse_other_walk(project, start)
    first_known = last_known_day(as_of_end(start, project), project.contract)
    outcome = run_training(project.until(first_known), reason="first training", stays=False)
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
        look = recorded_look(project, month_start, month_end) or run_monitoring(
            project, month_start, month_end, as_of=as_of_end(month_end, project)
        )
        yield Month(
            look=look,
            never_retrained=yardstick(look, first, project),
            retraining=recorded_retraining(project, look)
            or run_retraining(project, stays=is_repair(look.decision.rung)),
        )
    champion = project.champion()
    is_analysed = project.ledger().find(project.name, "analysis", champion.candidate) is not None
    if champion.data_end and not is_analysed and not is_repair(rung_of_version(project.ledger(), champion)):
        run_training(project.until(champion.data_end), reason="analysis of the champion")


def as_of_end(end: date, project: Project) -> datetime:
    """Return the instant at which a period without its last day is over."""
    return midnight(end, project.contract.timezone)


def measure_first(look: Look, first: VersionFacts, project: Project) -> Performance:
    """Score a window with the first model, which was never retrained, and measure it on the labels of the look."""
    do, whole = Recorder(), project.for_period(look.start, look.end)
    found = rows_of_source(whole, first, do)
    if found.answers is None:
        return look.performance
    frozen = reference_of(project, first, do)
    return judged(whole, first, found, frozen=frozen, as_of=look.as_of, do=do).performance


def yardstick(look: Look, first: VersionFacts, project: Project) -> Performance:
    """Return how the first model does on a window; measured anew only if another one served it."""
    if look.version == first.version:
        return look.performance
    body = partial(measure_first, look, first, project)
    return run_opened("never-retrained", project, body, why=named(look.start, look.end), start=look.start)


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
    own = any(entry.payload["made_with"] == made_with(project) for entry in ledger.entries(project.name, LOOK))
    if champion and champion.data_end and champion.data_end > start and not own:
        raise ConfigError(
            "RPL001",
            f"the champion, version {champion.version}, has seen data until {champion.data_end}; a walk from "
            f"{start} would judge it on rows that it was trained on",
            where=str(project.settings.home),
            next_step="Walk in a state of its own: set EVERGREEN_HOME to a new folder, or delete this: make clean.",
        )


def recorded_look(project: Project, start: date, end: date) -> Look | None:
    """Return what this walk found in a window before."""
    made, as_of = made_with(project), as_of_end(end, project)
    return next(
        (
            look
            for look in deciding_looks(project.ledger(), project.name)
            if (look.start, look.end, look.as_of, look.made_with) == (start, end, as_of, made)
        ),
        None,
    )


def recorded_retraining(project: Project, look: Look) -> RetrainingOutcome | None:
    """Return what a window's decision led to before."""
    entry = project.ledger().find(project.name, RETRAINING, look.incident)
    if entry is None:
        return None
    return RetrainingOutcome(
        window=entry.key,
        decision=look.decision,
        already_done=True,
        training=TrainingOutcome.model_validate(entry.payload["outcome"]),
    )
