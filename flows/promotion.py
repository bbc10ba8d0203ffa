"""What people decide about versions: approve, reject, promote and roll back. Plain calls, which need no engine."""

import logging
from datetime import UTC, datetime
from typing import Literal

from evergreen.project import Project
from evergreen.record.ledger.champions import Decision
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts, directly
from evergreen.record.registry import people
from evergreen.record.registry.people import Person, Proposal
from flows import rollout
from flows.admission import require_no_approval, require_whole
from flows.following import follow, follow_beside, follow_or_say

log = logging.getLogger(__name__)


def approve(project: Project, version: int, person: Person, *, direct: bool = False) -> VersionFacts:
    """Bring a version that waits for a person into service, with the approval or not at all.

    Where another version answers, it is tried on the traffic first, by the plan.

    Parameters
    ----------
    direct : let it answer all traffic at once, as `rollout.direct` does for all; the promotion keeps that.

    Raises
    ------
    ConfigError if there is no such version, it is champion, was rejected, or does not wait for anybody.
    GateRefused if the policy does not let this person approve it.
    LostRace if the champion or the data changed since it was proposed.
    IntegrityError if part of it is missing or damaged; Unavailable if MLflow does not work. Nothing is changed then.
    """
    ledger, name = project.ledger(), project.name
    champion = ledger.champion(name)
    facts = people.require_version(ledger, name, version)
    people.require_not_champion(champion, version)
    proposal = people.require_waiting(ledger, name, version, now=datetime.now(UTC))
    people.require_allowed(version, person, proposal.by)
    if proposal.not_author:
        people.require_not_author(facts, person)
    people.require_fresh(proposal, champion)
    require_same_data(project, proposal)
    require_whole(project, facts)
    follow(project)
    approval = Decision(kind="approval", key=str(version), payload=person.told(version))
    if champion and not (direct or project.params.rollout.direct):
        rollout.begin(project, version, by=person.by, reason=person.reason, kind="approval", epoch=proposal.epoch)
        ledger.record_under(name, **dict(approval), expected_epoch=proposal.epoch)
        return facts
    whole = champion is not None
    _bring(ledger, facts, person, expected_epoch=proposal.epoch, kind="promotion", because=approval, direct=whole)
    follow_or_say(project)
    return people.require_version(ledger, name, version)


def reject(project: Project, version: int, person: Person) -> VersionFacts:
    """Record that a version must not come into service, ever again.

    Raises
    ------
    ConfigError if there is no such version, it is champion, or was rejected before. LostRace if the champion changed
    meanwhile.
    """
    ledger, name = project.ledger(), project.name
    champion = ledger.champion(name)
    facts = people.require_version(ledger, name, version)
    people.require_not_champion(champion, version)
    people.require_not_rejected(ledger, name, version)
    told, epoch = person.told(version), champion.epoch if champion else 0
    entry = ledger.record_under(name, "rejection", str(version), told, expected_epoch=epoch)
    if entry.payload != told:  # somebody else was faster
        people.require_not_rejected(ledger, name, version)
    return facts


def promote(project: Project, version: int, person: Person, *, direct: bool = False) -> VersionFacts:
    """Bring a registered version into service because a person says so, such as forward again after a rollback.

    Parameters
    ----------
    direct : as in `approve`, for a version that was never in service.

    Raises
    ------
    As `approve`; GateRefused too if the gate refused it, if it has to be approved, or if it was never in service and
    would answer all traffic at once.
    """
    ledger, name = project.ledger(), project.name
    champion = ledger.champion(name)
    facts = people.require_version(ledger, name, version)
    people.require_not_champion(champion, version)
    people.require_not_rejected(ledger, name, version)
    if facts.judged.verdict != "promoted":
        require_no_approval(project, ledger, facts)
    people.require_allowed(version, person, project.params.approval.by)
    require_whole(project, facts)
    follow(project)
    untried = champion is not None and version not in {int(entry.payload["version"]) for entry in ledger.changes(name)}
    if untried and not (direct or project.params.rollout.direct):
        raise rollout.at_once(version)
    epoch = champion.epoch if champion else 0
    _bring(ledger, facts, person, expected_epoch=epoch, kind="promotion", direct=untried)
    follow_or_say(project)
    return people.require_version(ledger, name, version)


def rollback(project: Project, person: Person, *, to: int | None = None) -> VersionFacts:
    """Bring a version that was champion before back into service: by default the one before the present champion.

    Model, package, train rows (the reference of drift) and threshold come back together. A training that runs meanwhile
    does not stop it, and cannot promote what it judged against the champion of before. MLflow follows when it answers.

    Raises
    ------
    ConfigError if there is no version to go back to. IntegrityError if part of it is missing or damaged, but for the
    package, which is built again. LostRace if the champion changed meanwhile. Nothing is changed then.
    """
    ledger, name = project.ledger(), project.name
    project.champion()  # or an error that says how to get one
    champion = ledger.champion(name)
    assert champion is not None
    if to is not None:
        people.require_version(ledger, name, to)
        people.require_not_champion(champion, to)
        people.require_not_rejected(ledger, name, to)
    facts = people.require_version(ledger, name, people.before(ledger, name, to))
    require_whole(project, facts)
    _bring(ledger, facts, person, expected_epoch=champion.epoch, kind="rollback")
    follow_beside(project)
    return people.require_version(ledger, name, facts.version)


def _bring(
    ledger: Ledger,
    facts: VersionFacts,
    person: Person,
    *,
    expected_epoch: int,
    kind: Literal["promotion", "rollback"],
    because: Decision | None = None,
    direct: bool = False,
) -> None:
    model, promoted = facts.judged.model, facts.promoted(datetime.now(UTC))
    ledger.promote(
        model,
        facts.version,
        {**promoted.model_dump(mode="json"), "by": person.by, "reason": person.reason, **directly(direct)},
        expected_epoch=expected_epoch,
        kind=kind,
        because=because,
        unless=("rejection", str(facts.version)),
    )
    log.info("%s: version %d of '%s' is champion, says %s: %s", kind, facts.version, model, person.by, person.reason)


def require_same_data(project: Project, proposal: Proposal) -> None:
    """Raise LostRace if the rows of a proposal's period are others by now; only what is new in the source is read."""
    from tasks.ingest import ingest

    given, period = project.given, proposal.period
    found = ingest.fn(
        given.source, ws=given.ws, datasets=given.datasets, contract=given.contract, params=period
    ).raw.sha256
    if found != proposal.data_digest:
        raise people.stale(
            proposal.version,
            f"the data changed since: it was made of rows {proposal.data_digest[:12]}, now they are {found[:12]}",
        )
