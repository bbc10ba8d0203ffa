"""A version as it is handed on: its bento, what a container is built from, and a bundle for the edge."""

import platform
from pathlib import Path
from typing import Any

from evergreen.adapters import packaging
from evergreen.adapters.packaging import Bento, Origin, containers, edge
from evergreen.base import signature
from evergreen.config.settings import Settings
from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.commits import UNKNOWN
from evergreen.record.registry import people
from evergreen.record.registry import proof as proofs


def hand_on(project: Project, version: int | None, *, out: Path | None, edge_to: Path | None) -> dict[str, Any]:
    """Make sure that a version's bento is there and whole, and write what its container is built from.

    Parameters
    ----------
    version : None is the champion.
    out : where the container's folder is written; below the state folder by default.
    edge_to : where a bundle for the edge is written; None: there is none.

    Raises
    ------
    ConfigError if there is no such version, it has no compiled form for the edge, a folder holds other files, or a key
    cannot be used. IntegrityError if the
    bento is damaged, not signed by a trusted key, or cannot be built as the ledger knows it.
    """
    settings = project.settings
    facts = people.require_version(project.ledger(), project.name, version) if version else project.champion()
    if settings.signing_key:
        signature.check_key(settings.signing_key, outside=settings.project)
    release, origin, bento = packaging.release_of(facts), origin_of(project, facts), bento_of(settings, facts)
    image = containers.image_of(release, origin)
    target = out or settings.home / "containers" / image.replace(":", "/")
    context = containers.write(bento, release, origin, target, signing_key=settings.signing_key)
    bundle = edge.write(bento, release, edge_to, signing_key=settings.signing_key) if edge_to else None
    return {
        "model": release.model,
        "version": release.version,
        "bento": bento.tag,
        "digest": bento.digest,
        "image": context.image,
        "context": str(context.path),
        "edge": {"path": str(bundle.path), "digest": bundle.digest} if bundle else None,
    }


def bento_of(settings: Settings, facts: VersionFacts) -> Bento:
    """Return a version's bento, checked before anything of it is parsed, and built again if somebody deleted it."""
    release = packaging.release_of(facts)
    if packaging.is_missing(release, settings.home, facts.package):
        return packaging.restore(facts, settings)
    return packaging.check(release, settings.home, facts.package, trusted_keys=settings.trusted_keys)


def origin_of(project: Project, facts: VersionFacts) -> Origin:
    """Return what a version comes from, as its proof says; of one from before proofs were kept, nothing is known."""
    if facts.proof is None:
        return Origin(commit=UNKNOWN, changed=False, python=platform.python_version())
    proof, _ = proofs.read(project.workspace.path(facts.proof.uri), facts.proof.sha256)
    return Origin(commit=proof.commit.sha, changed=proof.commit.dirty, python=proof.python)
