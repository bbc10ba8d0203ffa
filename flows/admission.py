"""May a version come into service? What the gate and the policy say of it, and whether all of it is there."""

from evergreen.adapters import packaging
from evergreen.base.errors import GateRefused
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import Judgement, VersionFacts, of_entry
from evergreen.record.registry import people


def require_no_approval(project: Project, ledger: Ledger, facts: VersionFacts) -> None:
    """Raise GateRefused if a version that never was in service was refused by the gate, or has to be approved."""
    version, entry = facts.version, ledger.find(project.name, "judgement", facts.candidate)
    judged = of_entry(ledger, entry, Judgement) if entry else facts.judged
    if judged.verdict == "refused":
        raise GateRefused(
            "GATE005",
            f"the gate refused version {version}, when it was asked again: {judged.reason}",
            where="ledger",
            next_step="Train another: evergreen run",
        )
    if people.proposal_of(ledger, project.name, version) or facts.judged.rule in project.params.approval.required:
        raise GateRefused(
            "GATE004",
            f"version {version} has to be approved: the policy asks for it after a gate by the rule "
            f"{facts.judged.rule}",
            where="approval.required",
            next_step=f'Approve it: evergreen approve {version} --by NAME --reason "why"',
        )


def require_whole(project: Project, facts: VersionFacts) -> None:
    """Check everything that a version serves and is watched with, and build its package again if that is damaged.

    Raises
    ------
    IntegrityError if a model, the train rows or the proof is missing, or not as it was written.
    """
    for ref in (facts.artifact, facts.as_judged, facts.proof, facts.train):
        if ref:
            project.workspace.require(ref)
    packaging.restore(facts, project.settings)
