"""What may be sent to another environment, on a small project: whole, known, not rejected, and to somewhere else."""

from pathlib import Path

import pytest
from transfers import ELSEWHERE, count, refused, send, there, told

from evergreen.base.errors import ConfigError, GateRefused, IntegrityError
from evergreen.project import Project
from evergreen.record.outcomes import version_facts
from evergreen.record.registry import proof as proofs


def test_damaged_artifact_or_version_that_may_not_go_changes_nothing_there(here):
    target = there()
    proof, _ = proofs.read(*located(here))
    for ref in (proof.candidate.scores, proof.candidate.valid):
        file = here.workspace.path(ref.uri)
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + b"x")
        refused(IntegrityError, "INT002", send, here, target)
        file.write_bytes(whole)
    (here.workspace.path(proof.candidate.baseline.uri) / "model.skops").write_bytes(b"x")
    refused(IntegrityError, "INT003", send, here, target)
    refused(ConfigError, "STA004", send, here, target, version=7)
    refused(GateRefused, "GATE003", send, here, there("approval.by=[Grace]"))
    assert (count(target), target.workspace.root.exists(), told(here, "sent")) == (0, False, [])


def located(project: Project) -> tuple[Path, str]:
    ref = version_facts(project.ledger(), "visits", 1).proof
    return project.workspace.path(ref.uri), ref.sha256


def test_rejected_version_is_not_sent_nor_one_without_a_proof(here):
    facts = version_facts(here.ledger(), "visits", 1).model_dump(mode="json")
    here.ledger().record("visits", "version", "2", {**facts, "version": 2, "proof": None})
    refused(IntegrityError, "INT020", send, here, there(), version=2)
    here.ledger().record("visits", "rejection", "2", {"version": 2, "by": "Grace", "reason": "worse at night"})
    refused(ConfigError, "STA011", send, here, there(), version=2)


@pytest.mark.parametrize(
    ("changed", "what"), [("home: .evergreen", "state folder"), (ELSEWHERE + "ledger_url: {url}", "ledger")]
)
def test_environment_that_keeps_something_in_the_same_place_is_none(changed, what, here):
    file = here.settings.project / "configs" / "env" / "production.yaml"
    file.write_text(changed.format(url=here.settings.ledger()))
    assert f"one {what}" in refused(ConfigError, "CFG073", send, here, there()).what
