"""Ledgers with a memory: versions that were promoted and rolled back, and proofs of a project's real candidates."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.decisions.gate.check import Check
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import Judgement, VersionFacts, champion_facts
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.proof import Proof

MODEL = "visits"


def digest(of: object) -> str:
    """Return a sha256 that is told from others by its beginning."""
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
    """Promote the champion of a project anew, with a proof in which something is `changed`, and return the proof."""
    ledger, ws = project.ledger(), project.workspace
    before = champion_facts(ledger, project.name)
    assert before is not None
    assert before.proof is not None
    proof, files = proofs.read(ws.path(before.proof.uri), before.proof.sha256)
    proof = proof.model_copy(update=changed)
    written = {**files, proofs.PROOF: proof.model_dump_json(by_alias=True).encode()}
    folder = ws.write_folder("proof", written, {"candidate": before.candidate})
    promote_again(project, before, proof=folder)
    return proof


def unprove(project: Project) -> None:
    """Promote the champion of a project anew, as one of before there were proofs."""
    before = champion_facts(project.ledger(), project.name)
    assert before is not None
    promote_again(project, before, proof=None)


def promote_again(project: Project, before: VersionFacts, **changed: Any) -> None:
    """Promote the next version of a project: the champion, but for what is `changed`."""
    ledger, version = project.ledger(), before.version + 1
    champion = ledger.champion(project.name)
    assert champion is not None
    judged = before.judged.model_copy(update={"version": version})
    facts = before.model_copy(update={"version": version, "judged": judged, **changed})
    ledger.promote(project.name, version, facts.model_dump(mode="json"), expected_epoch=champion.epoch)
