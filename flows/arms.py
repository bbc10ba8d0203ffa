"""The calendar walked under several policies: an arm for each, with what it would have decided and lost."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from evergreen.base.errors import GateRefused
from evergreen.base.values import digest_of
from evergreen.data.datasets.months import midnight
from evergreen.decisions.retrain.regret import NEVER, Arm, Walked
from evergreen.project import Project
from evergreen.record.looks import Look
from evergreen.record.outcomes import TrainingOutcome, VersionFacts, version_facts
from evergreen.record.plan.identity import code_digest
from evergreen.record.retrainings import RETRAINING, is_training
from flows.gathering import rows_of_source
from flows.monitoring import last_known_day, look_at, made_with
from flows.opened import run_opened
from flows.rehearsal import Costs, Rehearsal, rehearsed
from flows.replay import as_of_end, recorded_look, recorded_retraining
from flows.retraining import act_on_window
from flows.side_by_side import side_by_side
from flows.training import train_and_judge
from flows.watching import reference_of
from tasks.answering import Turn, answering

DECIDING = ("evergreen.decisions.retrain.decision", "evergreen.record.retrainings")


@dataclass(frozen=True)
class Course:
    """What all arms walk: `periods`, each without its last day, and how long after a decision a new model answers.

    `folder`: where the arms' ledgers lie.
    """

    periods: tuple[tuple[date, date], ...]
    latency: timedelta
    folder: Path


@dataclass(frozen=True)
class Turnover:
    """A version, and when it began to answer; None: before all."""

    facts: VersionFacts
    begins: datetime | None = None


def course(project: Project, periods: Sequence[tuple[date, date]], latency: timedelta) -> Course:
    """Return the course of a replay; another folder where the data, the code or the parameters are others."""
    arm = rehearsed(project, NEVER, Path())  # so that the project's own policy makes no difference
    made_of = [
        made_with(arm), arm.digests(), *map(code_digest, DECIDING), arm.given.source, arm.params.ingest.start,
        [[str(start), str(end)] for start, end in periods], latency.total_seconds(),
    ]  # fmt: skip
    return Course(tuple(periods), latency, project.settings.home / "replays" / digest_of(made_of)[:16])


def replay_arms(
    project: Project, policies: Sequence[str], course: Course, *, workers: int
) -> Iterator[str | tuple[Arm, ...]]:
    """Yield the policy of each window that an arm has lived through, and in the end all arms, in order of `policies`.

    Each arm trains its own first model on what was known when the course begins, and shares recorded steps with all
    others. Nothing of the project's own ledger, registry or predictions is read or written. What the arms' ledgers
    hold already is not done again, so a replay that was interrupted continues.

    Raises
    ------
    GateRefused if the first candidate does not pass.
    """
    course.folder.mkdir(parents=True, exist_ok=True)
    arms = [rehearsed(project, policy, course.folder) for policy in policies]
    begin(arms[0], course)  # what all arms begin with, once
    done: dict[int, Arm] = {}
    pieces = [partial(in_a_flow, arm, policy, course) for arm, policy in zip(arms, policies, strict=True)]
    for place, arm in side_by_side(pieces, workers=workers):
        if arm is None:
            yield policies[place]
        else:
            done[place] = arm
    yield tuple(done[place] for place in range(len(policies)))


def in_a_flow(project: Project, policy: str, course: Course, told: Callable[[], None]) -> Arm:
    """Return what `live` does, as a run that Prefect shows."""
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        return run_opened("arm", project, partial(live, project, policy, course, told), why=policy)


def live(project: Project, policy: str, course: Course, told: Callable[[], None]) -> Arm:
    """Walk the course under the project's policy; the last window's decision is told, and nothing comes of it."""
    first = begin(project, course)
    turns = [Turnover(first)]
    walked: list[Walked] = []
    spent, uncounted = 0.0, 0
    for number, (start, end) in enumerate(course.periods, 1):
        do = rehearsal(project, course, version=number + 1)
        as_of = as_of_end(end, project)
        look = recorded_look(project, start, end) or look_at(project, start, end, as_of=as_of, spares=True, do=do)
        made = None
        if number < len(course.periods):
            acted = recorded_retraining(project, look) or act_on_window(project, reason=None, stays=False, do=do)
            made = acted.training
        cost = {"cpu_seconds": do.cpu_seconds, "uncounted": do.uncounted}
        cost = project.ledger().record(project.name, "cost", look.key, cost).payload
        spent, uncounted = spent + cost["cpu_seconds"], uncounted + int(cost["uncounted"])
        walked.append(
            lived(
                project, course, first=first, turns=turns, look=look, made=made, is_last=number == len(course.periods)
            )
        )
        if made is not None and made.verdict == "promoted":
            assert made.version is not None
            facts = version_facts(project.ledger(), project.name, made.version)
            assert facts is not None
            turns.append(Turnover(facts, as_of + course.latency))
        told()
    return Arm(
        policy=policy,
        walked=tuple(walked),
        trainings=sum(window.rung is not None and window.trained for window in walked),
        repairs=sum(window.rung is not None and not window.trained for window in walked),
        refused=sum(window.outcome == "refused" for window in walked),
        cpu_seconds=round(spent, 1),
        uncounted=uncounted,
    )


def begin(project: Project, course: Course) -> VersionFacts:
    """Return the version that an arm begins with, trained on what was known when the course begins.

    Raises
    ------
    GateRefused if the gate refuses it.
    """
    start, _ = course.periods[0]
    until = project.until(last_known_day(as_of_end(start, project), project.contract))
    if found := version_facts(project.ledger(), project.name, 1):
        return found
    do = rehearsal(project, course, version=1)
    outcome = train_and_judge(until, reason="first training", stays=False, do=do)
    if outcome.version is None:
        raise GateRefused(
            "GATE001",
            f"the first candidate was refused: {outcome.reason}",
            where="gate",
            next_step="Lower the gate's limits in params.yaml, or begin later, when there is more data.",
        )
    found = version_facts(project.ledger(), project.name, outcome.version)
    assert found is not None
    return found


def rehearsal(project: Project, course: Course, *, version: int) -> Rehearsal:
    """Return what calls the steps of a window; `version`: of a candidate that is made after it."""
    replays = project.settings.home / "replays"
    return Rehearsal(version, nowhere=course.folder / "nothing-served", costs=Costs(replays / "costs.txt"))


def lived(
    project: Project,
    course: Course,
    *,
    first: VersionFacts,
    turns: Sequence[Turnover],
    look: Look,
    made: TrainingOutcome | None,
    is_last: bool,
) -> Walked:
    """Return a window as the arm lived it: each day answered by who was in service then."""
    window, do = project.for_period(look.start, look.end), rehearsal(project, course, version=0)
    zone = project.contract.timezone
    first_instant, end = midnight(look.start, zone), midnight(look.end, zone)
    serving = [turn for turn in turns if turn.begins is None or turn.begins < end]
    before = [turn for turn in serving if turn.begins is None or turn.begins <= first_instant]
    serving = serving[len(before) - 1 :]
    answers = [(turn, rows_of_source(window, turn.facts, do).answers) for turn in serving]
    taken = [
        Turn(answers=said, threshold=turn.facts.threshold, begins=turn.begins if turn is not serving[0] else None)
        for turn, said in answers
        if said is not None
    ]
    answered = None
    if taken:
        answered = do(
            answering,
            taken,
            reference=reference_of(project, first, do),
            threshold=first.threshold,
            ws=project.workspace,
            contract=project.contract,
            harm=project.params.harm,
        )
    decision, outcome = look.decision, made.verdict if made else "keep"
    entry = project.ledger().find(project.name, RETRAINING, look.incident)
    return Walked(
        start=look.start,
        end=look.end,
        versions=tuple(turn.facts.version for turn in serving),
        days=answered.days if answered else (),
        value=answered and answered.value,
        decision=decision.summary,
        triggers=tuple(decision.triggers),
        outcome="not done" if is_last and decision.retrain else outcome,
        rung=entry.payload["rung"] if entry else None,
        trained=entry is not None and is_training(entry),
        model=made.model_digest if made else None,
    )
