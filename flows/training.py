"""The training flow: from a raw source to a decision in the registry."""

import logging
from concurrent.futures import Future
from datetime import UTC, date, datetime
from typing import NamedTuple

from prefect import flow

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.config import consistency
from evergreen.decisions.gate import decision as gate
from evergreen.decisions.gate.decision import Verdict
from evergreen.learning.evaluation import Comparison
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import ChampionFacts, Judged, TrainingOutcome, champion_facts
from evergreen.record.plan.commits import Commit
from evergreen.record.plan.records import drop_broken_records
from flows.recorder import Recorder
from tasks.analyse import Analysed, analyse
from tasks.attach import attach
from tasks.compare import compare
from tasks.evaluate import Evaluated, evaluate
from tasks.features import FeatureSet, features
from tasks.ingest import ingest
from tasks.mirror import mirror
from tasks.package import package
from tasks.promote import promote
from tasks.register import register
from tasks.track import track
from tasks.train import Trained, train
from tasks.tune import Tuned, tune
from tasks.validate import Validated, validate

log = logging.getLogger(__name__)


class Candidate(NamedTuple):
    """A trained and measured model, before the gate."""

    key: str
    raw: DatasetRef
    checked: Validated
    tables: FeatureSet
    tuned: Tuned
    trained: Trained
    evaluated: Evaluated


@flow(name="training")
def training(
    env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None, reason: str = "requested"
) -> TrainingOutcome:
    """Train, judge and, if the gate agrees, promote. One training of a model runs at a time.

    Parameters
    ----------
    overrides : ``section.key=value``, applied to the parameters of `params_file`.
    reason : why this training was started; kept with the version.
    """
    project = Project.open(env, params_file, overrides or ())
    consistency.check(project.params, project.contract)
    commit = project.may_train()
    ledger, do = project.ledger(), Recorder()
    with ledger.lease(f"training:{project.name}"):
        drop_broken_records(project.settings.step_records, project.workspace)
        candidate = make_candidate(project, do)
        judged = find_judged(ledger, project.name, candidate.key)
        if judged is None:
            epoch = champion.epoch if (champion := ledger.champion(project.name)) else 0
            verdict = decide(project, ledger, candidate, do)
            making = begin_analysis(project, ledger, candidate, do, promoted=verdict.promote)
            judged = carry_out(project, candidate, verdict, do, epoch=epoch, reason=reason, commit=commit)
        else:
            making = begin_analysis(project, ledger, candidate, do, promoted=judged.version is not None)
        ledger.record(project.name, "judgement", candidate.key, judged.model_dump(mode="json"))
        if champion := ledger.champion(project.name):
            do(mirror, project.name, champion.version, project.settings)
        analysis = attach_analysis(project, ledger, candidate, do, making=making) if making else None
    return TrainingOutcome(**dict(judged), steps=tuple(do.steps), analysis=analysis)


def make_candidate(project: Project, do: Recorder) -> Candidate:
    """Run the steps that need no champion: the part that `dvc repro` runs too."""
    ws, contract, p = project.workspace, project.contract, project.params
    raw = do(ingest, project.source(), ws, project.datasets, contract, p.ingest).raw
    checked = do(validate, raw, ws, contract, project.expectations(), project.today(), p.validate_)
    tables = do(features, checked.valid, ws, contract, p.features, p.seed, project.lookups())
    start = project.keep_start(tables.train.sha256)
    tuned = do(tune, tables.train, start, ws, contract, p.features, p.tune, p.seed, project.settings.studies())
    trained = do(train, tables.train, tuned.best, tables.lookups, ws, contract, p.features, p.train, p.seed)
    evaluated = do(evaluate, trained.model, trained.baseline, tables.train, tables.test, ws, p.evaluate, p.seed)
    key = gate.candidate_key(trained.model.sha256, evaluated.report, p.gate)
    return Candidate(key, raw, checked, tables, tuned, trained, evaluated)


def find_judged(ledger: Ledger, model: str, candidate: str) -> Judged | None:
    """Return what was decided about a candidate, if it was; each is judged once."""
    entry = ledger.find(model, "judgement", candidate)
    if entry:
        return Judged.model_validate(entry.payload)
    champion = champion_facts(ledger, model)
    return champion.judged if champion and champion.candidate == candidate else None


def begin_analysis(
    project: Project, ledger: Ledger, candidate: Candidate, do: Recorder, *, promoted: bool
) -> Future[Analysed] | None:
    """Start the analysis of a candidate beside the steps that follow; None if it is not wanted, or attached before."""
    if not project.params.evaluate.wants_analysis(promoted=promoted):
        return None
    if ledger.find(project.name, "analysis", candidate.key):
        return None
    return do.beside(
        analyse,
        candidate.evaluated.report,
        model=candidate.trained.model,
        train=candidate.tables.train,
        test=candidate.tables.test,
        ws=project.workspace,
        params=project.params.evaluate,
        seed=project.params.seed,
    )


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
    ledger.record(project.name, "analysis", candidate.key, {"model_digest": candidate.trained.model.sha256})
    return "attached"


def carry_out(
    project: Project, candidate: Candidate, verdict: Verdict, do: Recorder, *, epoch: int, reason: str, commit: Commit
) -> Judged:
    """Log the run, and bring a candidate that passed the gate into service.

    A run that was killed on the way goes through here again; every effect is made only once.

    Parameters
    ----------
    epoch : of the champion that the gate compared with.
    """
    tags = {
        "model_digest": candidate.trained.model.sha256,
        "data_digest": candidate.raw.sha256,
        "training_reason": reason,
        "commit": commit.sha,
        "dirty": str(commit.dirty).lower(),
        **project.digests(),
    }
    run = do(
        track,
        candidate.key,
        candidate.trained.model,
        candidate.tuned.best,
        candidate.tuned.trials,
        candidate.evaluated.report,
        verdict,
        candidate.raw,
        candidate.tables.train,
        candidate.tables.test,
        candidate.checked.validation,
        candidate.checked.docs,
        tuple(do.steps),
        project.workspace,
        project.params,
        project.settings,
        tags,
    )
    judged = Judged(
        model=project.name,
        version=None,
        model_digest=candidate.trained.model.sha256,
        data_digest=candidate.raw.sha256,
        **project.digests(),
        verdict="refused",
        metrics=candidate.evaluated.report.candidate,
        baseline_metrics=candidate.evaluated.report.baseline,
        promoted_at=None,
        reason=verdict.reason,
        checks=verdict.checks,
    )
    if verdict.promote:
        version = do(register, project.name, candidate.key, run, project.settings, tags)
        threshold = project.params.evaluate.threshold
        bento = do(
            package, project.name, version, candidate.trained.model, threshold, project.workspace, project.settings
        )
        promoted = {
            "version": version,
            "verdict": "promoted",
            "promoted_at": datetime.now(UTC),
            "reason": f"{reason}: {verdict.reason}",
        }
        judged = judged.model_copy(update=promoted)
        facts = ChampionFacts(
            version=version,
            judged=judged,
            candidate=candidate.key,
            artifact=candidate.trained.model,
            train=candidate.tables.train,
            data_end=data_end(project, candidate),
            split=candidate.tables.split.rule,
            threshold=threshold,
            run_id=run.run_id,
            bento=bento,
        )
        do(promote, facts, epoch, project.settings)
    return judged


def decide(project: Project, ledger: Ledger, candidate: Candidate, do: Recorder) -> Verdict:
    """Compare with the champion, if there is one, and ask the gate."""
    comparison: Comparison | None = None
    champion = champion_facts(ledger, project.name)
    if champion:
        comparison = do(
            compare,
            champion,
            candidate.trained.model,
            data_end(project, candidate),
            candidate.tables.split.rule,
            candidate.checked.valid,
            candidate.tables.test,
            candidate.evaluated.scores,
            project.workspace,
            project.params.gate.confidence,
        )
    return gate.decide(candidate.evaluated.report, comparison, project.params.gate)


def data_end(project: Project, candidate: Candidate) -> date | None:
    """Return the day before which all of a candidate's rows lie; None for a table without time."""
    end = candidate.tables.split.end
    return end and (project.params.ingest.end or end)
