"""Rollouts: begin one, and what people do to it: advance, hold, abort. Plain calls, which need no engine."""

import logging
from datetime import UTC, datetime
from typing import Any

from evergreen.base.errors import ConfigError, GateRefused, LostRace
from evergreen.base.values import Value
from evergreen.config.params.rollout import SHADOW
from evergreen.decisions.rollout.decision import Decision, decide
from evergreen.decisions.rollout.plan import parse
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.ledger import champions
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import people
from evergreen.record.registry.people import Person
from evergreen.record.rollouts import MOVE, Origin, Rollout
from flows.admission import require_no_approval, require_whole
from flows.following import follow_or_say

log = logging.getLogger(__name__)


class Looked(Value):
    """What a look led to. `decision`: None where nothing was judged, and `why`."""

    rollout: str | None = None
    decision: Decision | None = None
    why: str = ""


def begin(
    project: Project,
    version: int,
    *,
    plan: str | None = None,
    by: str,
    reason: str,
    kind: Origin = "command",
    direct: bool = False,
    epoch: int | None = None,
) -> Rollout:
    """Begin to bring a registered version into service by degrees.

    Parameters
    ----------
    plan : by default that of the parameters.
    by, reason : who wants it and why; a person, or what decided.
    kind : what began it; a person's command is refused what the gate refused, and what waits for an approval. What an
        unclear gate began is in a shadow first, and has to show there what the gate could not see.
    direct : whether all of the traffic may be the first step.
    epoch : of the champion that the version was judged against; by default the present one's.

    Raises
    ------
    ConfigError for a plan that cannot be followed, without a champion, if there is no such version, it is champion, or
    was rejected. GateRefused if it may not be brought into service, or nothing is seen of it first and `direct` does
    not say so. LostRace if something else divides the traffic, or the champion changed meanwhile. IntegrityError if
    part of the version is missing or damaged. Nothing is changed then.
    """
    ledger, name, policy = project.ledger(), project.name, project.params.rollout
    followed = parse(plan) if plan is not None else parse(policy.plan, where="params.yaml: rollout.plan")
    if kind == "unclear" and followed.steps[0].percent is not None:
        followed = parse(f"{SHADOW},{followed.text}")
    project.champion()  # or an error that says how to get one
    champion = ledger.champion(name)
    assert champion is not None
    facts = people.require_version(ledger, name, version)
    people.require_not_champion(champion, version)
    people.require_not_rejected(ledger, name, version)
    if kind == "command" and facts.judged.verdict != "promoted":
        require_no_approval(project, ledger, facts)
    if kind == "command":
        people.require_allowed(version, Person(by=by, reason=reason, door="cli"), project.params.approval.by)
    if followed.at_once and not direct:
        raise at_once(version)
    unit = _unit(project)
    rollouts.require_none(ledger, name)
    if followed.looked_at:
        traffic.require_free(ledger, name)
    require_whole(project, facts)
    made = rollouts.start(
        ledger,
        name,
        version=version,
        champion=champion.version,
        epoch=champion.epoch if epoch is None else epoch,
        plan=followed,
        policy=policy,
        unit=unit,
        origin=kind,
        by=by,
        reason=reason,
        better=kind == "unclear" and facts.judged.rule == "superiority",
    )
    log.info("%s of version %d of '%s' begins: %s, says %s: %s", made.owner, version, name, followed.text, by, reason)
    if followed.at_once:
        return finish(project, made, by=by, reason=reason, evidence={"direct": True})
    try:
        divide(ledger, made, by=by, reason=reason)
    except LostRace as error:
        rollouts.move(ledger, made, "aborted", by=made.owner, reason=error.what)
        raise
    return made


def advance(project: Project, person: Person) -> Rollout:
    """Take the next step because a person says so, whatever the checks say; after it they decide again.

    Raises
    ------
    ConfigError if no rollout is under way. GateRefused if the policy lets other people decide. LostRace if the champion
    changed since it began, or something else moved it.
    """
    ledger = project.ledger()
    rollout = rollouts.require_under_way(ledger, project.name)
    people.require_allowed(rollout.begun.version, person, project.params.approval.by)
    require_same_champion(ledger, rollout)
    return step_on(project, rollout, by=person.by, reason=person.reason)


def hold(project: Project, person: Person) -> Rollout:
    """Keep the rollout at its step until a person advances or aborts it; what shows harm still returns it.

    Raises
    ------
    ConfigError if no rollout is under way. LostRace if something else moved it.
    """
    ledger = project.ledger()
    rollout = rollouts.require_under_way(ledger, project.name)
    return rollouts.move(ledger, rollout, "held", by=person.by, reason=person.reason)


def abort(project: Project, person: Person) -> Rollout:
    """Give all of the traffic back to the champion because a person says so.

    Raises
    ------
    ConfigError if no rollout is under way. LostRace if something else moved it.
    """
    rollout = rollouts.require_under_way(project.ledger(), project.name)
    return end(project, rollout, "aborted", by=person.by, reason=person.reason)


def look(project: Project, *, now: datetime | None = None) -> Looked:
    """Look at the rollout that is under way, and do what follows: the next step, all of the traffic, none, or nothing.

    Without one nothing is read but the ledger. Of several that look at once, one does. What was begun and not finished,
    because a process ended, is finished first.
    """
    ledger, name = project.ledger(), project.name
    rollout = rollouts.under_way(ledger, name)
    if rollout is None:
        _put_right(ledger, name)
        return Looked(why="no rollout is under way")
    try:
        with ledger.lease(f"rollout:{name}"):
            rollout = rollouts.require_under_way(ledger, name)
            return _looked(project, rollout, now or datetime.now(UTC))
    except LostRace as error:
        return Looked(rollout=rollout.owner, why=f"somebody else was faster: {error}")


def _looked(project: Project, rollout: Rollout, now: datetime) -> Looked:
    ledger, begun = project.ledger(), rollout.begun
    changed = rollouts.other_champion(ledger, rollout)
    if changed:
        champion = ledger.champion(begun.model)
        if champion and champion.version == begun.version:
            end(project, rollout, "aborted", by=rollout.owner, reason=f"version {begun.version} is champion already")
            return Looked(rollout=rollout.owner, why=f"version {begun.version} is champion already")
        found = Decision(answer="hold", reason=f"the champion changed: {changed}", checks=(), person=True)
        rollouts.note(ledger, rollout, found)
        return Looked(rollout=rollout.owner, decision=found)
    rejection = ledger.find(begun.model, "rejection", str(begun.version))
    if rejection:
        by, why = rejection.payload.get("by"), rejection.payload.get("reason")
        done = end(project, rollout, "returned", by=rollout.owner, reason=f"it was rejected by {by}: {why}")
        return Looked(rollout=rollout.owner, why=done.moves[-1].reason)
    divide(ledger, rollout, by=rollout.owner, reason="what was decided is put into effect")
    found = judged(project, rollout, now)
    rollouts.note(ledger, rollout, found)
    evidence = found.model_dump(mode="json")
    if found.answer == "return":
        reason = f"{found.reason}. It answered {found.exposed:,} rows"
        end(project, rollout, "returned", by=rollout.owner, reason=reason, evidence=evidence)
    elif found.answer == "end":
        end(project, rollout, "aborted", by=rollout.owner, reason=found.reason, evidence=evidence)
    elif found.answer in ("advance", "finish"):
        step_on(project, rollout, by=rollout.owner, reason=found.reason, evidence=evidence)
    log.info("%s at %s: %s: %s", rollout.owner, rollout.step.name, found.answer, found.reason)
    return Looked(rollout=rollout.owner, decision=found)


def judged(project: Project, rollout: Rollout, now: datetime) -> Decision:
    """Return what the log says of a rollout now, and what follows from it; nothing is changed."""
    from evergreen.record import exposed  # which brings the libraries that read the log

    answers = exposed.answers_of(
        project.settings.predictions, rollout, contract=project.contract, harm=project.params.harm, now=now
    )
    held = rollout.held
    return decide(
        rollout.plan,
        rollout.at,
        answers,
        rollout.begun.policy,
        passed=now - rollout.since,
        coverage=project.params.labels.coverage,
        held=f"{held.by} holds it: {held.reason}" if held else "",
        better=rollout.begun.better,
    )


def _put_right(ledger: Ledger, name: str) -> None:
    """End the rule of a rollout that has ended, where the process that ended it did not come to that."""
    last = rollouts.rollouts(ledger, name)[-1:]
    stands = traffic.standing(ledger, name) if last else None
    if stands and stands.owner == last[0].owner:
        divide(ledger, last[0], by=last[0].owner, reason="it has ended")


def step_on(
    project: Project, rollout: Rollout, *, by: str, reason: str, evidence: dict[str, Any] | None = None
) -> Rollout:
    """Take the next step of a rollout; all of the traffic is a promotion."""
    ledger, after = project.ledger(), rollout.at + 1
    if rollout.plan.steps[after].share == 1:
        return finish(project, rollout, by=by, reason=reason, evidence=evidence)
    moved = rollouts.move(ledger, rollout, "advanced", step=after, by=by, reason=reason, evidence=evidence)
    divide(ledger, moved, by=by, reason=reason)
    log.info("%s: %s of the traffic from now on, says %s: %s", moved.owner, moved.step.name, by, reason)
    return moved


def finish(
    project: Project, rollout: Rollout, *, by: str, reason: str, evidence: dict[str, Any] | None = None
) -> Rollout:
    """Make the version champion, with the move that says so or not at all, and give it all of the traffic.

    Raises
    ------
    LostRace if the champion changed since it began, the version was rejected, or something else moved the rollout.
    """
    ledger, begun, last = project.ledger(), rollout.begun, len(rollout.plan.steps) - 1
    facts = people.require_version(ledger, begun.model, begun.version)
    require_whole(project, facts)
    moved = rollouts.payload_of(rollout, "finished", step=last, by=by, reason=reason, evidence=evidence)
    if ledger.find(begun.model, MOVE, rollouts.next_key(rollout)):
        raise LostRace(
            "RACE007",
            f"something moved {rollout.owner} at the same time",
            where="ledger",
            next_step="See where it stands: evergreen rollout status",
        )
    ledger.promote(
        begun.model,
        begun.version,
        {
            **facts.promoted(datetime.now(UTC)).model_dump(mode="json"),
            "by": rollout.owner,
            "reason": f"{reason} (begun by {begun.by}: {begun.reason})",
            "rollout": begun.number,
            **({"direct": True} if rollout.plan.at_once else {}),
        },
        expected_epoch=begun.epoch,
        because=champions.Decision(kind=MOVE, key=rollouts.next_key(rollout), payload=moved),
        unless=("rejection", str(begun.version)),
    )
    log.info("%s: version %d of '%s' is champion: %s", rollout.owner, begun.version, begun.model, reason)
    done = _again(ledger, rollout)
    divide(ledger, done, by=by, reason=reason)
    follow_or_say(project)
    return done


def end(
    project: Project,
    rollout: Rollout,
    did: rollouts.Did,
    *,
    by: str,
    reason: str,
    evidence: dict[str, Any] | None = None,
) -> Rollout:
    """End a rollout before all of the traffic: the champion answers alone."""
    ledger = project.ledger()
    moved = rollouts.move(ledger, rollout, did, by=by, reason=reason, evidence=evidence)
    divide(ledger, moved, by=by, reason=reason)
    log.warning("%s %s: version %d answers nobody any more: %s", moved.owner, did, moved.begun.version, reason)
    return moved


def divide(ledger: Ledger, rollout: Rollout, *, by: str, reason: str) -> None:
    """Let the traffic be divided as a rollout says; nothing where it is so already.

    Raises
    ------
    LostRace if something else divides it, or the champion changed since the rollout began.
    """
    name, wanted = rollout.begun.model, rollout.traffic()
    stands = traffic.standing(ledger, name)
    if wanted == stands or (wanted is None and stands and stands.owner != rollout.owner):
        return
    champion = ledger.champion(name)
    epoch = rollout.begun.epoch if wanted else champion.epoch if champion else 0
    traffic.change(
        ledger, name, wanted, owner=rollout.owner, expected_epoch=epoch, because={"by": by, "reason": reason}
    )


def require_same_champion(ledger: Ledger, rollout: Rollout) -> None:
    """Raise LostRace if the champion changed since a rollout began."""
    why = rollouts.other_champion(ledger, rollout)
    if why:
        raise LostRace(
            "RACE008",
            f"{rollout.owner} is held: {why}",
            where="ledger",
            next_step='End it and begin another: evergreen rollout abort --by NAME --reason "why"',
        )


def at_once(version: int) -> GateRefused:
    """Return the error of bringing a version that never was in service to all of the traffic, unseen and unsaid."""
    return GateRefused(
        "GATE008",
        f"version {version} never was in service: all of the traffic at once has to be asked for",
        where="command line",
        next_step=f"By degrees: evergreen rollout start {version} --plan shadow,5,25,50,100. At once: --direct",
    )


def _unit(project: Project) -> tuple[str, ...]:
    contract, policy = project.contract, project.params.rollout
    names = [column.name for column in contract.stored if column.role not in ("target", "leakage")]
    for column in policy.unit:
        if column not in names:
            raise ConfigError(
                "CFG111",
                f"rollout.unit names '{column}', which is not among what is sent and logged",
                where=f"contract '{contract.name}'",
                next_step=f"Name columns among: {', '.join(names)}.",
            )
    return policy.unit or ((contract.group,) if contract.group else ())


def _again(ledger: Ledger, rollout: Rollout) -> Rollout:
    return next(one for one in rollouts.rollouts(ledger, rollout.begun.model) if one.owner == rollout.owner)
