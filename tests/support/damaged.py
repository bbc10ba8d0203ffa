"""Damage to what a champion of visits needs, and a package that its model can be put back from."""

import shutil
from pathlib import Path

from evergreen.project import Project
from evergreen.record.outcomes import VersionFacts, champion_facts
from evergreen.record.registry import bentos


def flip(path: Path, share: float = 0.5) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * share)] ^= 1
    path.write_bytes(bytes(content))


def champion(project: Project) -> VersionFacts:
    facts = champion_facts(project.ledger(), "visits")
    assert facts is not None
    return facts


def packed(project: Project) -> Path:
    """Put the champion's model where its package holds it."""
    facts = champion(project)
    place = bentos.path_of(bentos.release_of(facts), project.settings.home) / "src" / "model"
    shutil.copytree(project.workspace.path(facts.artifact.uri), place)
    return place
