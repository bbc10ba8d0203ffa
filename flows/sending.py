"""What is sent to another environment: a version, all that belongs to it, and what forbids it. Needs no engine."""

from dataclasses import dataclass
from datetime import UTC, datetime

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.errors import ConfigError
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts, registered
from evergreen.record.registry import people
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.bundle import exportable
from evergreen.record.registry.people import Person
from evergreen.record.registry.proof import Proof
from flows.admission import require_whole


@dataclass(frozen=True)
class Sending:
    """A version on its way from one environment to another, with who sends it and why.

    `entry`: the hash of the entry that says last what is known of the version where it comes from.
    """

    source: Project
    target: Project
    person: Person
    facts: VersionFacts
    proof: Proof
    entry: str

    @property
    def refs(self) -> tuple[TableRef | FolderRef, ...]:
        """Everything that the gate asks of a candidate, and that a version is registered and watched with.

        The dataset is none of it: the rows that were taken from it are here, as they were validated and divided.
        """
        facts, candidate = self.facts, self.proof.candidate
        of_version = (facts.artifact, facts.as_judged, facts.proof, facts.train)
        of_candidate = [value for _, value in candidate if isinstance(value, (TableRef, FolderRef))]
        return tuple(ref for ref in (*of_version, *of_candidate) if ref is not None)


def prepare(source: Project, target: Project, version: int, person: Person) -> Sending:
    """Return what is sent, after looking at every byte of it; nothing is changed but a damaged package, built again.

    Raises
    ------
    ConfigError if there is no such version, it was rejected, or both environments keep something in one place.
    GateRefused if the policy of the other environment lets other people decide.
    IntegrityError if part of the version is gone or damaged, or it has no proof.
    """
    _require_elsewhere(source, target)
    ledger, name = source.ledger(), source.name
    people.require_version(ledger, name, version)
    if proposal := people.proposal_of(ledger, name, version):
        people.expire(ledger, name, proposal, now=datetime.now(UTC))
    people.require_not_rejected(ledger, name, version)
    people.require_allowed(version, person, target.params.approval.by)
    facts = exportable(ledger, name, version)
    assert facts.proof is not None
    require_whole(source, facts)
    proof, _ = proofs.read(source.workspace.path(facts.proof.uri), facts.proof.sha256)
    entry = registered(ledger, name, version)
    assert entry is not None
    sending = Sending(source=source, target=target, person=person, facts=facts, proof=proof, entry=entry.hash)
    for ref in sending.refs:
        source.workspace.require(ref)
    return sending


def _require_elsewhere(source: Project, target: Project) -> None:
    ours, theirs = source.settings, target.settings
    shared = [
        what
        for what, one, other in (
            ("state folder", str(ours.home), str(theirs.home)),
            ("ledger", ours.ledger(), theirs.ledger()),
            ("MLflow", ours.tracking_uri(), theirs.tracking_uri()),
        )
        if one == other
    ]
    if shared:
        raise ConfigError(
            "CFG073",
            f"environments '{source.asked.env}' and '{target.asked.env}' have one {shared[0]}: a version has to go "
            "from one registry into another",
            where=str(theirs.project / "configs" / "env" / f"{target.asked.env}.yaml"),
            next_step="Give it a place of its own there, and unset EVERGREEN_* variables that say otherwise.",
        )
