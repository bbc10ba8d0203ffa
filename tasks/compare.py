"""Step: champion and candidate on the same rows -> the difference and its interval."""

from datetime import date

from prefect import task

from evergreen import model as models
from evergreen import performance
from evergreen.artifacts import TableRef, Workspace
from evergreen.evaluation import Comparison
from evergreen.outcomes import ChampionFacts
from tasks.engine import RETRIED


@task(name="compare", timeout_seconds=1800, **RETRIED)
def compare(
    champion: ChampionFacts, data_end: date, test: TableRef, scores: TableRef, ws: Workspace, confidence: float
) -> Comparison:
    """Score the champion on the candidate's test rows.

    A champion whose data end later has seen those rows, or may have: the comparison is then not valid, and says so.
    """
    version = champion.version
    if champion.data_end > data_end:
        why_not = f"it has seen data until {champion.data_end}, the candidate only until {data_end}"
        return Comparison(champion_version=version, why_not=why_not)
    judged = ws.read(scores)
    champion_scores = models.load(ws.path(champion.artifact.uri), champion.artifact.sha256).probabilities(ws.read(test))
    found = performance.auc_difference(
        judged["label"].to_numpy(), judged["candidate"].to_numpy(), champion_scores, confidence=confidence
    )
    return Comparison(
        champion_version=version, champion=found.second, difference=found.difference, low=found.low, high=found.high
    )
