"""The course of one kind of incident: what is found opens one, what is not found any more ends it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from evergreen.base.errors import printable
from evergreen.decisions.alerts.incident import Incident, Kind

SECOND = timedelta(seconds=1)  # the unit of an incident's time
MOST_NAMES, LONGEST_NAME, LONGEST_EVIDENCE = 5, 100, 1_000  # of a subject; characters


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
        at : when; an incident that began later than this ends at its beginning.
        found : the evidence by whom it is about; empty where it is so of nobody.
        over : why what is not found any more is over.
        """
        lasting: list[tuple[frozenset[str], Incident]] = []
        for subjects, incident in self._open:
            still = [found[subject] for subject in sorted(subjects) if subject in found]
            if still:
                lasting.append((subjects, incident.model_copy(update={"evidence": _joined(still)})))
            else:
                until = max(at, incident.since)
                self._over.append(incident.model_copy(update={"until": until, "ended": over}))
        self._open = lasting
        known = frozenset[str]().union(*(subjects for subjects, _ in lasting))
        new = sorted(found.keys() - known)
        if new:
            subject = _named(new)
            alike = [one for one in self.incidents() if one.subject == subject]
            since = max([at.replace(microsecond=0), *((one.until or one.since) + SECOND for one in alike)])
            incident = Incident(
                model=self._model,
                kind=self._kind,
                subject=subject,
                since=since,
                evidence=_joined(found[subject] for subject in new),
            )
            self._open.append((frozenset(new), incident))

    def incidents(self) -> list[Incident]:
        """Return all that there were, those that are over first."""
        return [*self._over, *(incident for _, incident in self._open)]


def _named(subjects: Sequence[str]) -> str:
    names = [printable(subject[:LONGEST_NAME]) for subject in subjects[:MOST_NAMES]]
    left = len(subjects) - len(names)
    return ", ".join(names) + (f" and {left} more" if left else "")


def _joined(evidence: Iterable[str]) -> str:
    text = "; ".join(evidence)
    return text if len(text) <= LONGEST_EVIDENCE else text[: LONGEST_EVIDENCE - 1] + "…"
