"""Step: champion and candidate on the same rows -> the difference and its interval."""

from datetime import date

from prefect import task

from evergreen import intervals, performance
from evergreen import model as models
from evergreen.artifacts import FolderRef, TableRef, Workspace
from evergreen.estimates import Estimates
from evergreen.evaluation import Comparison
from evergreen.features import fit_target
from evergreen.model import Model
from evergreen.outcomes import ChampionFacts
from tasks.engine import RETRIED


@task(name="compare", timeout_seconds=1800, **RETRIED)
def compare(
    champion: ChampionFacts,
    model: FolderRef,
    data_end: date | None,
    split: str | None,
    test: TableRef,
    scores: TableRef,
    ws: Workspace,
    confidence: float,
) -> Comparison:
    """Score the champion on the test rows of the candidate `model`.

    A comparison that is not valid says why: the champion learned another target, has seen those rows or may have, or
    the rows are too few for an interval.
    """
    version = champion.version
    theirs, ours = (models.load(ws.path(ref.uri), ref.sha256) for ref in (champion.artifact, model))
    rows, contract = ws.read(test), ours.contract
    labels = fit_target(rows, contract)
    why_not = (
        other_target(theirs, ours)
        or may_have_seen(champion, data_end, split)
        or intervals.too_few(contract.task, labels)
    )
    if why_not:
        return Comparison(champion_version=version, why_not=why_not)
    candidate = Estimates.read(ws.read(scores), "candidate", contract.task, ours.classes)
    found = performance.difference(
        contract.task, labels, candidate.judged, theirs.predict(rows).judged, confidence=confidence
    )
    return Comparison(
        champion_version=version, champion=found.second, difference=found.difference, low=found.low, high=found.high
    )


def other_target(champion: Model, candidate: Model) -> str:
    """Return how the champion's target differs from the candidate's; empty when they are the same."""
    theirs, ours = champion.contract, candidate.contract
    if theirs.task != ours.task:
        return f"its target is {theirs.task}, the candidate's {ours.task}"
    if champion.classes != candidate.classes:
        return f"its classes are {', '.join(champion.classes)}, the candidate's {', '.join(candidate.classes)}"
    return ""


def may_have_seen(champion: ChampionFacts, data_end: date | None, split: str | None) -> str:
    """Return why the champion may have been trained on the candidate's test rows; empty when it was not."""
    if data_end is None:
        drawn_otherwise = split is None or champion.split != split
        return "its train rows were drawn in another way, so they may hold these test rows" if drawn_otherwise else ""
    if champion.data_end is None:
        return "it was trained on rows without a time"
    if champion.data_end > data_end:
        return f"it has seen data until {champion.data_end}, the candidate only until {data_end}"
    return ""
