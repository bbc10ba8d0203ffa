"""Incidents of rollouts: a version that was taken out of the traffic, and a rollout that waits for a person."""

from collections.abc import Iterable

from evergreen.decisions.alerts.course import Course
from evergreen.decisions.alerts.facts import Changed, Fact, Rolled
from evergreen.decisions.alerts.incident import Incident


def returned(facts: Iterable[Fact], *, model: str) -> list[Incident]:
    """Return the incidents of versions that a check took out of the traffic; the next one that begins ends them."""
    course = Course(model, "rollout-returned")
    for fact in facts:
        if isinstance(fact, Rolled) and fact.did == "returned":
            course.see(fact.at, {f"v{fact.version}": f"{fact.rollout}: {fact.reason}"}, over="another was returned")
        elif isinstance(fact, Rolled) and fact.did == "began":
            course.see(fact.at, {}, over=f"{fact.rollout} of version {fact.version} began")
        elif isinstance(fact, Changed):
            course.see(fact.at, {}, over=f"version {fact.version} became champion")
    return course.incidents()


def waiting(facts: Iterable[Fact], *, model: str) -> list[Incident]:
    """Return the incidents of rollouts that go on only if a person does something, but for those a person holds."""
    course = Course(model, "rollout-waiting")
    for fact in facts:
        if not isinstance(fact, Rolled):
            continue
        asks = fact.did == "looked" and fact.person
        over = "a look found otherwise" if fact.did == "looked" else f"it {fact.did}"
        course.see(fact.at, {f"v{fact.version}": f"{fact.rollout}: {fact.reason}"} if asks else {}, over=over)
    return course.incidents()
