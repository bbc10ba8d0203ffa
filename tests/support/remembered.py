"""Ledgers with a memory: versions that were promoted and rolled back, and proofs of a project's real candidates."""

import importlib.metadata
import json
import platform
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import Any

from direct import Direct

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.decisions.gate.check import Check
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import Judgement, VersionFacts, champion_facts
from evergreen.record.plan import commits
from evergreen.record.plan.identity import lock_digest
from evergreen.record.registry.proof import METRICS, PROOF, Proof

MODEL = "visits"
PACKAGES = ("numpy", "pandas", "scikit-learn")


def digest(of: object) -> str:
    """Return a sha256 that is told from others by its beginning."""
    import hashlib

    return hashlib.sha256(str(of).encode()).hexdigest()


def judgement(version: int | None, **changed: Any) -> Judgement:
    """Return the gate's answer about a version, or of a candidate that was refused."""
    check = Check(name="floor", code="GT001", outcome="passed", text="roc_auc 0.80 is above 0.60")
    given: dict[str, Any] = {
        "model": MODEL,
        "version": version,
        "model_digest": digest(f"model {version}"),
        "data_digest": digest(f"data {version}"),
        "code_digest": digest("code"),
        "params_digest": digest("params"),
        "verdict": "promoted" if version else "refused",
        "metrics": {"roc_auc": 0.8},
        "baseline_metrics": {},
        "promoted_at": datetime(2026, 1, 1, tzinfo=UTC) if version else None,
        "reason": "requested: roc_auc 0.80 is above 0.60" if version else "roc_auc 0.50 is below 0.60",
        "checks": (check,),
        "gate": "PASS" if version else "FAIL",
        "rule": "first",
    }
    return Judgement(**{**given, **changed})


def facts(version: int, **changed: Any) -> VersionFacts:
    """Return what the ledger keeps of a version that nobody made."""
    model = digest(f"model {version}")
    given: dict[str, Any] = {
        "version": version,
        "judged": judgement(version),
        "candidate": digest(f"candidate {version}"),
        "artifact": FolderRef(uri=f"model-{model[:16]}", sha256=model),
        "train": TableRef(uri=f"train-{version}.parquet", rows=100, schema_hash="s", sha256=digest(f"train {version}")),
        "data_end": None,
        "threshold": 0.5,
        "run_id": f"run-{version}",
        "bento": f"{MODEL}:v{version}-{model[:8]}",
    }
    return VersionFacts(**{**given, **changed})


def make_champion(ledger: Ledger, version: int, *, kind: Any = "promotion", **more: Any) -> None:
    """Make a version champion as the gate does, or as a person does who is named in `more`."""
    champion = ledger.champion(MODEL)
    payload = {**facts(version).model_dump(mode="json"), **more}
    ledger.promote(MODEL, version, payload, expected_epoch=champion.epoch if champion else 0, kind=kind)


def prove(project: Project, **changed: Any) -> Proof:
    """Give the champion of a project the proof of its candidate, made again, and return it.

    It is promoted anew with it; what is `changed` is so in the proof.
    """
    from flows.training import decide, make_candidate
    from tasks.compare import compare

    ledger, do = project.ledger(), Direct()
    before = champion_facts(ledger, project.name)
    assert before is not None
    candidate = make_candidate(project, do)
    with TemporaryDirectory() as folder:
        verdict = decide(project, Ledger(f"sqlite:///{folder}/ledger.db"), candidate, do, rule=None)
    compared = compare.fn(
        candidate,
        champion=None,
        former=(),
        ws=project.workspace,
        evaluated=project.params.evaluate,
        gate=project.params.gate,
        seed=project.params.seed,
    )
    given: dict[str, Any] = {
        "name": project.name,
        "candidate": candidate,
        "taken": "model",
        "verdict": verdict,
        "compared": compared,
        "rule": "first",
        "asked_at": datetime.now(UTC),
        "history": (),
        "only": None,
        "params": project.params,
        "contract": project.contract,
        "commit": commits.read(project.settings.project),
        "author": None,
        "digests": {**project.digests(), "lock_digest": lock_digest()},
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "steps": tuple(do.steps),
        "run_id": "run",
    }
    proof = Proof(**{**given, **changed})
    files = {PROOF: proof.model_dump_json(by_alias=True).encode(), METRICS: json.dumps({}).encode()}
    folder = project.workspace.write_folder("proof", files, {})
    version = before.version + 1
    judged = before.judged.model_copy(
        update={"version": version, "metrics": candidate.report.candidate, "model_digest": candidate.model.sha256}
    )
    proven = before.model_copy(
        update={
            "version": version,
            "judged": judged,
            "candidate": candidate.key,
            "artifact": candidate.model,
            "train": candidate.train,
            "proof": folder,
        }
    )
    champion = ledger.champion(project.name)
    assert champion is not None
    ledger.promote(project.name, version, proven.model_dump(mode="json"), expected_epoch=champion.epoch)
    return proof
