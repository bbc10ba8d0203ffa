"""Which rung of the repair ladder a look's decision leads to, and what its candidate is made of."""

from datetime import date, timedelta

from evergreen.decisions.retrain.ladder import Rung
from evergreen.project import Project
from evergreen.record.candidate import Repair
from evergreen.record.looks import Look
from evergreen.record.outcomes import VersionFacts


def rung_of(look: Look) -> Rung | None:
    """Return the rung of the ladder that a look's decision asks for; None for a search that nothing measured."""
    asked = look.decision.rung, look.decision.window
    return next(
        (rung for rung in (look.probed.rungs if look.probed else ()) if (rung.name, rung.window) == asked), None
    )


def history_since(project: Project, look: Look, rung: Rung | None, known: date) -> date | None:
    """Return the first day of the history that a rung is made of; None for all."""
    if rung and rung.window == "recent" and look.probed:
        return look.probed.since
    days, begins = project.params.retrain.window, project.params.ingest.start
    if not isinstance(days, int) or (rung and not rung.is_training):
        return None
    since = known - timedelta(days=days)
    return since if begins is None or since > begins else None


def repair_of(project: Project, champion: VersionFacts, rung: Rung | None, since: date | None) -> Repair | None:
    """Return how a candidate comes of the champion by a rung; None for a search."""
    choice = project.champion_choice()
    if rung is None or rung.name == "search" or choice is None or champion.data_end is None:
        return None
    return Repair(
        rung=rung.name,
        since=since,
        artifact=champion.artifact,
        fitted_on=None if champion.as_judged else champion.train,
        data_end=champion.data_end,
        choice=choice,
    )
