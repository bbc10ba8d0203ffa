"""Candidates before a gate that passes them, and their proofs."""

from pathlib import Path
from typing import Any

import candidates
import gates
import parameters
import tables

from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.values import digest_of
from evergreen.config.card import CardText
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.params import Params
from evergreen.decisions.gate.decision import candidate_key
from evergreen.decisions.gate.verdict import Verdict
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import Judgement, StepRun, VersionFacts
from evergreen.record.plan.commits import Commit
from evergreen.record.registry import bundle
from evergreen.record.registry.card.parts import measured_parts
from evergreen.record.registry.case import Case, verdict_of
from evergreen.record.registry.numbers import numbers_of
from evergreen.record.tracker import Run
from tasks.compare import compare
from tasks.prove import prove

STEPS = (StepRun(name="tune", cached=False, seconds=3.0, cpu_seconds=2.5, rss_mb=300.0),)
PROJECT = Path(__file__).parents[2]
AUTHOR = "Ada <ada@example.org>"


def params_of(chain: tables.Chain, *overrides: str) -> Params:
    """Return parameters whose gate lets every candidate pass."""
    metric = GATE_METRIC[chain.contract.task]
    gate = f"gate={{metric: {metric}, floor: -9, baseline_gain: -9, champion_margin: 9, max_gap: 9, confidence: 0.95}}"
    untimed = "features={rare_category: 5, test_share: 0.3}"
    return Params.load(parameters.FILE, [untimed, gate, *overrides])


def case_of(chain: tables.Chain, **changed: Any) -> Case:
    """Return the case of a chain's candidate, which is the first of its model."""
    candidate, params = changed.get("candidate", candidates.of(chain)), params_of(chain)
    compared = compare.fn(
        candidate, champion=None, former=(), ws=chain.ws, evaluated=params.evaluate, gate=params.gate, seed=chain.seed
    )
    given: dict[str, Any] = {"candidate": candidate, "compared": compared, "params": params, "rule": "first"}
    return Case(**{**given, "asked_at": gates.NOW, "history": (), "only": None, **changed})


def proved(chain: tables.Chain, case: Case, verdict: Verdict | None = None, **changed: Any) -> FolderRef:
    """Return the proof of a case, by default of what its gate says."""
    verdict = verdict or verdict_of(case, chain.ws.read(case.compared.table))
    taken, metric = case.candidate.taking(verdict.artifact), case.params.gate.metric
    table, threshold = chain.ws.read(case.compared.table), taken.report.threshold
    parts = measured_parts(table, case.compared, taken=verdict.artifact, metric=metric, threshold=threshold)
    given: dict[str, Any] = {
        "model": taken.model,
        "run": Run(run_id="run", uri="uri", metrics=numbers_of(taken, metric, STEPS) | parts),
        "contract": chain.contract,
        "commit": Commit(sha="abc"),
        "author": AUTHOR,
        "card": CardText(),
        "digests": {"code_digest": "c", "params_digest": "p"},
        "steps": STEPS,
        "ws": chain.ws,
    }
    return prove.fn(case, verdict=verdict, **{**given, **changed})


def exported(chain: tables.Chain, ledger: Ledger, **changed: Any) -> bytes:
    """Return the bundle of a chain's candidate, registered as version 1 in a ledger."""
    case = case_of(chain)
    verdict = verdict_of(case, chain.ws.read(case.compared.table))
    taken = case.candidate.taking(verdict.artifact)
    candidate = case.candidate.model_copy(
        update={"key": candidate_key(case.candidate.model.sha256, case.candidate.report, case.params.gate)}
    )
    case = case.model_copy(update={"candidate": candidate})
    digests = {"code_digest": "c", "params_digest": digest_of(case.params)}
    judged = Judgement(
        **{name: getattr(verdict, name) for name in ("checks", "rule", "candidates", "sees", "level", "uses")},
        **digests,
        model=chain.contract.name,
        version=1,
        model_digest=taken.model.sha256,
        data_digest=candidate.raw.sha256,
        verdict="promoted",
        metrics=taken.report.candidate,
        baseline_metrics=taken.report.baseline,
        promoted_at=None,
        reason="asked",
        gate=verdict.verdict,
    )
    facts = VersionFacts(
        version=1,
        judged=judged,
        candidate=candidate.key,
        artifact=taken.model,
        train=taken.train,
        data_end=None,
        split=taken.split.rule,
        threshold=taken.report.threshold,
        run_id="run",
        bento="b",
        rows_end=taken.split.end,
        proof=proved(chain, case, verdict, digests=digests, **changed),
        author=AUTHOR,
    )
    ledger.record(chain.contract.name, "version", "1", facts.model_dump(mode="json"))
    return bundle.export(ledger, chain.ws, chain.contract.name, 1, files={})
