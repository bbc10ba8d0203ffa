"""`evergreen score`: rows in, the same rows with predictions out."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from cli import recall
from cli.engine import engine
from cli.progress import scoring_bar
from evergreen.base.artifacts import outputs
from evergreen.base.errors import ResourceError
from evergreen.config.contract.sources import format_of
from evergreen.learning.model.scored import ScoringOutcome
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import champion_facts


def score(
    project: Project, source: str, target: Path, *, version: str = "champion", logs: bool = True
) -> ScoringOutcome:
    """Score a file, or the files of a folder or glob, and return what was done; each output appears whole or not.

    One file is scored here and now; many are a run of the flow "scoring", but where the state folder can only be read
    and nothing is logged: no flow is run without it.

    Raises
    ------
    IntegrityError if the version's model, or the package that serves it, is not what was registered. DataError if the
    one file cannot be scored. LostRace if somebody scores into the same target. ConfigError as `plan` says.
    """
    from tasks.partitions import Scoring
    from tasks.planned import plan

    planned = plan(source, target, otherwise=format_of(project.contract.source))
    facts = recall.facts_of(project, version)
    one = target.suffix in outputs.SUFFIXES
    if not one and (logs or os.access(project.settings.home, os.W_OK)):
        with engine(project.settings), scoring_bar():
            from flows.scoring import run_scoring

            return run_scoring(project, planned, target, facts, logs=logs)
    ledger = project.ledger()
    champion = champion_facts(ledger, project.name)
    is_champion = champion is not None and champion.version == facts.version
    with _alone(ledger, target), scoring_bar(), _log_is_named(project):
        scoring = Scoring(facts, project.settings, champion=is_champion, logs=logs)
        if one:
            outputs.sweep_beside(target)
            done = [scoring.score(planned[0])]
        else:
            outputs.sweep(target)
            done = scoring.score_all(planned)
    return ScoringOutcome.of(done, model=project.name, version=facts.version, output=str(target))


@contextmanager
def _alone(ledger: Ledger, target: Path) -> Iterator[None]:
    """Keep others from scoring into a target; with a ledger that can only be read, what is written is whole even so."""
    with ExitStack() as held:
        with suppress(ResourceError):
            held.enter_context(ledger.lease(f"scoring:{target.resolve()}"))
        yield


@contextmanager
def _log_is_named(project: Project) -> Iterator[None]:
    """Say of an error of the prediction log that one can do without it."""
    try:
        yield
    except ResourceError as error:
        if not Path(error.where).is_relative_to(project.settings.predictions):
            raise
        next_step = f"{error.next_step} Or leave the answers out of the prediction log: --no-log"
        raise ResourceError(error.code, error.what, where=error.where, next_step=next_step) from error
