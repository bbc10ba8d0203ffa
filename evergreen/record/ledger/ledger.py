"""The ledger: who is champion, every decision in a hash chain, leases that end with their holder, and rewards."""

import hashlib
from pathlib import Path
from typing import Self

from evergreen.config.settings import Settings
from evergreen.record.ledger.champions import Champions
from evergreen.record.ledger.rewards import Rewards


class Ledger(Champions, Rewards):
    """Decisions, leases and rewards in a relational database: SQLite, or PostgreSQL by URL."""

    @classmethod
    def open(cls, settings: Settings, *, older: bool = False) -> Self:
        """Return the ledger of the settings, which notices too when an entry vanishes that was seen from this home."""
        return cls(settings.ledger(), seen=seen_from(settings), older=older)


def seen_from(settings: Settings) -> Path:
    """Return the file that holds the last entry of the ledger of the settings that was seen from this home."""
    named = hashlib.sha256(settings.ledger().encode()).hexdigest()[:8]
    return settings.home / f"ledger-{named}.seen"
