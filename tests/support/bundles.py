"""Bundles as somebody would forge them: something is changed, and every digest that covers it is made to fit."""

import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd

from evergreen.base.artifacts import archive
from evergreen.record.ledger.chain import GENESIS, hash_of
from evergreen.record.registry import bundle

Edit = Callable[[dict[str, Any]], None]
REGISTERED = ("version", "promotion")


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of a bundle but its manifest."""
    members, damages = archive.read(content)
    assert not damages
    return {name: data for name, data in members.items() if name not in ("manifest.json", "manifest.sig")}


def edited(
    content: bytes,
    *,
    proof: Edit | None = None,
    facts: Edit | None = None,
    release: Edit | None = None,
    files: dict[str, bytes] | None = None,
    **more: Any,
) -> bytes:
    """Return a bundle with documents and files changed, and with manifests, references and entries that fit them."""
    members = {**members_of(content), **(files or {})}
    for name, edit in (("proof/proof.json", proof), ("facts.json", facts), ("release.json", release)):
        if edit:
            document = json.loads(members[name])
            edit(document)
            members[name] = json.dumps(document).encode()
    known = json.loads(members["facts.json"])
    for folder, kept in (("model/", known["artifact"]), ("proof/", known["proof"])):
        kept["sha256"] = _sealed(members, folder)
    members["facts.json"] = json.dumps(known).encode()
    members["entries.json"] = json.dumps(_chained(json.loads(members["entries.json"]), known)).encode()
    return bundle.pack(members, **more)


def table(content: bytes, name: str) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(members_of(content)[name]))


def parquet(frame: pd.DataFrame) -> bytes:
    target = io.BytesIO()
    frame.to_parquet(target, index=False)
    return target.getvalue()


def rows_changed(content: bytes, change: Callable[[pd.DataFrame], pd.DataFrame]) -> bytes:
    """Return a bundle whose gate rows are changed, and that knows them by their new digest."""
    rows = parquet(change(table(content, "proof/rows.parquet")))
    digest = hashlib.sha256(rows).hexdigest()
    return edited(
        content,
        files={"proof/rows.parquet": rows},
        proof=lambda proof: proof["compared"]["table"].update(sha256=digest),
    )


def _sealed(members: dict[str, bytes], folder: str) -> str:
    manifest = json.loads(members[f"{folder}manifest.json"])
    names = sorted(name for name in members if name.startswith(folder) and name != f"{folder}manifest.json")
    manifest["files"] = [
        {
            "path": name.removeprefix(folder),
            "size": len(members[name]),
            "sha256": hashlib.sha256(members[name]).hexdigest(),
        }
        for name in names
    ]
    members[f"{folder}manifest.json"] = json.dumps(manifest, sort_keys=True, indent=1).encode()
    return hashlib.sha256(members[f"{folder}manifest.json"]).hexdigest()


def _chained(lines: list[dict[str, Any]], facts: dict[str, Any]) -> list[dict[str, Any]]:
    last: dict[str, Any] = {"seq": 0, "hash": GENESIS}
    for line in lines:
        if line["kind"] in REGISTERED:
            line["payload"] = json.dumps({**json.loads(line["payload"]), **facts})
        if line["seq"] == last["seq"] + 1:
            line["previous"] = last["hash"]
        line["hash"] = hash_of(*(line[name] for name in ("previous", "at", "model", "kind", "key", "payload")))
        last = line
    return lines
