"""`evergreen data ls|show|diff`: what is in the store, what changed, and that no name of a column or file does harm."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import projects
import pytest
import yaml
from projects import Small
from rich.console import Console

from cli import data
from evergreen.base.errors import DataError
from evergreen.data import datasets
from evergreen.data.datasets import Manifest
from evergreen.data.ingest import sources, store
from evergreen.project import Project

FILE = "\x1b[31mred\x1b[0m [bold]x\n\u202e=cmd().csv"
COLUMN = f"{FILE} [/y] <script>"


def parcels(first: int, n: int) -> pd.DataFrame:
    sent = pd.date_range("2024-01-01", periods=first + n, freq="6h", tz="UTC")[first:]
    return pd.DataFrame(
        {
            "sent": sent.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "weight": range(first, first + n),
            "late": ["true", "false"] * (n // 2),
        }
    )


@pytest.fixture
def own(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Manifest]:
    """Return what ingests the files in `in/` and says which version that gave; columns can be added."""
    small = projects.copy_project(project, tmp_path / "project")
    (small.root / "in").mkdir()
    (small.root / "configs" / "parcels").mkdir()
    params = small.root / "params.yaml"
    params.write_text(params.read_text().replace("dataset: flights", "dataset: parcels"))
    monkeypatch.chdir(small.root)

    def made(*more: str) -> Manifest:
        columns = [
            {"name": "sent", "type": "timestamp", "role": "time"},
            {"name": "weight", "type": "number", "role": "feature"},
            {"name": "late", "type": "boolean", "role": "target"},
            *({"name": name, "type": "category", "role": "ignore", "nullable": True} for name in more),
        ]
        about = {"name": "parcels", "description": "", "timezone": "UTC", "label_delay_days": 0}
        source = {"kind": "file", "path": "in"}
        text = yaml.safe_dump({**about, "source": source, "columns": columns}, allow_unicode=False)
        (small.root / "configs" / "parcels" / "contract.yaml").write_text(text)
        known = Project.open()
        where = sources.locate(known.contract, known.settings)
        return store.sync(where, known.contract, known.datasets / known.name, made_with="", secret=b"")[1]

    return made


def printed(show: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> str:
    text = io.StringIO()
    monkeypatch.setattr(data, "out", Console(file=text, width=200, highlight=False))
    show()
    return text.getvalue()


def test_versions_are_listed_oldest_first_and_found_by_the_beginning_of_their_digest(
    own: Callable[..., Manifest],
) -> None:
    parcels(0, 100).to_csv("in/a.csv", index=False)
    first = own()
    parcels(100, 40).to_csv("in/b.csv", index=False)
    second = own()
    known = Project.open()
    assert [each.digest for each in data.listed(known)] == [first.digest, second.digest]
    assert data.found(known, first.digest[:8])[1].digest == first.digest
    assert data.found(known, "latest")[1].digest == second.digest
    assert data.summary(second)["partitions"] == {"2024-01": 124, "2024-02": 16}


def test_file_that_was_added_and_one_that_changed_are_told_apart(
    own: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels(0, 100).to_csv("in/a.csv", index=False)
    first = own()
    parcels(200, 40).to_csv("in/b.csv", index=False)
    second = own()
    grown = datasets.diff(first, second)
    assert (grown.added_items, grown.changed_items, grown.partitions) == (("in/b.csv",), (), {"2024-02": (0, 40)})
    parcels(0, 100).assign(weight=1.5).to_csv("in/a.csv", index=False)
    changed = datasets.diff(second, own())
    assert (changed.added_items, changed.changed_items) == ((), ("in/a.csv",))
    assert changed.partitions == {"2024-01": (100, 100)}
    assert "items changed: in/a.csv" in printed(lambda: data.show_difference(changed), monkeypatch)


@pytest.mark.parametrize("wanted", ["0000", "../..", "", "*", "\x1b[31m"])
def test_version_that_is_not_there_or_not_the_only_one_is_one_block(own: Callable[..., Manifest], wanted: str) -> None:
    parcels(0, 100).to_csv("in/a.csv", index=False)
    own()
    parcels(0, 60).to_csv("in/a.csv", index=False)
    own()
    with pytest.raises(DataError) as raised:
        data.found(Project.open(), wanted)
    block = raised.value.block()
    assert (raised.value.code, raised.value.exit_code) == ("DQ026", 3)
    assert "\x1b" not in block
    assert len(block.splitlines()) == 3


def test_hostile_names_are_printed_as_the_text_that_they_are(
    own: Callable[..., Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels(0, 100).to_csv("in/a.csv", index=False)
    before = own()
    parcels(100, 20).assign(**{COLUMN: "a"}).to_csv(f"in/{FILE}", index=False)
    parcels(0, 100).assign(**{COLUMN: "b"}).to_csv("in/a.csv", index=False)
    after = own(COLUMN)
    for show in (
        lambda: data.show_version("here", after),
        lambda: data.show_difference(datasets.diff(before, after)),
        lambda: data.show_list([before, after]),
    ):
        assert "\x1b[31m" not in printed(show, monkeypatch)
        assert "\u202e" not in printed(show, monkeypatch)
    told = printed(lambda: data.show_difference(datasets.diff(before, after)), monkeypatch)
    assert "[bold]x" in told
    assert "[/y] <script>" in told


def test_trained_project_shows_the_version_that_it_trained_on(trained_project: Small) -> None:
    (version,) = trained_project.json("data", "ls")["versions"]
    shown = trained_project.json("data", "show", version["digest"][:10])
    assert (shown["digest"], shown["rows"]) == (version["digest"], 336_776)
    assert len(shown["partitions"]) == 12
    assert trained_project.json("data", "diff", version["digest"][:10])["same"]
    assert version["digest"][:12] in trained_project.run("data", "ls").stdout
    assert "DQ026" in trained_project.refused("data", "show", "0000", code=3)
