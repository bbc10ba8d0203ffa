"""Which rung of the repair ladder a look's decision leads to, and what its candidate is made of."""

from datetime import date, timedelta
from math import inf

from evergreen.decisions.retrain.ladder import Rung, after
from evergreen.project import Project
from evergreen.record.candidate import Repair
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.looks import Look
from evergreen.record.outcomes import VersionFacts


def rung_of(look: Look, ledger: Ledger) -> Rung | None:
    """Return the rung of the ladder that a look's decision asks for; None for a search that nothing measured.

    One that the gate refused at the look before, of the same champion, is followed by the next.
    """
    if look.probed is None or look.decision.rung is None:
        return None
    asked = [rung for rung in look.probed.rungs if rung.name == look.decision.rung]
    rung = max(asked, key=lambda rung: rung.gain if rung.gain is not None else -inf, default=None)
    before = ledger.entries(look.model, "retraining")
    if rung is None or not before:
        return rung
    last = before[-1]
    is_refused = last.payload["outcome"]["verdict"] == "refused" and last.key.startswith(f"v{look.version}:")
    if is_refused and last.payload.get("rung") == rung.name:
        return after(rung, look.probed)
    return rung


def history_since(project: Project, look: Look, rung: Rung | None, known: date) -> date | None:
    """Return the first day of the history that a rung is made of; None for all."""
    if rung and rung.window == "recent" and look.probed:
        return look.probed.since
    days = project.params.retrain.window
    return known - timedelta(days=days) if isinstance(days, int) and (rung is None or rung.is_training) else None


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
