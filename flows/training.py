"""The training flow: from a raw source to a decision in the registry."""

import logging
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial

from prefect import flow

from evergreen.base import failpoints
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.values import digest_of
from evergreen.decisions.gate.campaign import Rule
from evergreen.decisions.gate.doubts import doubts_of
from evergreen.decisions.gate.verdict import Verdict
from evergreen.project import Project
from evergreen.record.candidate import Candidate, Repair
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import (
    Judgement,
    TrainingOutcome,
    VersionFacts,
    champion_facts,
    former_facts,
    gates_asked,
    of_entry,
)
from evergreen.record.plan import commits
from evergreen.record.plan.commits import Commit
from evergreen.record.plan.records import drop_broken_records
from evergreen.record.plan.steps import arguments
from evergreen.record.registry import people
from evergreen.record.registry.case import Case, verdict_of
from flows.due import until_now
from flows.making import make_candidate
from flows.opened import named_by, run_opened
from flows.recorder import Recorder
from flows.review import request
from flows.settlement import Origin, settle
from tasks.analyse import Analysed, analyse
from tasks.attach import attach
from tasks.compare import compare
from tasks.mirror import mirror
from tasks.refit import refit

log = logging.getLogger(__name__)
MOST_FORMER = 3  # champions before the present one that a candidate is compared with


@flow(name="training", flow_run_name=named_by("training", lambda _, given: given["reason"]))
def training(
    env: str = "local",
    params_file: str = "params.yaml",
    overrides: list[str] | None = None,
    reason: str = "requested",
    *,
    newest: bool = False,
) -> TrainingOutcome:
    """Train, judge and, if the gate agrees, promote. One training of a model runs at a time.

    Parameters
    ----------
    overrides : ``section.key=value``, applied to the parameters of `params_file`.
    reason : why this training was started; kept with the version.
    newest : on all rows whose labels are due by now, whatever `ingest.end` says.
    """
    project = Project.open(env, params_file, overrides or ())
    outcome = train_and_judge(until_now(project) if newest else project, reason=reason)
    request(outcome, env, params_file)
    return outcome


def run_training(
    project: Project,
    *,
    reason: str,
    stays: bool = True,
    rule: Rule | None = None,
    new_lineage: bool = False,
    repair: Repair | None = None,
    do: Recorder | None = None,
) -> TrainingOutcome:
    """Return what `training` does, for a project that is open already; the rest as in `train_and_judge`."""
    judged = partial(train_and_judge, project, reason=reason, stays=stays, rule=rule, new_lineage=new_lineage)
    body = partial(judged, repair=repair, do=do)
    return run_opened("training", project, body, why=reason, reason=reason)


def train_and_judge(
    project: Project,
    *,
    reason: str,
    stays: bool = True,
    rule: Rule | None = None,
    new_lineage: bool = False,
    repair: Repair | None = None,
    do: Recorder | None = None,
) -> TrainingOutcome:
    """Make a candidate, ask the gate, and bring what passes into service, or let it wait for a person.

    A candidate is judged once.

    Parameters
    ----------
    stays : whether a version that is promoted is there to stay. One that the next month of a replay may replace is
        analysed only if `evaluate.analysis` is always.
    rule : by which the gate judges where `gate.rule` is auto; by default what the candidate's rows and parameters say.
    new_lineage : a person begins anew: the candidate is judged as the first of the model is, against no champion.
    repair : how the candidate comes of the champion; None for one that is searched for.
    """
    commit = project.may_train()
    if project.card.missing:
        log.warning("card: %s does not say: %s", project.card_file, ", ".join(project.card.missing))
    ledger, do = project.ledger(), do or Recorder()
    lease = f"training:{project.name}"
    with ledger.lease(lease) as held:
        drop_broken_records(project.settings.step_records, project.workspace)
        candidate = make_candidate(project, do, repair)
        failpoints.reach("training.made")
        candidate = candidate.model_copy(update={"key": people.key_now(ledger, project.name, candidate.key)})
        if new_lineage:
            begins = [candidate.key, "lineage", reason, ledger.champion(project.name)]
            candidate = candidate.model_copy(update={"key": digest_of(begins)})
            rule = "first"
        judged = find_judged(ledger, project.name, candidate.key)
        if judged is None:
            epoch = champion.epoch if (champion := ledger.champion(project.name)) else 0
            case, verdict = decide(project, ledger, candidate, do, rule=rule)
            if new_lineage and verdict.promote:
                ledger.record(project.name, "lineage", candidate.key, {"reason": reason})
            candidate = candidate.taking(verdict.artifact)
            making = begin_analysis(project, ledger, candidate, do, stays=stays and verdict.promote)
            judged = carry_out(
                project, candidate, case, verdict, do, epoch=epoch, fence=(lease, held), reason=reason, commit=commit
            )
        else:
            making = begin_analysis(project, ledger, candidate, do, stays=stays and judged.version is not None)
        ledger.record(project.name, "judgement", candidate.key, judged.model_dump(mode="json"))
        if ledger.champion(project.name):
            do(mirror, project.name, settings=project.settings)
        analysis: str | None = None
        if making:
            analysis = attach_analysis(project, ledger, candidate, do, making=making)
        elif project.params.evaluate.wants_analysis(promoted=stays and judged.version is not None):
            analysis = "attached"  # before
        waits = people.waits_until(ledger, judged)
    return TrainingOutcome(
        **dict(judged),
        steps=tuple(do.steps),
        analysis=analysis,
        waits_until=waits,
        warnings=judged.doubts,
    )


def find_judged(ledger: Ledger, model: str, candidate: str) -> Judgement | None:
    """Return what was decided about a candidate, if it was, and what came of it; each is judged once."""
    entry = ledger.find(model, "judgement", candidate)
    if entry:
        return people.settled(ledger, of_entry(ledger, entry, Judgement), now=datetime.now(UTC))
    champion = champion_facts(ledger, model)
    return champion.judged if champion and champion.candidate == candidate else None


def begin_analysis(
    project: Project, ledger: Ledger, candidate: Candidate, do: Recorder, *, stays: bool
) -> Future[Analysed] | None:
    """Start the analysis of a candidate beside the steps that follow; None if it is not wanted, or attached before."""
    if not project.params.evaluate.wants_analysis(promoted=stays):
        return None
    if ledger.find(project.name, "analysis", candidate.key):
        return None
    return do.beside(analyse, **arguments("analyse", project.given, dict(candidate)))


def attach_analysis(
    project: Project, ledger: Ledger, candidate: Candidate, do: Recorder, *, making: Future[Analysed]
) -> str:
    """Attach an analysis to its candidate's run and say so, or why there is none; what was decided stands."""
    try:
        made = making.result()
        do(attach, made.analysis, model=project.name, candidate=candidate.key, settings=project.settings)
    except Exception as error:  # whatever it is, the promotion is done
        why = " ".join(str(error).split())[:300] or type(error).__name__
        log.warning("analyse: no analysis of candidate %s: %s", candidate.key[:8], why)
        return f"not made: {why}"
    ledger.record(project.name, "analysis", candidate.key, {"model_digest": candidate.model.sha256})
    return "attached"


def carry_out(
    project: Project,
    candidate: Candidate,
    case: Case,
    verdict: Verdict,
    do: Recorder,
    *,
    epoch: int,
    fence: tuple[str, int],
    reason: str,
    commit: Commit,
) -> Judgement:
    """Fit a candidate that passed the gate once more, where the parameters say so, and `settle` what follows.

    Parameters
    ----------
    candidate : with the model that the gate took.
    """
    as_judged: FolderRef | None = None
    fitted = candidate.repair is None or not candidate.repair.keeps_model
    if verdict.promote and project.params.train.refit and fitted:
        as_judged = candidate.model
        candidate = candidate.model_copy(update={"model": do(refit, candidate, ws=project.workspace)})
    origin = Origin(
        commit=commit,
        author=commits.author(project.settings.project),
        card=project.card,
        digests=project.digests(),
        steps=tuple(do.steps),
    )
    return settle(
        project,
        candidate,
        case,
        verdict,
        do,
        epoch=epoch,
        fence=fence,
        reason=reason,
        origin=origin,
        as_judged=as_judged,
    )


def decide(
    project: Project,
    ledger: Ledger,
    candidate: Candidate,
    do: Recorder,
    *,
    rule: Rule | None,
    only: str | None = None,
) -> tuple[Case, Verdict]:
    """Score the models in service, now and before, on the candidate's gate rows, ask the gate, and keep that it was.

    Parameters
    ----------
    rule : as in `train_and_judge`.
    only : the artifact that is asked alone; by default both are, the simpler one only if the other fails.

    Returns
    -------
    What was asked, and the answer.
    """
    begins = rule == "first"
    champion = None if begins else champion_facts(ledger, project.name)
    former = () if begins else former_facts(ledger, project.name, at_most=MOST_FORMER)
    compared = do(
        compare,
        candidate,
        champion=champion,
        former=former,
        ws=project.workspace,
        evaluated=project.params.evaluate,
        gate=project.params.gate,
        seed=project.params.seed,
    )
    same = same_as_champion(project, candidate, champion)
    same = None if only and same != only else same
    case = Case(
        candidate=candidate,
        compared=compared,
        rule="first" if champion is None else rule_for(project, candidate, champion, asked="refresh" if same else rule),
        asked_at=datetime.now(UTC),
        history=gates_asked(ledger, project.name, but=candidate.key),
        only=only or same,
        params=project.params,
    )
    verdict = verdict_of(case, project.workspace.read(compared.table))
    if verdict.sees:
        log.info("gate: %s", verdict.sees.text)
    log.info("gate: %s, %s", verdict.verdict, verdict.reason)
    for doubt in doubts_of(verdict.checks) if verdict.promote else ():
        log.warning("gate: promoted with a warning: %s", doubt)
    ledger.record(project.name, "gate", candidate.key, verdict.as_asked(compared.rows))
    return case, verdict


def same_as_champion(project: Project, candidate: Candidate, champion: VersionFacts | None) -> str | None:
    """Return the artifact of a candidate that is the champion itself, with another threshold or before another gate.

    It is a refresh of itself, and asked alone. None where it is none, or another recipe has to be looked at beside it.
    """
    if champion is None or champion.recipe != project.recipe:
        return None
    ours = {candidate.baseline.sha256: "baseline", candidate.model.sha256: "model"}
    return ours.get(champion.measured.sha256)


def rule_for(project: Project, candidate: Candidate, champion: VersionFacts, *, asked: Rule | None) -> Rule:
    """Return by which rule a candidate is judged: as `gate.rule` says, or else as asked.

    Otherwise one with newer rows and nothing else new is a refresh.
    """
    if project.params.gate.rule != "auto":
        return project.params.gate.rule
    if asked:
        return asked
    ours, theirs = candidate.split.end, champion.rows_end or champion.data_end
    newer = ours > theirs if ours and theirs else candidate.raw.sha256 != champion.judged.data_digest
    return "refresh" if newer and champion.recipe == project.recipe else "superiority"
