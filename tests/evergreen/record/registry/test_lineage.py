"""Both ways: from a version to what it was made from, and from a file, a dataset or code to the versions."""

import json
from pathlib import Path

import pytest
import remembered
from remembered import MODEL, digest

from evergreen.base.artifacts.folders import MANIFEST
from evergreen.record.registry import lineage, proof
from evergreen.record.registry.lineage import ancestry, descent, read_proof, read_rows, versions_in


def write_rows(
    folder: Path, name: str, *, of: str, items: dict[str, str], used: tuple[str, ...] = (), joined=()
) -> None:
    """Write the manifest of a dataset version, with a fragment for each file that rows are taken from."""
    (folder / name).mkdir(parents=True)
    about = {
        "name": MODEL,
        "digest": of,
        "rows": 10 * len(used or items),
        "types": {"at": "timestamp", "pages": "double"},
        "items": [{"name": item, "size": 1, "sha256": sha256, "rows": 10} for item, sha256 in items.items()],
        "joined": dict(joined),
        "fragments": [{"path": f"{item}.parquet", "item": items[item], "rows": 10} for item in used or items],
    }
    (folder / name / MANIFEST).write_text(json.dumps(about))


@pytest.fixture
def places(tmp_path):
    """A source of two files; version 1 is of rows of the first, version 2 of both."""
    january, february = digest("january.csv"), digest("february.csv")
    both = {"january.csv": january, "february.csv": february}
    ws, store = tmp_path / "workspace", tmp_path / "datasets"
    write_rows(ws, "raw-1", of=digest("data 1"), items=both, used=("january.csv",))
    write_rows(ws, "raw-2", of=digest("data 2"), items=both)
    write_rows(store, "whole", of=digest("whole"), items=both)
    write_rows(store, "older", of=digest("older"), items={"january.csv": january})
    (ws / ".half").mkdir()
    (ws / "raw-broken").mkdir()
    (ws / "raw-broken" / MANIFEST).write_text("{")
    (ws / "model-1").mkdir()
    (ws / "model-1" / MANIFEST).write_text(json.dumps({"files": []}))
    return {"rows": [*read_rows(ws)], "datasets": [*read_rows(store)]}


def test_manifests_are_read_and_what_is_none_is_left_out(places):
    assert [(rows.path, rows.digest) for rows in places["rows"]] == [
        ("raw-1", digest("data 1")),
        ("raw-2", digest("data 2")),
    ]
    assert places["rows"][0].items == {"january.csv": digest("january.csv")}
    assert sorted(places["rows"][0].all_items) == ["february.csv", "january.csv"]


def test_version_leads_to_its_rows_files_dataset_parent_and_code(story, places):
    found = ancestry(2, story.entries(MODEL), **places)
    assert (found.data, found.rows, found.datasets) == (digest("data 2"), 20, (digest("whole"),))
    assert found.items == {"january.csv": digest("january.csv"), "february.csv": digest("february.csv")}
    assert (found.parent, found.code, found.model) == (1, digest("code"), digest("model 2"))
    assert (found.commit, found.gate_rows, found.proof) == (None, None, None)
    first = ancestry(1, story.entries(MODEL), **places)
    assert (first.parent, len(first.champion)) == (None, 2)  # it was rolled back to
    assert first.items == {"january.csv": digest("january.csv")}
    assert ancestry(3, story.entries(MODEL), **places) is None


def test_proof_knows_the_commit_the_lock_and_the_gate_rows(story, tmp_path):
    about = {
        "commit": {"sha": "a" * 40},
        "digests": {"lock_digest": "l"},
        "candidate": {"test": {"sha256": "t"}, "raw": {"rows": 7}},
    }
    found = ancestry(2, story.entries(MODEL), proof=about)
    assert (found.commit, found.lock, found.gate_rows, found.rows) == ("a" * 40, "l", "t", 7)
    unknown = ancestry(2, story.entries(MODEL), proof={"commit": {"sha": "unknown"}})
    assert unknown.commit is None
    (tmp_path / "proof-1").mkdir()
    (tmp_path / "proof-1" / proof.PROOF).write_text(json.dumps(about))
    facts = {"proof": {"uri": "proof-1", "sha256": "p"}}
    assert read_proof(tmp_path, facts) == about
    assert read_proof(tmp_path, facts, mentioning="aaaa") == about
    assert read_proof(tmp_path, facts, mentioning="bbbb") is None
    assert read_proof(tmp_path, {"proof": None}) is None
    assert read_proof(tmp_path, {"proof": {"uri": "gone", "sha256": "p"}}) is None
    assert lineage.PROOF == proof.PROOF


@pytest.mark.parametrize(
    ("asked", "kind", "versions"),
    [
        (digest("january.csv"), "file", (1, 2)),
        (digest("february.csv")[:8], "file", (2,)),
        ("february.csv", "file", (2,)),
        (digest("whole")[:8], "dataset", (1, 2)),
        (digest("older")[:8], "dataset", ()),
        (digest("data 1"), "data", (1,)),
        (digest("code")[:6], "code", (1, 2)),
        (digest("params")[:6].upper(), "params", (1, 2)),
        (digest("model 2")[:12], "model", (2,)),
        ("abc123", "commit", (2,)),
    ],
)
def test_everything_leads_to_the_versions_that_were_made_from_it(story, places, asked, kind, versions):
    proofs = {2: {"commit": {"sha": "abc123" + "0" * 34}}, 1: {"commit": {"sha": "unknown"}}}
    (found,) = descent(asked, story.entries(MODEL), **places, proofs=proofs)
    assert (found.kind, found.versions, found.champions) == (kind, versions, versions)


@pytest.mark.parametrize("asked", ["march.csv", digest("code")[:5], "unknown", ""])
def test_what_nothing_is_called_leads_nowhere(story, places, asked):
    assert descent(asked, story.entries(MODEL), **places, proofs={1: {"commit": {"sha": "unknown"}}}) == ()


def test_version_that_was_registered_and_never_champion_is_made_from_its_data_too(story, places):
    story.record(MODEL, "version", "3", remembered.facts(3).model_dump(mode="json"))
    assert [*versions_in(story.entries(MODEL))] == [1, 2, 3]
    (found,) = descent(digest("code"), story.entries(MODEL), **places)
    assert (found.versions, found.champions) == ((1, 2, 3), (1, 2))
    assert ancestry(3, story.entries(MODEL)).champion == ()
