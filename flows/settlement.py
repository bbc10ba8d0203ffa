"""What follows the gate: a candidate is logged; one that passed is proven, registered, and promoted, or tried first."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from evergreen.base import failpoints
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.values import Value
from evergreen.config.card import CardText
from evergreen.decisions.gate.verdict import Verdict
from evergreen.project import Project
from evergreen.record import rollouts, traffic
from evergreen.record.candidate import Candidate
from evergreen.record.outcomes import GATE, Judgement, StepRun, VersionFacts, of_entry, version_facts
from evergreen.record.plan.commits import Commit
from evergreen.record.registry import people
from evergreen.record.registry.case import Case
from evergreen.record.registry.people import Person
from evergreen.record.tracker import Run
from flows import degrees, rollout
from flows.recorder import Recorder
from tasks.describe import describe
from tasks.package import package
from tasks.promote import promote
from tasks.prove import prove
from tasks.reference import reference
from tasks.register import register
from tasks.track import track

log = logging.getLogger(__name__)


class Origin(Value):
    """Where a candidate comes from: what its run, its proof and its version say of that.

    `steps`: those that made it. `digests`: of code and parameters. `python`, `packages`: None for what is there now.
    """

    commit: Commit
    author: str | None
    card: CardText
    digests: Mapping[str, str]
    steps: tuple[StepRun, ...]
    python: str | None = None
    packages: Mapping[str, str] | None = None


def settle(
    project: Project,
    candidate: Candidate,
    case: Case,
    verdict: Verdict,
    do: Recorder,
    *,
    epoch: int,
    fence: tuple[str, int],
    reason: str,
    origin: Origin,
    as_judged: FolderRef | None,
    person: Person | None = None,
) -> Judgement:
    """Log the run, and bring a candidate that passed the gate into service.

    A run that was killed on the way goes through here again; every effect is made only once.

    Parameters
    ----------
    candidate : with the model that is to serve.
    epoch : of the champion that the gate compared with.
    fence : the lease of this training, and its epoch.
    reason : why there is this candidate.
    as_judged : the model that the gate measured, where the candidate's was fitted on the gate rows too.
    person : who promotes it, if the gate agrees; by default the gate itself does.
    """
    tags = {
        **({"refit_of": as_judged.sha256} if as_judged else {}),
        "model_digest": candidate.model.sha256,
        "data_digest": candidate.raw.sha256,
        "training_reason": reason,
        "commit": origin.commit.sha,
        "dirty": str(origin.commit.dirty).lower(),
        **_made_of(origin),
    }
    run = do(
        track,
        candidate,
        verdict=verdict,
        compared=case.compared,
        steps=origin.steps,
        ws=project.workspace,
        params=project.params,
        settings=project.settings,
        tags=tags,
    )
    judged = Judgement(
        model=project.name,
        version=None,
        model_digest=candidate.model.sha256,
        data_digest=candidate.raw.sha256,
        **_made_of(origin),
        verdict="refused",
        metrics=candidate.report.candidate,
        baseline_metrics=candidate.report.baseline,
        promoted_at=None,
        reason=verdict.reason,
        checks=verdict.checks,
        gate=verdict.verdict,
        rule=verdict.rule,
        candidates=verdict.candidates,
        sees=verdict.sees,
        level=verdict.level,
        uses=verdict.uses,
        refit_of=as_judged and as_judged.sha256,
    )
    ripens = may_ripen(project, verdict, candidate.key)
    if not verdict.promote and not ripens:
        return judged
    passed = judged.model_copy(update={"verdict": "proposed", "reason": f"{reason}: {verdict.reason}"})
    proof = do(
        prove,
        case,
        verdict=verdict,
        model=candidate.model,
        run=run,
        contract=project.contract,
        **dict(origin),
        ws=project.workspace,
    )
    facts = make_version(
        project, candidate, passed, do, run=run, tags=tags, as_judged=as_judged, proof=proof, author=origin.author
    )
    if ripens:
        return try_on_traffic(project, facts, epoch=epoch, by=GATE, kind="unclear")
    if verdict.rule in project.params.approval.required:
        propose(project, facts, epoch=epoch)
        return facts.judged
    if verdict.rule != "first" and not project.params.rollout.direct:
        return try_on_traffic(project, facts, epoch=epoch, by=person.by if person else GATE)
    return bring_into_service(project, facts, do, epoch=epoch, fence=fence, person=person)


def _made_of(origin: Origin) -> dict[str, str]:
    return {name: origin.digests[name] for name in ("code_digest", "params_digest")}


def propose(project: Project, facts: VersionFacts, *, epoch: int) -> None:
    """Let a registered version wait for a person, as the policy says; `epoch` as in `settle`.

    Raises
    ------
    LostRace if another version was promoted since the candidate was judged.
    """
    proposal = people.propose(
        project.ledger(),
        facts,
        project.params.approval,
        epoch=epoch,
        period=project.params.ingest,
        now=datetime.now(UTC),
    )
    until = f" until {proposal.expires:%Y-%m-%d %H:%M} UTC" if proposal.expires else ""
    log.info("version %d waits for a person%s", facts.version, until)


def make_version(
    project: Project,
    candidate: Candidate,
    judged: Judgement,
    do: Recorder,
    *,
    run: Run,
    tags: Mapping[str, str],
    as_judged: FolderRef | None,
    proof: FolderRef,
    author: str | None,
) -> VersionFacts:
    """Register and package a candidate, and return its facts, which the ledger keeps when all else is done.

    Parameters
    ----------
    as_judged : the model that the gate measured, where the candidate's was fitted on the gate rows too.
    proof, author : as in `VersionFacts`.
    """
    version = do(register, run, name=project.name, candidate=candidate.key, settings=project.settings, tags=tags)
    packaged = do(
        package,
        candidate.model,
        name=project.name,
        version=version,
        threshold=candidate.report.threshold,
        ws=project.workspace,
        settings=project.settings,
    )
    kept = None
    if project.contract.time is not None:
        kept = do(
            reference,
            candidate.model,
            train=candidate.train,
            proof=proof,
            threshold=candidate.report.threshold,
            ws=project.workspace,
            params=project.params.drift,
            seed=project.params.seed,
        )
    facts = VersionFacts(
        version=version,
        judged=judged.model_copy(update={"version": version}),
        candidate=candidate.key,
        artifact=candidate.model,
        train=candidate.train,
        data_end=candidate.data_end,
        split=candidate.split.rule,
        threshold=candidate.report.threshold,
        run_id=run.run_id,
        bento=packaged.tag,
        package=packaged.digest,
        recipe=project.recipe,
        rows_end=candidate.split.end,
        as_judged=as_judged,
        proof=proof,
        reference=kept and kept.folder,
        author=author,
    )
    summary = do(describe, facts, ws=project.workspace, settings=project.settings)
    facts = facts.model_copy(update={"summary": summary})
    ledger = project.ledger()
    entry = ledger.record(project.name, "version", str(version), facts.model_dump(mode="json"))
    degrees.prepare(project, facts, do)
    failpoints.reach("promote.registered")
    return of_entry(ledger, entry, VersionFacts)  # that of the first time, where a killed run recorded it before


def may_ripen(project: Project, verdict: Verdict, candidate: str) -> bool:
    """Return whether a candidate about which the gate is inconclusive is tried in a shadow, where evidence ripens.

    Not where a person would have to approve it, nor beside another rollout or an experiment; its own, which a run began
    that was killed then, goes on.
    """
    ledger, name = project.ledger(), project.name
    begun = rollouts.under_way(ledger, name)
    its = version_facts(ledger, name, begun.begun.version) if begun else None
    is_its_own = its is not None and its.candidate == candidate
    return (
        project.params.rollout.unclear == "shadow"
        and verdict.verdict == "INCONCLUSIVE"
        and not verdict.promote
        and verdict.rule != "first"
        and verdict.rule not in project.params.approval.required
        and (is_its_own or (begun is None and traffic.standing(ledger, name) is None))
    )


def try_on_traffic(
    project: Project, facts: VersionFacts, *, epoch: int, by: str, kind: rollouts.Origin = "gate"
) -> Judgement:
    """Let a registered version go by the plan of the rollout, once, and return its judgement.

    Raises
    ------
    As `rollout.begin`: LostRace if another rollout is under way, or the champion changed since `epoch`.
    """
    begun = rollouts.under_way(project.ledger(), project.name)
    if begun is None or begun.begun.version != facts.version:
        begun = rollout.begin(project, facts.version, by=by, reason=facts.judged.reason, kind=kind, epoch=epoch)
    return facts.judged.model_copy(update={"rollout": begun.owner})


def bring_into_service(
    project: Project,
    facts: VersionFacts,
    do: Recorder,
    *,
    epoch: int,
    fence: tuple[str, int],
    person: Person | None = None,
) -> Judgement:
    """Promote a registered version, and return its judgement.

    Parameters
    ----------
    epoch, fence, person : as in `settle`.
    """
    promoted = facts.promoted(datetime.now(UTC))
    decided = {"by": person.by, "reason": person.reason} if person else {}
    direct = epoch > 0
    do(promote, promoted, expected_epoch=epoch, settings=project.settings, fence=fence, direct=direct, **decided)
    return promoted.judged
