"""A version goes into another environment's registry, if that one's gate agrees; both ledgers point at each other."""

import logging
from dataclasses import replace
from typing import Any

from evergreen.base.values import Value
from evergreen.decisions.gate.decision import candidate_key
from evergreen.project import Project
from evergreen.record.candidate import Candidate
from evergreen.record.ledger.chain import Entry
from evergreen.record.outcomes import Judgement
from evergreen.record.registry import people
from flows.opened import run_opened
from flows.recorder import Recorder
from flows.sending import Sending
from flows.settlement import Origin, settle
from flows.training import decide, find_judged
from tasks.mirror import mirror

log = logging.getLogger(__name__)
SHORT = 12  # characters of a digest that stand in the key of an entry


class Transferred(Value):
    """What came of a version in another environment: `judged` there, and the hash of each ledger's own entry."""

    env: str
    version: int
    judged: Judgement
    sent: str
    received: str


def run_transfer(sending: Sending) -> Transferred:
    """Return what `transfer` does, as a run of the flow "transfer" where the version goes."""
    what = f"version {sending.facts.version} from {sending.source.asked.env}"
    return run_opened("transfer", sending.target, lambda: transfer(sending, Recorder()), why=what, sent=what)


def transfer(sending: Sending, do: Recorder) -> Transferred:
    """Copy a version, ask the gate of where it goes, and register it there if that agrees, with both ledgers' word.

    A transfer that was killed on the way goes through here again; every effect is made only once, and a version that
    was sent before is not judged again.

    Raises
    ------
    IntegrityError if part of the version was damaged meanwhile. Unavailable if MLflow does not work there. LostRace if
    a training runs there, or the champion changed meanwhile.
    """
    project, facts, person = _as_it_was_made(sending), sending.facts, sending.person
    name, here = project.name, sending.source.asked.env
    ledger, lease = project.ledger(), f"training:{project.name}"
    do(mirror, name, settings=project.settings)  # fails before anything is done
    with ledger.lease(lease) as held:
        for ref in sending.refs:
            project.workspace.take(ref, sending.source.workspace)
        candidate = _candidate(sending, project)
        judged = find_judged(ledger, name, candidate.key)
        if judged is None:
            judged = _judge(sending, project, candidate, do, fence=(lease, held))
        ledger.record(name, "judgement", candidate.key, judged.model_dump(mode="json"))
        received = ledger.record(
            name,
            "received",
            _key(f"{here}:{facts.version}:{facts.artifact.sha256[:SHORT]}", sending, candidate),
            {
                "version": judged.version,
                "env": here,
                "from_version": facts.version,
                "verdict": judged.verdict,
                "candidate": candidate.key,
                "model_digest": facts.artifact.sha256,
                "proof": facts.proof and facts.proof.model_dump(),
                "entry": sending.entry,
                "by": person.by,
                "reason": person.reason,
            },
        )
    sent = _point_at(sending, candidate, received)
    do(mirror, name, settings=project.settings)
    log.info("transfer: version %d to %s: %s", facts.version, project.asked.env, judged.verdict)
    return Transferred(
        env=project.asked.env, version=facts.version, judged=judged, sent=sent.hash, received=received.hash
    )


def _as_it_was_made(sending: Sending) -> Project:
    """Return the project of where the version goes, with the contract and the parameters that it was made with.

    What decides about it is of where it goes: the gate's policy, who has to approve, and how it comes to the traffic.
    """
    decides = {name: getattr(sending.target.params, name) for name in ("gate", "approval", "rollout")}
    params = sending.proof.params.model_copy(update=decides)
    return replace(sending.target, params=params, contract=sending.proof.contract)


def _candidate(sending: Sending, project: Project) -> Candidate:
    """Return the candidate as it was judged, under the key that it is judged under where it goes.

    It is the same one, unless the gate's policy is another there, or it was proposed there and the champion changed.
    """
    candidate = sending.proof.candidate
    key = candidate.key
    if project.params.gate != sending.proof.params.gate:
        key = candidate_key(candidate.model.sha256, candidate.report, project.params.gate)
    return candidate.model_copy(update={"key": people.key_now(project.ledger(), project.name, key)})


def _judge(
    sending: Sending, project: Project, candidate: Candidate, do: Recorder, *, fence: tuple[str, int]
) -> Judgement:
    facts, proof, ledger = sending.facts, sending.proof, project.ledger()
    epoch = champion.epoch if (champion := ledger.champion(project.name)) else 0
    case, verdict = decide(project, ledger, candidate, do, rule=None, only=proof.taken)
    taken = candidate.taking(proof.taken)
    if verdict.promote:
        taken = taken.model_copy(update={"model": facts.artifact})
    origin = Origin(
        commit=proof.commit,
        author=proof.author,
        card=proof.card or sending.source.card,
        digests=proof.digests,
        steps=proof.steps,
        python=proof.python,
        packages=proof.packages,
    )
    return settle(
        project,
        taken,
        case,
        verdict,
        do,
        epoch=epoch,
        fence=fence,
        reason=f"version {facts.version} of {sending.source.asked.env}",
        origin=origin,
        as_judged=facts.as_judged if verdict.promote else None,
        person=sending.person,
    )


def _point_at(sending: Sending, candidate: Candidate, received: Entry) -> Entry:
    """Record where the version came from that it was sent, and what came of it; `received` says that there."""
    told: dict[str, Any] = received.payload
    payload = {
        "version": sending.facts.version,
        "env": sending.target.asked.env,
        "to_version": told["version"],
        "verdict": told["verdict"],
        "entry": received.hash,
        "by": told["by"],
        "reason": told["reason"],
    }
    key = _key(f"{sending.target.asked.env}:{sending.facts.version}", sending, candidate)
    return sending.source.ledger().record(sending.source.name, "sent", key, payload)


def _key(key: str, sending: Sending, candidate: Candidate) -> str:
    """Return the key of an entry about this judgement: one that is not the first of a version says so."""
    again = candidate.key != sending.proof.candidate.key
    return f"{key}:{candidate.key[:SHORT]}" if again else key
