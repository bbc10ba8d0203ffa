"""`evergreen score`: rows in, the same rows with predictions out."""

from pathlib import Path

from cli import recall
from cli.engine import engine
from cli.progress import scoring_bar
from evergreen.base.artifacts import outputs
from evergreen.config.contract.sources import format_of
from evergreen.learning.model.scored import ScoringOutcome
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts


def score(
    project: Project, source: str, target: Path, *, version: str = "champion", logs: bool = True
) -> ScoringOutcome:
    """Score a file, or the files of a folder or glob, and return what was done; each output appears whole or not.

    One file is scored here and now; many are a run of the flow "scoring".

    Raises
    ------
    IntegrityError if the version's model, or the package that serves it, is not what was registered. DataError if the
    one file cannot be scored. LostRace if somebody scores into the same target. ConfigError as `plan` says.
    """
    from tasks.partitions import Scoring
    from tasks.planned import plan

    planned = plan(source, target, otherwise=format_of(project.contract.source))
    facts = recall.facts_of(project, version)
    if target.suffix not in outputs.SUFFIXES:
        with engine(project.settings), scoring_bar():
            from flows.scoring import run_scoring

            return run_scoring(project, planned, target, facts, logs=logs)
    ledger = project.ledger()
    champion = champion_facts(ledger, project.name)
    is_champion = champion is not None and champion.version == facts.version
    with ledger.lease(f"scoring:{target.resolve()}"), scoring_bar():
        outputs.sweep_beside(target)
        done = Scoring(facts, project.settings, champion=is_champion, logs=logs).score(planned[0])
    return ScoringOutcome.of([done], model=project.name, version=facts.version, output=str(target))
