"""Datasets: named by what their rows hold, however they came; every row in its local month; whole or not at all."""

import json
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from versions import (
    at,
    manifest_of,
    publish,
    ref_of,
    rows_of,
    write,
)

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.base.errors import DataError, IntegrityError, ResourceError
from evergreen.data import datasets
from evergreen.data.datasets import IngestedItem
from evergreen.data.typed.schema import UNREADABLE

EXAMPLE = {
    "at": at("2013-01-31T05:00"), "n": 1, "m": 0, "x": 0.5, "t": "a", "u": "", "b": False, UNREADABLE: None
}  # fmt: skip


MONTHS = [{**EXAMPLE, "at": at(f"2013-{month:02d}-15T12:00"), "n": month} for month in range(1, 5)]


def given_by(path: Path, ref: DatasetRef, **more) -> list[dict]:
    return [row for _, batch in datasets.batches(path, ref, **more) for row in batch.to_pylist()]


def test_version_gives_its_rows_in_the_same_order_each_time(tmp_path):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    assert [row["n"] for row in given_by(path, ref)] == [1, 2, 3, 4]
    assert given_by(path, ref) == given_by(path, ref, max_rows=1) == rows_of(MONTHS).to_pylist()
    assert given_by(path, ref, columns=["t", "n"])[0] == {"t": "a", "n": 1}
    assert manifest.partitions == {f"2013-{month:02d}": 1 for month in range(1, 5)}
    assert datasets.read_manifest(path, ref.sha256) == manifest
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".made-v", "v"]


@pytest.mark.parametrize("how", ["gone", "truncated", "flipped", "other", "manifest", "edited"])
def test_damage_is_found_before_any_row_is_given(tmp_path, how):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    last = path / manifest.fragments[-1].path
    content = last.read_bytes()
    if how == "gone":
        last.unlink()
    elif how == "manifest":
        (path / "manifest.json").write_text("{}")
    elif how == "edited":
        about = json.loads((path / "manifest.json").read_bytes())
        about["fragments"][0]["content"] = "no digits"
        (path / "manifest.json").write_text(json.dumps(about))
    elif how == "other":
        last.unlink()
        os.link(path / manifest.fragments[0].path, last)
    else:
        cut = content[:-9] if how == "truncated" else content[:30] + bytes([content[30] ^ 1]) + content[31:]
        last.unlink()
        last.write_bytes(cut)
    with pytest.raises(IntegrityError) as caught:
        next(datasets.batches(path, ref))
    assert (caught.value.code, caught.value.where) == ("INT009", str(path))


def test_publishing_again_leaves_the_version_as_it_is(tmp_path):
    path, _, manifest = publish(tmp_path, [rows_of(MONTHS)])
    before = path.stat().st_ino
    later = manifest.model_copy(update={"ingested_at": datetime(2027, 1, 1, tzinfo=UTC)})
    assert datasets.publish(path, later, {}) == manifest
    assert path.stat().st_ino == before


def test_damaged_version_is_replaced(tmp_path):
    path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
    (path / manifest.fragments[0].path).unlink()
    publish(tmp_path, [rows_of(MONTHS)])
    assert len(given_by(path, ref)) == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".made-v", "v"]


def test_version_is_copied_where_files_cannot_be_linked(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    path, ref, _ = publish(tmp_path, [rows_of(MONTHS)])
    assert len(given_by(path, ref)) == 4


@pytest.mark.parametrize("there", [False, True])
def test_version_that_cannot_be_put_in_place_leaves_what_was_there(tmp_path, monkeypatch, there):
    if there:
        path, ref, manifest = publish(tmp_path, [rows_of(MONTHS)])
        item = IngestedItem(name="n", size=1, sha256="s", rows=4, unordered=1)
        manifest = manifest.model_copy(update={"items": (item,)})
    else:
        fragments, _ = write(tmp_path / ".made-v", [rows_of(MONTHS)])
        path, manifest = tmp_path / "v", manifest_of(fragments)

    rename = Path.rename

    def failing(self, target):
        if Path(target) == path and not self.name.endswith(".aside") and (self / "manifest.json").exists():
            found = datasets.read_manifest(self)
            if found.items == manifest.items:
                raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    files = {part.path: tmp_path / ".made-v" / part.path for part in manifest.fragments}
    with pytest.raises(ResourceError, match="RES001"):
        datasets.publish(path, manifest, files)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ([".made-v", "v"] if there else [".made-v"])
    if there:
        assert len(given_by(path, ref)) == 4


def test_many_may_publish_the_same_rows_at_once(tmp_path):
    fragments, _ = write(tmp_path / "made", [rows_of(MONTHS)])
    manifest = manifest_of(fragments)
    files = {part.path: tmp_path / "made" / part.path for part in fragments}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: datasets.publish(tmp_path / "v", manifest, files), range(24)))
    assert {each.digest for each in found} == {manifest.digest}
    with multiprocessing.get_context("fork").Pool(2) as processes:
        arguments = [(tmp_path / "w", manifest, files)] * 6
        assert {each.digest for each in processes.starmap(datasets.publish, arguments)} == {manifest.digest}
    for name in ("v", "w"):
        assert len(given_by(tmp_path / name, ref_of(manifest))) == 4
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["made", "v", "w"]


def test_versions_are_listed_oldest_first_and_found_by_their_beginning(tmp_path):
    made = {}
    for name, rows, year in (("b", MONTHS[:1], 2026), ("a", MONTHS[:2], 2027), ("c", MONTHS[:3], 2025)):
        fragments, _ = write(tmp_path / "made" / name, [rows_of(rows)])
        made[name] = manifest_of(fragments, when=datetime(year, 1, 1, tzinfo=UTC))
        files = {part.path: tmp_path / "made" / name / part.path for part in fragments}
        for folder in (name, f".{name}.half"):
            datasets.publish(tmp_path / "store" / folder, made[name], files)
    (tmp_path / "store" / "broken").mkdir()
    (tmp_path / "store" / "broken" / "manifest.json").write_text("{")
    store = tmp_path / "store"
    assert datasets.versions(store) == [(store / name, made[name]) for name in "cba"]
    assert datasets.find(store, "latest") == (store / "a", made["a"])
    assert datasets.find(store, made["c"].digest[:12]) == (store / "c", made["c"])


@pytest.mark.parametrize(
    ("wanted", "what"), [("zz", "no dataset versions begin with 'zz'"), ("", "2 dataset versions begin with ''")]
)
def test_version_that_is_not_the_only_one_is_not_found(tmp_path, wanted, what):
    for name, rows in (("a", MONTHS[:1]), ("b", MONTHS)):
        publish(tmp_path, [rows_of(rows)], name)
    with pytest.raises(DataError) as caught:
        datasets.find(tmp_path, wanted)
    assert (caught.value.code, caught.value.what) == ("DQ026", what)


def test_store_without_versions_says_so(tmp_path):
    with pytest.raises(DataError, match=r"DQ026: no dataset versions$"):
        datasets.find(tmp_path / "absent", "latest")
