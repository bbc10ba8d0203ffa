"""The ledger: who is champion, every decision in a hash chain, and leases that end with their holder."""

from evergreen.record.ledger.champions import Champions
from evergreen.record.ledger.leases import Leases


class Ledger(Champions, Leases):
    """Decisions and leases in a relational database: SQLite, or PostgreSQL by URL."""
