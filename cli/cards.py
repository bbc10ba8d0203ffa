"""The card of a version, from what its proof and the ledger hold."""

import json
from pathlib import Path
from typing import Literal

from evergreen.base.errors import ConfigError
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import people
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.card import assemble, markdown, webpage
from evergreen.record.registry.card.annex_iv import annex_iv as annex_iv_page
from evergreen.record.registry.card.cyclonedx import cyclonedx as bill_of_materials
from evergreen.record.registry.card.model_card import model_card
from evergreen.record.registry.card.values import Card
from evergreen.record.registry.proof import Proof

Kind = tuple[Literal["card", "annex_iv", "cyclonedx"], Literal["markdown", "html", "json"]]


def kind(*, annex_iv: bool, cyclonedx: bool, form: Literal["markdown", "html"] | None, out: Path | None) -> Kind:
    """Return what is to be written; raises ConfigError where the options contradict each other."""
    if cyclonedx and (annex_iv or form):
        raise ConfigError(
            "CRD003",
            f"--cyclonedx is JSON of its own, and does not go with {'--annex-iv' if annex_iv else '--format'}",
            where="command line",
            next_step="Leave one of them out.",
        )
    if cyclonedx:
        return "cyclonedx", "json"
    by_name: Literal["markdown", "html"] = "html" if out and out.suffix.lower() in (".html", ".htm") else "markdown"
    return "annex_iv" if annex_iv else "card", form or by_name


def card_of(project: Project, version: int) -> Card:
    """Return the card of a version.

    Raises
    ------
    ConfigError if there is no such version, or it is from before proofs were kept.
    IntegrityError if its proof is not there, or not as it was written.
    """
    ledger = project.ledger()
    facts = people.require_version(ledger, project.name, version)
    proof, metrics = _proof_of(project, facts)
    return assemble.card(facts, proof, metrics, ledger.entries(project.name))


def _proof_of(project: Project, facts: VersionFacts) -> tuple[Proof, dict[str, float]]:
    if facts.proof is None:
        raise ConfigError(
            "CRD001",
            f"version {facts.version} of '{project.name}' has no card: it is from before proofs were kept",
            where=str(project.settings.home),
            next_step="Train again: evergreen run",
        )
    proof, files = proofs.read(project.workspace.path(facts.proof.uri), facts.proof.sha256)
    return proof, json.loads(files[proofs.METRICS])


def rendered(card: Card, kind: Kind) -> str:
    """Return a card as text, ending with a newline."""
    what, form = kind
    if what == "cyclonedx":
        return json.dumps(bill_of_materials(card), indent=2) + "\n"
    document = annex_iv_page(card) if what == "annex_iv" else model_card(card)
    return webpage.render(document) if form == "html" else markdown.render(document)
