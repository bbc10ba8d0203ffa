"""What nothing names: found with its size, and never anything that a version, a proof, a window or a hold keeps."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import remembered
from remembered import MODEL, digest

from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.record.registry.proof import PROOF
from evergreen.record.registry.unnamed import Unnamed, delete, find, named, names_in

LATER = datetime.now(UTC) + timedelta(days=2)


def write(path: Path, content: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def rows(of: str, items: dict[str, str]) -> str:
    about = {"digest": of, "rows": 1, "types": {}, "items": [{"name": n, "sha256": s} for n, s in items.items()]}
    return json.dumps({**about, "fragments": [{"item": sha256, "rows": 1} for sha256 in items.values()]})


@pytest.fixture
def home(tmp_path: Path, story) -> Path:
    """A state folder with everything of versions 1 and 2, and as much of candidates that led to none."""
    home, ws = tmp_path / "home", tmp_path / "home" / "workspace"
    for version in (1, 2):
        facts = remembered.facts(version)
        write(ws / facts.artifact.uri / MANIFEST, "{}")
        write(ws / facts.train.uri)
        write(ws / f"raw-{version}" / MANIFEST, rows(digest(f"data {version}"), {"a.csv": digest("a")}))
        write(home / "bentoml" / "bentos" / MODEL / facts.bento.partition(":")[2] / "bento.yaml")
    write(home / "bentoml" / "bentos" / MODEL / "latest", "v2")
    write(home / "bentoml" / "bentos" / MODEL / "v3-gone" / "bento.yaml")
    store = home / "datasets" / MODEL
    for name, item in (("1-first", "a"), ("2-between", "b"), ("3-newest", "c")):
        write(store / name / MANIFEST, rows(digest(name), {f"{item}.csv": digest(item)}))
        write(store / "items" / f"read-{item}" / "item.json", json.dumps({"about": {"sha256": digest(item)}}))
        os.utime(store / name, (int(name[0]), int(name[0])))
    write(ws / "model-refused" / "model.skops", "x" * 1000)
    write(ws / "test-gone.parquet", "x" * 10)
    write(ws / ".valid.ab12", "half")
    write(home / "predictions" / "log.jsonl")
    write(home / "ledger-ab.seen")
    return home


def unnamed(story, home, *, now=LATER, records=(), **more):
    ws = home / "workspace"
    return find(named([story.entries(MODEL)], home, records=records, workspace=ws), home, workspace=ws, now=now, **more)


GONE = [
    ("artifact", "workspace/model-refused"),
    ("artifact", "workspace/.valid.ab12"),
    ("artifact", "workspace/test-gone.parquet"),
    ("bento", f"bentoml/bentos/{MODEL}/v3-gone"),
    ("dataset", f"datasets/{MODEL}/2-between"),
    ("item", f"datasets/{MODEL}/items/read-b"),
]


def test_only_what_nothing_names_is_found_the_greatest_first(story, home):
    found = unnamed(story, home)
    assert sorted((one.kind, one.path) for one in found) == sorted(GONE)
    assert found[0].size == 1000
    assert [one.size for one in found] == sorted((one.size for one in found), reverse=True)


def test_what_is_younger_than_a_day_or_than_was_asked_stays(story, home):
    now = datetime.now(UTC)
    assert unnamed(story, home, now=now) == ()
    assert unnamed(story, home, now=now + timedelta(hours=23), older_than=timedelta(0)) == ()
    assert unnamed(story, home, older_than=timedelta(days=3)) == ()


def test_hold_a_record_in_use_a_window_and_a_proof_keep_what_they_name(story, home):
    ws = home / "workspace"
    proof = {"candidate": {"test": {"uri": "test-gone.parquet", "sha256": "t"}}}
    ref = Workspace(root=ws).write_folder("proof", {PROOF: json.dumps(proof).encode()}, {})
    remembered.make_champion(story, 2, proof=ref.model_dump())
    story.record(MODEL, "hold", "h", {"digests": [digest("2-between")], "by": "ann", "reason": "audit"})
    write(ws / f"raw-{digest('2-between')[:16]}-facts" / MANIFEST, rows(digest("2-between"), {"b.csv": digest("b")}))
    store = home / "datasets" / MODEL
    (store / "2-between").rename(store / digest("2-between")[:16])
    record = {"model": {"uri": "model-refused", "sha256": "r"}}
    assert {one.path for one in unnamed(story, home, records=[record])} == {
        "workspace/.valid.ab12",
        f"bentoml/bentos/{MODEL}/v3-gone",
    }
    write(ws / "drift-2.html")
    assert "workspace/drift-2.html" in {one.path for one in unnamed(story, home)}
    story.record(MODEL, "look", "l", {"report": str(ws / "drift-2.html"), "profile": None})
    assert "workspace/drift-2.html" not in {one.path for one in unnamed(story, home)}
    write(ws / "drift-1.html")
    assert "workspace/drift-1.html" in {one.path for one in unnamed(story, home)}
    story.record(MODEL, "window", "w", {"report": str(ws / "drift-1.html"), "valid": {"uri": "v", "sha256": "v"}})
    assert "workspace/drift-1.html" not in {one.path for one in unnamed(story, home)}


@pytest.mark.parametrize("harm", ["edited", "gone"])
def test_nothing_goes_while_nobody_knows_what_a_proof_names(story, home, harm):
    ref = Workspace(root=home / "workspace").write_folder("proof", {PROOF: b"{}"}, {})
    remembered.make_champion(story, 2, proof=ref.model_dump())
    path = home / "workspace" / ref.uri / PROOF
    path.write_text("[]") if harm == "edited" else path.unlink()
    with pytest.raises(IntegrityError, match="INT003"):
        unnamed(story, home)


def test_what_was_found_is_deleted_and_nothing_else(story, home):
    before = {path for path in home.rglob("*") if path.is_file()}
    found = unnamed(story, home)
    delete(found, home)
    gone = {path for path in before if any(path.is_relative_to(home / one.path) for one in found)}
    assert {path for path in home.rglob("*") if path.is_file()} == before - gone
    assert unnamed(story, home) == ()
    delete([Unnamed(path="workspace/never", kind="artifact", size=0, modified=LATER)], home)


def test_references_are_found_however_deep():
    value = {"a": [{"uri": "x", "sha256": "1"}], "b": {"c": ({"uri": "y", "sha256": "2", "d": {"uri": "z"}},)}}
    assert [*names_in(value)] == ["x", "y"]
