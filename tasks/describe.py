"""Step: a version that is about to be recorded -> its card beside its run, in every tracker that is wanted."""

import json
import logging

from prefect import task

from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.settings import Settings
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.card.assemble import card
from evergreen.record.registry.card.model_card import files, summary
from tasks import trackers
from tasks.engine import RETRIED

log = logging.getLogger(__name__)
PROOF_COPY = "proof"  # a folder of the run


@task(name="describe", timeout_seconds=600, **RETRIED)
def describe(facts: VersionFacts, *, ws: Workspace, settings: Settings) -> str:
    """Add the card of a version to the run of its candidate, and return its summary; a second time changes nothing.

    In MLflow the run gets a copy of the proof too, which nothing else could make again.

    Nobody has decided about the version yet: ``evergreen card`` shows what was decided since.
    """
    assert facts.proof is not None
    proof, held = proofs.read(ws.path(facts.proof.uri), facts.proof.sha256)
    manifest = (ws.path(facts.proof.uri) / MANIFEST).read_bytes()
    made = card(facts, proof, json.loads(held[proofs.METRICS]), ())
    wanted = trackers.wanted(settings)
    for tracker in wanted.values():
        tracker.attach(files(made), experiment=proof.name, candidate=facts.candidate)
    wanted["mlflow"].attach(
        {f"{PROOF_COPY}/{name}": content for name, content in (held | {MANIFEST: manifest}).items()},
        experiment=proof.name,
        candidate=facts.candidate,
    )
    log.info("describe: the card of version %d in %s", facts.version, ", ".join(wanted))
    return summary(made)
