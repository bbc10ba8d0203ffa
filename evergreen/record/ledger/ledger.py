"""The ledger: who is champion, every decision in a hash chain, and leases that end with their holder."""

import hashlib
from typing import Self

from evergreen.config.settings import Settings
from evergreen.record.ledger.champions import Champions


class Ledger(Champions):
    """Decisions and leases in a relational database: SQLite, or PostgreSQL by URL."""

    @classmethod
    def open(cls, settings: Settings, *, older: bool = False) -> Self:
        """Return the ledger of the settings, which notices too when an entry vanishes that was seen from this home."""
        url = settings.ledger()
        named = hashlib.sha256(url.encode()).hexdigest()[:8]
        return cls(url, seen=settings.home / f"ledger-{named}.seen", older=older)
