"""Upkeep: what nothing names goes and everything that works still does; labels come in by one process at a time."""

import os
import time
from pathlib import Path

import pytest
import remembered
from planned import write_record

from cli import holding, recall
from evergreen.base.errors import LostRace
from evergreen.base.files import file_digest
from evergreen.record.outcomes import champion_facts
from evergreen.record.plan.wholeness import holds
from evergreen.record.registry.names import entries_called
from flows import upkeep


def aged(home: Path, days: float = 3) -> None:
    """Let everything in a state folder have been written days ago."""
    then = time.time() - days * 86_400
    for path in [*home.rglob("*")]:
        if not path.is_symlink():
            os.utime(path, (then, then))


def leave_candidate(visited) -> tuple[str, ...]:
    """Leave the artifacts of a candidate that led to no version, and return their names."""
    ws = visited.workspace
    folder = ws.write_folder("model", {"model.skops": b"x" * 500}, {"about": "nobody"})
    (ws.root / "test-0123456789abcdef.parquet").write_bytes(b"x" * 100)
    return f"workspace/{folder.uri}", "workspace/test-0123456789abcdef.parquet"


def recorded(visited, path: str) -> Path:
    """Record a step that made an artifact, as the engine does."""
    record = visited.settings.step_records / f"train-{'a' * 64}"
    record.parent.mkdir(exist_ok=True)
    uri = path.removeprefix("workspace/")
    made = {"model": {"uri": uri, "sha256": file_digest(visited.workspace.path(uri) / "manifest.json")}}
    return write_record(record, made)


def test_what_a_candidate_left_goes_and_the_champion_keeps_all_that_it_needs(visited):
    remembered.prove(visited)
    left = leave_candidate(visited)
    assert not set(left) & {one.path for one in upkeep.sweep(visited, days=1, dry_run=True)}  # too young
    aged(visited.settings.home)
    found = upkeep.sweep(visited, days=1, dry_run=True)
    assert set(left) <= {one.path for one in found}
    assert all((visited.settings.home / one.path).exists() for one in found)
    before = champion_facts(visited.ledger(), visited.name)
    assert [one.path for one in upkeep.sweep(visited, days=1, dry_run=False)] == [one.path for one in found]
    assert not any((visited.settings.home / one.path).exists() for one in found)
    assert upkeep.sweep(visited, days=1, dry_run=True) == ()
    assert holds(visited.workspace, before)
    assert recall.standing(visited, None).facts == before
    assert recall.difference(visited, "1", "2").params == {}
    assert recall.line_of(visited, "2").version.datasets


def test_everything_that_a_proof_names_stays(visited):
    proof = remembered.prove(visited)
    aged(visited.settings.home)
    upkeep.sweep(visited, days=1, dry_run=False)
    assert holds(visited.workspace, proof)


def test_records_of_steps_whose_artifacts_went_are_dropped(visited):
    (left, *_) = leave_candidate(visited)
    record = recorded(visited, left)
    aged(visited.settings.home)
    assert left in {one.path for one in upkeep.sweep(visited, days=1, dry_run=False)}
    assert not record.exists()


def test_records_of_a_run_that_is_not_over_keep_what_they_name(visited):
    (left, *_) = leave_candidate(visited)
    record = recorded(visited, left)
    (visited.settings.home / "unfinished").mkdir()
    (visited.settings.home / "unfinished" / "run.json").write_text("{}")
    aged(visited.settings.home)
    assert left not in {one.path for one in upkeep.sweep(visited, days=1, dry_run=False)}
    assert record.exists()


@pytest.mark.parametrize("work", ["training", "monitoring"])
def test_nothing_goes_while_somebody_works_and_a_dry_run_waits_for_nobody(visited, work):
    left = leave_candidate(visited)
    aged(visited.settings.home)
    with visited.ledger().lease(f"{work}:{visited.name}"):
        with pytest.raises(LostRace):
            upkeep.sweep(visited, days=1, dry_run=False)
        assert set(left) <= {one.path for one in upkeep.sweep(visited, days=1, dry_run=True)}
    assert all((visited.settings.home / path).exists() for path in left)


def test_hold_keeps_what_a_refused_candidate_left(visited):
    (left, *_) = leave_candidate(visited)
    sha256 = file_digest(visited.settings.home / left / "manifest.json")
    refused = remembered.judgement(None, model_digest=sha256).model_dump(mode="json")
    visited.ledger().record(visited.name, "judgement", "refused-candidate", refused)
    held = holding.hold(visited, sha256[:10], by="ann", reason="audit of May")
    assert (held["by"], held["reason"], held["digests"][0]) == ("ann", "audit of May", sha256)
    assert holding.hold(visited, "refused-cand", by="bob", reason="again")["by"] == "ann"  # held once
    aged(visited.settings.home)
    assert left not in {one.path for one in upkeep.sweep(visited, days=1, dry_run=False)}
    event = recall.events(visited, everything=False)[-1]
    assert (event.kind, event.by, event.reason) == ("hold", "ann", "audit of May")
    entries = visited.ledger().entries(visited.name)
    assert entries_called(entries, f"#{event.seq}", model=visited.name)[0].kind == "hold"


def test_one_process_at_a_time_brings_labels(fresh, tmp_path):
    source = tmp_path / "labels.csv"
    source.write_text("visit,returned\n1,true\n")
    with fresh.ledger().lease("labels:visits"), pytest.raises(LostRace):
        upkeep.add_labels(fresh, source)
    assert upkeep.add_labels(fresh, source).taken == 1
