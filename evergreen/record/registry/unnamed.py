"""What lies in the state folder and nothing names any more: no ledger, proof, hold or record in use."""

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from evergreen.base.artifacts.folders import read_folder
from evergreen.base.errors import explain_os_errors
from evergreen.base.temporaries import temporary
from evergreen.base.values import Value
from evergreen.record.ledger.chain import Entry
from evergreen.record.registry.lineage import PROOF, Rows, read_rows, versions_in
from evergreen.record.registry.names import WINDOWS

SHORT = 16  # characters of a digest that stand in the name of what it names
ITEMS, ITEM_FILE = "items", "item.json"
AT_LEAST = timedelta(days=1)  # what is younger may be somebody's work of this moment


class Named(Value):
    """What may not go: artifacts of the workspace by their names, dataset versions and bentos by theirs.

    `digests`: the beginnings of digests, each of which keeps whatever carries it in its name. `bentos`: tags.
    """

    artifacts: frozenset[str]
    datasets: frozenset[str]
    bentos: frozenset[str]
    digests: frozenset[str] = frozenset()

    def keeps(self, name: str) -> bool:
        """Return whether an artifact of that name, or a dataset version in a folder of that name, has to stay."""
        return name in self.artifacts or any(digest in name for digest in self.digests)


class Unnamed(Value):
    """Something that nothing names. `path`: relative to the state folder; `size`: bytes, also of what is linked."""

    path: str
    kind: Literal["artifact", "dataset", "item", "bento"]
    size: int
    modified: datetime


def named(
    logs: Iterable[Iterable[Entry]], home: Path, *, records: Iterable[Mapping[str, Any]] = (), workspace: Path
) -> Named:
    """Return what entries of the ledger name, with what their proofs name, and what records in use do.

    Every registered version keeps its models, its rows, the dataset that they were taken from, its proof and its
    package; every dataset keeps its newest version.

    Parameters
    ----------
    logs : of each model, all entries.
    records : artifacts of steps that a run may still take, as JSON.

    Raises
    ------
    IntegrityError if a version's proof is gone or damaged: nobody knows then what it names.
    """
    artifacts, bentos, data, digests = {*names_in([*records])}, set[str](), set[str](), set[str]()
    for log in logs:
        entries = list(log)
        for entry in entries:
            artifacts |= {*names_in(entry.payload)}
            if entry.kind in WINDOWS:
                artifacts.add(Path(str(entry.payload.get("report"))).name)
            if entry.kind == "hold":
                digests |= {str(digest)[:SHORT] for digest in entry.payload.get("digests", ())}
        for facts in versions_in(entries).values():
            bentos.add(str(facts["bento"]))
            data.add(str(facts["judged"]["data_digest"]))
            if proof := facts.get("proof"):
                _, files = read_folder(workspace / str(proof["uri"]), str(proof["sha256"]))
                artifacts |= {*names_in(json.loads(files[PROOF]))}
    periods = [rows for rows in read_rows(workspace) if rows.digest in data or rows.path in artifacts]
    artifacts |= {rows.path for rows in periods}
    return Named(
        artifacts=frozenset(artifacts),
        datasets=frozenset(_datasets(home, periods)),
        bentos=frozenset(bentos),
        digests=frozenset(digests),
    )


def names_in(value: Any) -> Iterator[str]:
    """Yield the names of the artifacts that a value refers to, however deep.

    Examples
    --------
    >>> [*names_in({"model": {"uri": "model-ab", "sha256": "ab"}, "other": [{"uri": "no reference"}]})]
    ['model-ab']
    """
    if isinstance(value, Mapping):
        if {"uri", "sha256"} <= value.keys():
            yield str(value["uri"])
        for inner in value.values():
            yield from names_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from names_in(inner)


def find(
    named: Named, home: Path, *, workspace: Path, now: datetime, older_than: timedelta = AT_LEAST
) -> tuple[Unnamed, ...]:
    """Return what nothing names and nobody has written for at least a day, the greatest first."""
    kept = [
        rows
        for store in _stores(home)
        for rows in read_rows(store)
        if f"{store.name}/{rows.path}" in named.datasets or named.keeps(rows.path)
    ]
    used = {sha256 for rows in kept for sha256 in rows.all_items.values()}
    found: list[tuple[Literal["artifact", "dataset", "item", "bento"], Path]] = []
    found += [("artifact", path) for path in _within(workspace) if not named.keeps(path.name)]
    for store in _stores(home):
        versions = {rows.path for rows in kept}
        found += [("dataset", path) for path in _within(store) if path.name != ITEMS and path.name not in versions]
        found += [("item", path) for path in _within(store / ITEMS) if _item(path) not in used]
    for model in _within(home / "bentoml" / "bentos"):
        built = [path for path in _within(model) if path.is_dir()]
        found += [("bento", path) for path in built if f"{model.name}:{path.name}" not in named.bentos]
    listed = [
        Unnamed(path=path.relative_to(home).as_posix(), kind=kind, size=size, modified=modified)
        for kind, path in found
        for size, modified in [_measured(path)]
        if now - modified >= max(older_than, AT_LEAST)
    ]
    return tuple(sorted(listed, key=lambda one: (-one.size, one.path)))


def delete(unnamed: Collection[Unnamed], home: Path) -> None:
    """Delete what was found; each disappears under its name at once."""
    for one in unnamed:
        path = home / one.path
        with explain_os_errors(path):
            if path.is_dir() and not path.is_symlink():
                aside = temporary(path)
                path.rename(aside)
                shutil.rmtree(aside)
            else:
                path.unlink(missing_ok=True)


def _datasets(home: Path, periods: Collection[Rows]) -> Iterator[str]:
    """Yield the dataset versions that periods were taken from, and the newest of each dataset."""
    for store in _stores(home):
        versions = [*read_rows(store)]
        for rows in versions:
            if any(period.came_from(rows) for period in periods):
                yield f"{store.name}/{rows.path}"
        if versions:
            newest = max(versions, key=lambda rows: (store / rows.path).stat().st_mtime)
            yield f"{store.name}/{newest.path}"


def _stores(home: Path) -> list[Path]:
    return [path for path in _within(home / "datasets") if path.is_dir()]


def _within(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _item(folder: Path) -> str | None:
    """Return the sha256 of the file that was read into a folder."""
    try:
        return str(json.loads((folder / ITEM_FILE).read_bytes())["about"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _measured(path: Path) -> tuple[int, datetime]:
    """Return the bytes of a file or of all below a folder, and when anything in it was written last."""
    files = [path, *path.rglob("*")] if path.is_dir() and not path.is_symlink() else [path]
    stats = [file.lstat() for file in files]
    size = sum(stat.st_size for file, stat in zip(files, stats, strict=True) if not file.is_dir())
    return size, datetime.fromtimestamp(max(stat.st_mtime for stat in stats), UTC)
