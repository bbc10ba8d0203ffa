"""Records for the prediction log: rows of a small contract with every column type and a personal key."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evergreen.config.contract.contract import Contract
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, Shadowed, columns_of

CONTRACT = Contract.model_validate(
    {
        "name": "visits",
        "description": "Will somebody come back?",
        "source": {"kind": "file", "path": "visits.csv"},
        "timezone": "Europe/Paris",
        "key": ["person", "day"],
        "label_delay_days": 2,
        "columns": [
            {"name": "at", "type": "timestamp", "role": "time"},
            {"name": "person", "type": "text", "role": "key", "pii": "hash"},
            {"name": "day", "type": "integer", "role": "key"},
            {"name": "street", "type": "text", "role": "ignore", "pii": "mask", "nullable": True},
            {"name": "mail", "type": "text", "role": "ignore", "pii": "drop"},
            {"name": "weight", "type": "number", "role": "feature", "nullable": True},
            {"name": "stops", "type": "integer", "role": "feature", "nullable": True},
            {"name": "Version", "type": "category", "role": "feature", "nullable": True},
            {"name": "insured", "type": "boolean", "role": "feature"},
            {"name": "back", "type": "boolean", "role": "target"},
        ],
    }
)
COLUMNS = columns_of(CONTRACT)
NOON = 1_714_564_815_000_250  # 2024-05-01 12:00:15.00025 UTC, in microseconds


def row(prediction_id: str, number: int = 1, **changed: Any) -> Logged:
    """Return an answered row; `number` decides its values."""
    features = (NOON + number, number / 8, number, "é" * (number % 4), number % 2 == 0)
    about: dict[str, Any] = {
        "features": features,
        "received_us": NOON + number * 1_000_000,
        "event_us": NOON + number,
        "keys": (f"person-{number}", number, f"Elm Street {number}"),
        "probability": number / 1000,
        "label": number > 3,
        "decision": "positive" if number > 3 else "negative",
        "rule": "threshold",
        "latency_us": 250,
        "request_id": "r" * 16,
    }
    return Logged(prediction_id, model="visits", version=3, model_digest="ab" * 32, **(about | changed))


def append(log: PredictionLog, numbers: Sequence[int], **changed: Any) -> list[str]:
    """Log answered rows together; return their ids."""
    ids = log.new_ids(len(numbers))
    log.append(COLUMNS, [row(name, number, **changed) for name, number in zip(ids, numbers, strict=True)])
    return ids


def shadow(prediction_id: str, number: int = 1, **changed: Any) -> Shadowed:
    """Return what a challenger said of the answered row of a number, a quarter more than what was answered."""
    about: dict[str, Any] = {"variant": "challenger", "probability": number / 1000 + 0.25, "label": True}
    about |= {"received_us": NOON + number * 1_000_000, "latency_us": 90, "traffic_rule": "rollout-1.1"}
    return Shadowed(prediction_id, model="visits", version=4, model_digest="cd" * 32, **(about | changed))


def feedback(about: str | tuple[str, int], at: int, **said: Any) -> Feedback:
    """Return what came back about a prediction, or about a key, at a second after noon."""
    by = {"prediction_id": about} if isinstance(about, str) else {"keys": about}
    kind = "decision" if "decision" in said else "label"
    return Feedback(os.urandom(16).hex(), received_us=NOON + at * 1_000_000, kind=kind, **by, **said)


def bytes_below(folder: Path) -> bytes:
    """Return the content of every file below a folder."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
