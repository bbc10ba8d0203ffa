"""Step: files of rows -> the same rows with predictions, for the flow."""

from prefect import task

from evergreen.config.settings import Settings
from evergreen.learning.model.scored import ScoredFile
from evergreen.record.outcomes import VersionFacts
from tasks.engine import RETRIED
from tasks.partitions import Scoring
from tasks.planned import Planned


@task(name="score-partitions", **RETRIED)
def score_partitions(
    planned: tuple[Planned, ...],
    *,
    version: VersionFacts,
    settings: Settings,
    champion: bool,
    logs: bool,
    before: int,
    of: int,
) -> tuple[ScoredFile, ...]:
    """Score files in turn, each whole and once, as `Scoring.score_all` says.

    Raises
    ------
    IntegrityError if the version's model or package is not what was registered. ResourceError if an output or the
    prediction log cannot be written.
    """
    return tuple(Scoring(version, settings, champion=champion, logs=logs).score_all(planned, before=before, of=of))
