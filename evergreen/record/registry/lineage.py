"""What a version was made from, and what was made from a file, a dataset, a commit or a piece of code."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.values import Value
from evergreen.record.ledger.chain import CHANGES, Entry

PROOF = "proof.json"  # as in `proof`, which brings pandas
LEAST_OF_A_DIGEST = 6  # characters
UNKNOWN = "unknown"


class Rows(Value):
    """What the manifest of a dataset version, or of a period's rows, says of where they came from.

    `items`: the sha256 of each file that rows of it are from, by name; `all_items`: of each file of the source.
    """

    digest: str
    rows: int
    items: dict[str, str]
    all_items: dict[str, str]
    types: dict[str, str]
    path: str

    def came_from(self, dataset: "Rows") -> bool:
        """Return whether these rows were taken from a dataset version: of the same files and columns."""
        return (self.all_items, self.types) == (dataset.all_items, dataset.types)


class Ancestry(Value):
    """What a version was made from. What nobody kept is None, or empty.

    `data`: the digest of the period's rows; `datasets`: of the dataset versions that they were taken from; `items`: the
    sha256 of each source file, by name. `parent`: the champion that it was held against. `champion`: when it was.
    `received`: the environment and the version there that it came from; `sent`: the same of those it was sent to.
    """

    version: int
    champion: tuple[str, ...]
    data: str
    rows: int | None = None
    datasets: tuple[str, ...] = ()
    items: dict[str, str] = Field(default_factory=dict)
    train: str
    gate_rows: str | None = None
    code: str
    commit: str | None = None
    params: str
    lock: str | None = None
    model: str
    judged_model: str | None = None
    parent: int | None = None
    received: str | None = None
    sent: tuple[str, ...] = ()
    package: str | None = None
    bento: str
    proof: str | None = None


class Descent(Value):
    """What was made from something. `kind`: ``file``, ``dataset``, ``data``, ``code``, ``commit``, ``params`` or
    ``model``; `name`: whole, where only its beginning was given. `champions`: those of `versions` that were champion.
    """

    kind: str
    name: str
    versions: tuple[int, ...]
    champions: tuple[int, ...]


def read_rows(folder: Path) -> Iterator[Rows]:
    """Yield what the manifests of versions in a folder say; those that cannot be read are left out."""
    for path in sorted(folder.glob(f"[!.]*/{MANIFEST}")):
        try:
            about = json.loads(path.read_bytes())
            used = {fragment["item"] for fragment in about["fragments"] if fragment["rows"]}
            items = {item["name"]: str(item["sha256"]) for item in about["items"]}
            yield Rows(
                digest=about["digest"],
                rows=about["rows"],
                items={name: sha256 for name, sha256 in items.items() if sha256 in used} | about.get("joined", {}),
                all_items=items | about.get("joined", {}),
                types=about["types"],
                path=path.parent.name,
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue


def read_proof(workspace: Path, facts: Mapping[str, Any], *, mentioning: str = "") -> Mapping[str, Any] | None:
    """Return what a version's proof holds, as JSON; None where there is none, it is gone, or does not mention that."""
    try:
        content = (workspace / str((facts.get("proof") or {})["uri"]) / PROOF).read_bytes()
        found: Mapping[str, Any] | None = json.loads(content) if mentioning.encode() in content else None
    except (OSError, ValueError, KeyError):
        return None
    return found


def versions_in(entries: Iterable[Entry]) -> dict[int, Mapping[str, Any]]:
    """Return what is kept of every registered version, as JSON: as it was last registered or made champion."""
    found: dict[int, Mapping[str, Any]] = {}
    for entry in entries:
        if entry.kind in ("version", *CHANGES) and "judged" in entry.payload:
            found[int(entry.payload.get("version") or entry.key)] = entry.payload
    return dict(sorted(found.items()))


def ancestry(
    version: int,
    entries: Sequence[Entry],
    *,
    rows: Sequence[Rows] = (),
    datasets: Sequence[Rows] = (),
    proof: Mapping[str, Any] | None = None,
) -> Ancestry | None:
    """Return what a version was made from; None if no such version is registered.

    Parameters
    ----------
    entries : the log of the model, oldest first.
    rows : of the workspace, by period; `datasets`: of the store of datasets.
    proof : of the version.
    """
    facts = versions_in(entries).get(version)
    if facts is None:
        return None
    judged, proof = facts["judged"], proof or {}
    changes = [entry for entry in entries if entry.kind in CHANGES and entry.payload["version"] == version]
    of_period = next((found for found in rows if found.digest == judged["data_digest"]), None)
    candidate = proof.get("candidate", {})
    commit = proof.get("commit", {}).get("sha")
    return Ancestry(
        version=version,
        champion=tuple(entry.at.isoformat() for entry in changes),
        data=judged["data_digest"],
        rows=of_period.rows if of_period else candidate.get("raw", {}).get("rows"),
        datasets=tuple(found.digest for found in datasets if of_period and of_period.came_from(found)),
        items=of_period.items if of_period else {},
        train=facts["train"]["sha256"],
        gate_rows=candidate.get("test", {}).get("sha256"),
        code=judged["code_digest"],
        commit=None if commit == UNKNOWN else commit,
        params=judged["params_digest"],
        lock=proof.get("digests", {}).get("lock_digest"),
        model=judged["model_digest"],
        judged_model=judged.get("refit_of"),
        parent=changes[0].payload["predecessor"] if changes else None,
        received=next((_elsewhere(entry) for entry in entries if _is_about(entry, "received", version)), None),
        sent=tuple(_elsewhere(entry) for entry in entries if _is_about(entry, "sent", version)),
        package=facts.get("package"),
        bento=facts["bento"],
        proof=(facts.get("proof") or {}).get("sha256"),
    )


def _is_about(entry: Entry, kind: str, version: int) -> bool:
    return entry.kind == kind and entry.payload.get("version") == version


def _elsewhere(entry: Entry) -> str:
    told = entry.payload
    number = told.get("from_version" if entry.kind == "received" else "to_version")
    return f"{told['env']}, {f'version {number}' if number else 'refused'}"


def descent(
    asked: str,
    entries: Sequence[Entry],
    *,
    rows: Sequence[Rows] = (),
    datasets: Sequence[Rows] = (),
    proofs: Mapping[int, Mapping[str, Any]] | None = None,
) -> tuple[Descent, ...]:
    """Return every version that was made from what is asked about: one for each thing that is called so.

    Parameters
    ----------
    asked : the name of a source's file, or the beginning of a sha256: of a file, a dataset version, a period's rows,
        code, a commit, parameters or a model.
    proofs : of versions, which know their commits.
    """
    kept = versions_in(entries)
    champions = {entry.payload["version"] for entry in entries if entry.kind in CHANGES}
    made: dict[tuple[str, str], set[int]] = {}
    by_data: dict[str, list[int]] = {}
    for version, facts in kept.items():
        judged = facts["judged"]
        by_data.setdefault(judged["data_digest"], []).append(version)
        for kind, digest in (
            ("code", judged["code_digest"]),
            ("params", judged["params_digest"]),
            ("data", judged["data_digest"]),
            ("model", judged["model_digest"]),
            ("commit", (proofs or {}).get(version, {}).get("commit", {}).get("sha")),
        ):
            if _is_called(asked, digest):
                made.setdefault((kind, digest), set()).add(version)
    for found in rows:
        for name, sha256 in found.items.items():
            if asked == name or _is_called(asked, sha256):
                made.setdefault(("file", sha256), set()).update(by_data.get(found.digest, ()))
    for dataset in datasets:
        if _is_called(asked, dataset.digest):
            taken = [found for found in rows if found.came_from(dataset)]
            versions = {version for found in taken for version in by_data.get(found.digest, ())}
            made.setdefault(("dataset", dataset.digest), set()).update(versions)
        for name, sha256 in dataset.all_items.items():  # a file that was read, whether or not any version came of it
            if asked == name or _is_called(asked, sha256):
                made.setdefault(("file", sha256), set())
    return tuple(
        Descent(kind=kind, name=name, versions=tuple(sorted(of)), champions=tuple(sorted(of & champions)))
        for (kind, name), of in made.items()
    )


def _is_called(asked: str, digest: str | None) -> bool:
    long_enough = len(asked) >= LEAST_OF_A_DIGEST
    return bool(digest) and digest != UNKNOWN and long_enough and str(digest).startswith(asked.lower())
