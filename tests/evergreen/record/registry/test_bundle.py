"""The bundle of a version: what is in it, and why there may be none."""

import json
import shutil

import bundles
import pytest

from evergreen.base.artifacts import archive
from evergreen.base.errors import ConfigError, IntegrityError, ResourceError
from evergreen.learning.model.release import load_release
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry import bundle
from evergreen.record.registry.bundle import export


def exported(project, version=1, **more):
    return export(project.ledger(), project.workspace, "visits", version, **{"files": {}, **more})


def test_bundle_holds_model_release_proof_facts_and_entries(visited, tmp_path):
    content = exported(visited, files={"card.md": b"# card"})
    members, _ = archive.read(content)
    facts = champion_facts(visited.ledger(), "visits")

    assert json.loads(members["facts.json"]) == facts.model_dump(mode="json")
    assert members["documents/card.md"] == b"# card"
    assert [line["kind"] for line in json.loads(members["entries.json"])] == [
        "number",
        "version",
        "promotion",
    ]
    for name, data in members.items():
        if name.startswith(("model/", "release")):
            (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name).write_bytes(data)
    release, model = load_release(tmp_path)
    assert (release.version, model.digest) == (1, facts.artifact.sha256)
    proof = visited.workspace.path(facts.proof.uri)
    assert {name.removeprefix("proof/") for name in members if name.startswith("proof/")} == {
        file.name for file in proof.iterdir()
    }
    listed = {file["path"] for file in json.loads(members["manifest.json"])["files"]}
    assert listed == members.keys() - {"manifest.json"}


def test_bundle_of_the_same_version_is_the_same_bytes(visited):
    assert exported(visited) == exported(visited)


def test_version_that_does_not_exist_is_named(visited):
    with pytest.raises(ConfigError, match="STA004: no version 7 of 'visits'"):
        exported(visited, 7)


def test_version_from_before_proofs_has_no_bundle(visited):
    facts = champion_facts(visited.ledger(), "visits").model_copy(update={"version": 2, "proof": None})
    visited.ledger().record("visits", "version", "2", facts.model_dump(mode="json"))
    with pytest.raises(IntegrityError, match="INT020: version 2 of 'visits' has no proof") as caught:
        exported(visited, 2)
    assert caught.value.exit_code == 7


@pytest.mark.parametrize("which", ["artifact", "proof"])
def test_version_whose_folder_is_gone_or_damaged_has_no_bundle(which, visited):
    folder = visited.workspace.path(getattr(champion_facts(visited.ledger(), "visits"), which).uri)
    (changed,) = folder.glob("contract.json" if which == "artifact" else "proof.json")
    changed.write_bytes(changed.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="INT003"):
        exported(visited)
    shutil.rmtree(folder)
    with pytest.raises(IntegrityError, match="INT003: no manifest"):
        exported(visited)


def test_version_that_is_too_large_for_one_file_is_refused(visited, monkeypatch):
    monkeypatch.setattr(archive, "MAX_BYTES", 1000)
    with pytest.raises(ResourceError, match="RES007: not one file"):
        exported(visited)


def test_entries_are_those_of_the_version_alone(visited):
    ledger = visited.ledger()
    facts = champion_facts(ledger, "visits").model_copy(update={"version": 2})
    ledger.record("visits", "version", "2", facts.model_dump(mode="json"))
    ledger.record("visits", "approval", "1", {"version": 1, "by": "ada", "reason": "fine", "door": "cli"})
    lines = ledger.lines("visits")

    assert "approval" in [line.kind for line in bundle.of_version(lines, 1)]
    assert {line.kind for line in bundle.of_version(lines, 2)} == {"version"}
    assert {"gate", "judgement"} <= {line.kind for line in lines}
    assert bundles.members_of(exported(visited)).keys() >= {"facts.json", "entries.json", "release.json"}
