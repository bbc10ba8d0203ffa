"""What is recorded of steps that ran: their artifacts, under their identities."""

import json
import re
from pathlib import Path
from typing import Any

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.sealed import unsealed
from evergreen.record.plan.wholeness import holds

RECORD_NAME = re.compile(r"[a-z_]+-[0-9a-f]{64}")  # the engine keeps files of its own beside the records
ENCODER = "tasks.engine.encoded"  # which seals what a step answered
# What the engine writes beside the result, and goes by when it reads it: each is as it was, or the record is not whole.
ABOUT = {
    "expiration": None,
    "storage_block_id": None,
    "serializer": {
        "type": "json",
        "jsonlib": "json",
        "object_encoder": ENCODER,
        "object_decoder": "prefect.serializers.prefect_json_object_decoder",
        "dumps_kwargs": {},
        "loads_kwargs": {},
    },
}


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the artifacts in a step's record, as plain JSON by name; None when there is no whole record."""
    try:
        record = json.loads(path.read_bytes())
        about = {**record["metadata"]}
        result = unsealed(json.loads(record["result"]))
        known = Path(about.pop("storage_key")).name == path.name
        del about["prefect_version"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not known or about != ABOUT or len(record) != 2:
        return None
    artifacts = result["data"] if result and result.keys() == {"__class__", "data"} else None
    return artifacts if isinstance(artifacts, dict) else None


def drop_unless_whole(path: Path, ws: Workspace) -> bool:
    """Delete a record that was cut short or changed, or that names something damaged or gone; return whether it was.

    The engine would otherwise trust it, or choke on it: it writes records in place, so a kill can leave half of one.
    """
    artifacts = read_record(path)
    if artifacts is not None and holds(ws, artifacts):
        return False
    path.unlink(missing_ok=True)
    return True


def drop_broken_records(records: Path, ws: Workspace) -> int:
    """Do the same with every record, and return how many were deleted."""
    ours = [path for path in records.glob("*-*") if RECORD_NAME.fullmatch(path.name)]
    return sum(drop_unless_whole(path, ws) for path in ours)
