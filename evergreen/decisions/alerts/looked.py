"""Incidents that looks find: each kind is as the look says that decides of the latest window of which one can tell."""

from collections.abc import Iterable

from evergreen.base import months
from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.facts import Changed, Fact, Looked
from evergreen.decisions.alerts.incident import Incident, Kind

FOUND: tuple[Kind, ...] = (
    *("data-fault", "skew", "harm", "automation", "circuit-open", "labels-late", "probe-failed"),
)
OF_A_VERSION: tuple[Kind, ...] = ("harm", "automation")


def found_by_looks(facts: Iterable[Fact], *, model: str) -> list[Incident]:
    """Return the incidents that looks found, and ended.

    A window that is looked at again counts as it was seen last: what a later look does not find any more ends, whether
    things went well or the look before was wrong. A look that cannot tell changes nothing. Harm of a version, and of
    what it answers by itself, ends when another one answers.
    """
    courses = {kind: Course(model, kind) for kind in FOUND}
    told: dict[Kind, Looked] = {}
    champion: int | None = None
    for fact in facts:
        if isinstance(fact, Changed):
            champion = fact.version
            for kind in OF_A_VERSION:
                courses[kind].see(fact.at, {}, over=f"version {champion} answers since")
                told.pop(kind, None)
        if not isinstance(fact, Looked):
            continue
        for kind in FOUND:
            before = told.get(kind)
            of_another = kind in OF_A_VERSION and champion not in (None, fact.version)
            if kind not in fact.found or of_another or (before and fact.order < before.order):
                continue
            courses[kind].see(fact.at, fact.found[kind], over=_over(fact, before))
            told[kind] = fact
    return [incident for course in courses.values() for incident in course.incidents()]


def _over(look: Looked, before: Looked | None) -> str:
    window = months.named(look.start, look.end)
    if before and (before.start, before.end) == (look.start, look.end):
        return f"withdrawn: a later look at {window} does not find it"
    return f"the look at {window} does not find it any more"
