"""The scoring flow: files in, the same rows with predictions out, and every answer in the prediction log."""

from functools import partial
from pathlib import Path

from prefect import flow

from evergreen.base.artifacts import outputs
from evergreen.base.errors import ConfigError
from evergreen.config.contract.sources import format_of
from evergreen.learning.model.scored import ScoredFile, ScoringOutcome
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts, champion_facts, version_facts
from flows.opened import named_by, run_opened
from flows.recorder import Recorder
from tasks.planned import Planned, plan
from tasks.score_partitions import score_partitions

FILES_AT_ONCE = 64  # in one task, which loads the model once


@flow(name="scoring", flow_run_name=named_by("scoring", lambda _, given: given["source"]))
def scoring(
    source: str,
    target: str,
    env: str = "local",
    params_file: str = "params.yaml",
    overrides: list[str] | None = None,
    *,
    version: int | None = None,
    logs: bool = True,
) -> ScoringOutcome:
    """Score a file, or the files of a folder or glob, with a version, by default the champion.

    What is there already, made of the same rows by the same model, is not made again: a run that was killed goes on
    where it was, and a second one does nothing.
    """
    project = Project.open(env, params_file, overrides or ())
    planned = plan(source, Path(target), otherwise=format_of(project.contract.source))
    return score_planned(project, planned, Path(target), _facts(project, version), logs=logs)


def run_scoring(
    project: Project, planned: tuple[Planned, ...], target: Path, facts: VersionFacts, *, logs: bool
) -> ScoringOutcome:
    """Return what `scoring` does, for a project that is open already."""
    body = partial(score_planned, project, planned, target, facts, logs=logs)
    return run_opened("scoring", project, body, why=str(target), target=target, version=facts.version)


def score_planned(
    project: Project,
    planned: tuple[Planned, ...],
    target: Path,
    facts: VersionFacts,
    *,
    logs: bool = True,
    do: Recorder | None = None,
) -> ScoringOutcome:
    """Score files in turn. Nobody else scores into the same target meanwhile.

    Raises
    ------
    LostRace if somebody does.
    """
    do, done, ledger = do or Recorder(), list[ScoredFile](), project.ledger()
    champion = champion_facts(ledger, project.name)
    with ledger.lease(f"scoring:{target.resolve()}"):
        outputs.sweep(target)
        for begin in range(0, len(planned), FILES_AT_ONCE):
            some: tuple[ScoredFile, ...] = do(
                score_partitions,
                planned[begin : begin + FILES_AT_ONCE],
                version=facts,
                settings=project.settings,
                champion=champion is not None and champion.version == facts.version,
                logs=logs,
                before=begin,
                of=len(planned),
            )
            done += some
    return ScoringOutcome.of(done, model=project.name, version=facts.version, output=str(target))


def _facts(project: Project, version: int | None) -> VersionFacts:
    facts = project.champion() if version is None else version_facts(project.ledger(), project.name, version)
    if facts is None:
        raise ConfigError(
            "STA006",
            f"'{project.name}' has no version '{version}'",
            where="ledger",
            next_step="What there is: evergreen history",
        )
    return facts
