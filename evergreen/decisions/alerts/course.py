"""The course of one kind of incident: what is found opens one, what is not found any more ends it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from evergreen.decisions.alerts.incident import Incident, Kind

SECOND = timedelta(seconds=1)  # the unit of an incident's time


class Course:
    """Incidents of one kind of a model, as one finding after another says.

    Who is found to be concerned at the same time for the first time is one incident, which ends when none of them is
    concerned any more: ten columns that break at once are one, and an eleventh later is another.
    """

    def __init__(self, model: str, kind: Kind) -> None:
        self._model, self._kind = model, kind
        self._open: list[tuple[frozenset[str], Incident]] = []
        self._over: list[Incident] = []

    def see(self, at: datetime, found: Mapping[str, str], *, over: str) -> None:
        """Take note of a finding.

        Parameters
        ----------
        at : when; one earlier than what was seen before counts as that.
        found : the evidence by whom it is about; empty where it is so of nobody.
        over : why what is not found any more is over.
        """
        lasting: list[tuple[frozenset[str], Incident]] = []
        for subjects, incident in self._open:
            still = [found[subject] for subject in sorted(subjects) if subject in found]
            if still:
                lasting.append((subjects, incident.model_copy(update={"evidence": "; ".join(still)})))
            else:
                until = max(at, incident.since)
                self._over.append(incident.model_copy(update={"until": until, "ended": over}))
        self._open = lasting
        known = frozenset[str]().union(*(subjects for subjects, _ in lasting))
        new = sorted(found.keys() - known)
        if new:
            subject = ", ".join(new)
            before = [one for one in self._over if one.subject == subject and one.until]
            since = max([at.replace(microsecond=0), *(one.until + SECOND for one in before if one.until)])
            incident = Incident(
                model=self._model,
                kind=self._kind,
                subject=subject,
                since=since,
                evidence="; ".join(found[subject] for subject in new),
            )
            self._open.append((frozenset(new), incident))

    def incidents(self) -> list[Incident]:
        """Return all that there were, those that are over first."""
        return [*self._over, *(incident for _, incident in self._open)]
