"""Which incidents there were, and which there are."""

from collections.abc import Sequence
from datetime import datetime

from evergreen.decisions.alerts import decided, rolled
from evergreen.decisions.alerts.facts import Fact
from evergreen.decisions.alerts.incident import Incident
from evergreen.decisions.alerts.looked import found_by_looks
from evergreen.decisions.alerts.silence import Rhythm, silent


def incidents(
    facts: Sequence[Fact], *, model: str, now: datetime, rhythm: Rhythm | None = None
) -> tuple[Incident, ...]:
    """Return all incidents that follow from what happened, by when they began.

    The same facts give the same incidents: one keeps its key while it lasts, and the same evidence changes nothing.

    Parameters
    ----------
    facts : in the order in which they were recorded, none after `now`.
    rhythm : how often somebody should look; without it nothing is said of silence.
    """
    found = [
        *found_by_looks(facts, model=model),
        *decided.refused(facts, model=model),
        *decided.not_done(facts, model=model, now=now),
        *decided.waiting(facts, model=model, now=now),
        *rolled.returned(facts, model=model),
        *rolled.waiting(facts, model=model),
        *(silent(facts, model=model, now=now, rhythm=rhythm) if rhythm else ()),
    ]
    return tuple(sorted(found, key=lambda one: (one.since, one.key)))
