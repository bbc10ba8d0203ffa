"""What is recorded of steps that ran: their artifacts, under their identities."""

import json
import re
from pathlib import Path
from typing import Any

from evergreen.base.artifacts.workspace import Workspace

RECORD_NAME = re.compile(r"[a-z_]+-[0-9a-f]{64}")  # the engine keeps files of its own beside the records


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the artifacts in a step's record, as plain JSON by name; None when there is no whole record."""
    try:
        result = json.loads(json.loads(path.read_bytes())["result"])
        artifacts = result["data"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return artifacts if isinstance(artifacts, dict) else None


def drop_broken_records(records: Path, ws: Workspace) -> int:
    """Delete records that were cut short or whose files are gone, and return how many.

    The engine would otherwise trust or choke on them: it writes records in place, so a kill can leave half of one.
    """
    ours = [path for path in records.glob("*-*") if RECORD_NAME.fullmatch(path.name)]
    broken = [path for path in ours if (artifacts := read_record(path)) is None or not ws.holds(artifacts)]
    for path in broken:
        path.unlink(missing_ok=True)
    return len(broken)
