"""A project of visits with a second version, which is the first one's model under another number."""

from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts, version_facts


def another(project: Project, version: int = 2) -> VersionFacts:
    """Register another version, that the gate agreed to and nobody promoted."""
    ledger = project.ledger()
    first = version_facts(ledger, project.name, 1)
    assert first is not None
    judged = first.judged.model_copy(update={"version": version, "verdict": "proposed", "promoted_at": None})
    made = first.model_copy(update={"version": version, "judged": judged})
    ledger.record(project.name, "version", str(version), made.model_dump(mode="json"))
    return made
