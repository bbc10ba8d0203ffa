"""The log: every decision in a hash chain, each effect once."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from evergreen.base.values import Value
from evergreen.record.ledger.database import ENTRIES, LedgerDatabase

GENESIS = "0" * 64


class Entry(Value):
    """One line of the log. `key` is unique within its model and kind: the same effect is never recorded twice."""

    seq: int
    at: datetime
    model: str
    kind: str
    key: str
    payload: dict[str, Any]


class Chain(LedgerDatabase):
    """Entries that each name the hash of the one before."""

    def record(
        self, model: str, kind: str, key: str, payload: Mapping[str, Any], *, now: datetime | None = None
    ) -> Entry:
        """Append an entry; a second call with the same model, kind and key returns the first one unchanged."""
        with self.begin() as connection:
            entry = self._find(connection, model, kind, key)
            return entry or self.append(connection, model=model, kind=kind, key=key, payload=payload, now=now)

    def find(self, model: str, kind: str, key: str) -> Entry | None:
        """Return the entry of that key, if any."""
        with self.begin() as connection:
            return self._find(connection, model, kind, key)

    def entries(self, model: str, kind: str | None = None) -> list[Entry]:
        """Return the log of a model, oldest first."""
        query = sa.select(ENTRIES).where(ENTRIES.c.model == model).order_by(ENTRIES.c.seq)
        if kind:
            query = query.where(ENTRIES.c.kind == kind)
        with self.begin() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def _find(self, connection: sa.Connection, model: str, kind: str, key: str) -> Entry | None:
        row = connection.execute(
            sa.select(ENTRIES).where(ENTRIES.c.model == model, ENTRIES.c.kind == kind, ENTRIES.c.key == key)
        ).first()
        return _entry(row) if row else None

    def append(
        self,
        connection: sa.Connection,
        *,
        model: str,
        kind: str,
        key: str,
        payload: Mapping[str, Any],
        now: datetime | None,
    ) -> Entry:
        """Append an entry within a transaction of the caller's."""
        at = (now or datetime.now(UTC)).isoformat()
        text = json.dumps(payload, sort_keys=True, default=str)
        last = connection.execute(sa.select(ENTRIES.c.hash).order_by(ENTRIES.c.seq.desc()).limit(1)).scalar()
        previous = last or GENESIS
        row = connection.execute(
            sa.insert(ENTRIES)
            .values(
                at=at,
                model=model,
                kind=kind,
                key=key,
                payload=text,
                previous=previous,
                hash=hash_of(previous, at, model, kind, key, text),
            )
            .returning(ENTRIES)
        ).one()
        return _entry(row)


def hash_of(*parts: str) -> str:
    """Return the hash of an entry: of the hash before it, and its own time, model, kind, key and payload."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        model=row.model,
        kind=row.kind,
        key=row.key,
        payload=json.loads(row.payload),
    )
