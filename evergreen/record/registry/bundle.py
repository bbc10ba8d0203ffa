"""A bundle: one file with a version's model, what it was judged on, and the ledger's entries of it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from evergreen.base import signature
from evergreen.base.artifacts import archive
from evergreen.base.artifacts.folders import MANIFEST, read_folder
from evergreen.base.artifacts.refs import FolderRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError, ResourceError
from evergreen.base.values import Value
from evergreen.learning.model.release import Release
from evergreen.record.ledger.chain import Line
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from evergreen.record.registry import people

FACTS, ENTRIES, RELEASE = "facts.json", "entries.json", "release.json"
SIGNATURE = "manifest.sig"
MODEL, PROOF_FOLDER, DOCUMENTS = "model/", "proof/", "documents/"
OF_VERSION = ("version", "proposal", "approval", "rejection", "promotion", "rollback", "sent", "received")
LINES = TypeAdapter(tuple[Line, ...])


class Member(Value):
    """A member of a bundle by its size and digest."""

    path: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=1024)]
    size: Annotated[int, Field(strict=True, ge=0, le=2**50)]
    sha256: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$")]


class BundleManifest(Value):
    """Every member of a bundle but its manifest and its signature, by path."""

    kind: Literal["bundle"]
    files: tuple[Member, ...]

    def to_bytes(self) -> bytes:
        """Return the one way to write it."""
        return (json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True) + "\n").encode()


def export(
    ledger: Ledger,
    ws: Workspace,
    model: str,
    version: int,
    *,
    files: Mapping[str, bytes],
    signing_key: Path | None = None,
) -> bytes:
    """Return the bundle of a version; equal content is equal bytes.

    Parameters
    ----------
    files : documents for people that go with it, by name.
    signing_key : an Ed25519 key in PEM, which signs the manifest.

    Raises
    ------
    ConfigError if there is no such version, or the key cannot be used. IntegrityError if the version has no proof, or
    its model or proof is gone or damaged. ResourceError if it is too large for one file.
    """
    facts = exportable(ledger, model, version)
    assert facts.proof is not None
    release = Release(model=model, version=version, model_digest=facts.artifact.sha256, threshold=facts.threshold)
    members = {
        FACTS: _text(facts),
        RELEASE: _text(release),
        ENTRIES: LINES.dump_json(of_version(ledger.lines(model), version), indent=1),
        **_folder(ws, facts.artifact, MODEL),
        **_folder(ws, facts.proof, PROOF_FOLDER),
        **{f"{DOCUMENTS}{name}": content for name, content in files.items()},
    }
    try:
        return pack(members, signing_key=signing_key)
    except ValueError as error:
        raise ResourceError(
            "RES007", f"not one file: {error}", where=f"version {version}", next_step="Export a smaller model."
        ) from error


def exportable(ledger: Ledger, model: str, version: int) -> VersionFacts:
    """Return what is known of a version, if it has a proof.

    Raises
    ------
    ConfigError if there is no such version. IntegrityError if it has no proof.
    """
    facts = people.require_version(ledger, model, version)
    if facts.proof is None:
        raise IntegrityError(
            "INT020",
            f"version {version} of '{model}' has no proof: it was registered before proofs were kept",
            where=f"ledger, version {version}",
            next_step="Take a newer version, or train again: evergreen run",
        )
    return facts


def pack(members: Mapping[str, bytes], *, signing_key: Path | None = None) -> bytes:
    """Return the file of members by name, with the manifest that lists them and, with a key, its signature."""
    listed = [
        Member(path=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in sorted(members.items())
    ]
    manifest = BundleManifest(kind="bundle", files=tuple(listed)).to_bytes()
    signed = {SIGNATURE: signature.sign(manifest, signing_key)} if signing_key else {}
    return archive.write({**members, MANIFEST: manifest, **signed})


def of_version(lines: Sequence[Line], version: int) -> tuple[Line, ...]:
    """Return the ledger's entries of a version."""
    return tuple(
        line
        for line in lines
        if (line.kind == "number" and line.key == str(version))
        or (line.kind in OF_VERSION and json.loads(line.payload).get("version") == version)
    )


def _folder(ws: Workspace, ref: FolderRef, name: str) -> dict[str, bytes]:
    path = ws.path(ref.uri)
    _, files = read_folder(path, ref.sha256)
    return {f"{name}{file}": content for file, content in {**files, MANIFEST: (path / MANIFEST).read_bytes()}.items()}


def _text(value: Value) -> bytes:
    return value.model_dump_json(indent=1, by_alias=True).encode()
