"""The log: every decision in a hash chain, each effect once."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from pydantic_core import from_json

from evergreen.base.errors import ResourceError
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.record.ledger.database import CHAMPIONS, ENTRIES, LedgerDatabase, moment

GENESIS = "0" * 64
CHANGES = ("promotion", "rollback")  # the kinds that make another version champion
LAST = sa.select(ENTRIES).order_by(ENTRIES.c.seq.desc()).limit(1)


class Entry(Value):
    """One line of the log. `key` is unique within its model and kind: the same effect is never recorded twice.

    `at`: by the database's clock, never before the entry before. `hash`: of the entry and the one before it.
    """

    seq: int
    at: datetime
    model: str
    kind: str
    key: str
    payload: dict[str, Any]
    hash: str


class Line(Value):
    """An entry as it is written, letter by letter, from which its hash can be computed again."""

    seq: int
    at: str
    model: str
    kind: str
    key: str
    payload: str
    previous: str
    hash: str

    @property
    def is_whole(self) -> bool:
        return self.hash == hash_of(self.previous, self.at, self.model, self.kind, self.key, self.payload)


class Checked(Value):
    """How far a chain was found whole: its last entry then, and the epoch and version of each model's champion."""

    seq: int = 0
    hash: str = GENESIS
    champions: dict[str, tuple[int, int]] = Field(default_factory=dict)


class Chain(LedgerDatabase):
    """Entries that each name the hash of the one before. Nothing is read from a chain, or added, that is not whole."""

    def __init__(self, url: str, *, seen: Path | None = None, older: bool = False) -> None:
        self._checked = Checked()
        self._last_seen = _read_seen(seen)  # before any transaction, each of which then has that entry
        super().__init__(url, seen=seen, older=older)

    def record(self, model: str, kind: str, key: str, payload: Mapping[str, Any]) -> Entry:
        """Append an entry; a second call with the same model, kind and key returns the first one unchanged."""
        with self.changing() as connection:
            entry = self._find(connection, model, kind, key)
            return entry or self.append(connection, model=model, kind=kind, key=key, payload=payload)

    def find(self, model: str, kind: str, key: str) -> Entry | None:
        """Return the entry of that key, if any."""
        with self.reading() as connection:
            return self._find(connection, model, kind, key)

    def entries(self, model: str, *kinds: str) -> list[Entry]:
        """Return the log of a model, oldest first: all of it, or only entries of `kinds`."""
        with self.reading() as connection:
            return self._of(connection, model, *kinds)

    def lines(self, model: str) -> list[Line]:
        """Return the log of a model as it is written, oldest first."""
        query = sa.select(ENTRIES).where(ENTRIES.c.model == model).order_by(ENTRIES.c.seq)
        with self.reading() as connection:
            return [Line(**row._mapping) for row in connection.execute(query)]

    def _of(self, connection: sa.Connection, model: str, *kinds: str) -> list[Entry]:
        query = sa.select(ENTRIES).where(ENTRIES.c.model == model).order_by(ENTRIES.c.seq)
        if kinds:
            query = query.where(ENTRIES.c.kind.in_(kinds))
        return [_entry(row) for row in connection.execute(query)]

    def models(self) -> list[str]:
        """Return the models that the log speaks of."""
        with self.reading() as connection:
            return list(connection.execute(sa.select(ENTRIES.c.model).distinct().order_by(ENTRIES.c.model)).scalars())

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Yield a transaction that sees one moment of a ledger that is whole, and keeps nobody from writing.

        Raises
        ------
        IntegrityError naming the first entry that was changed, removed or inserted.
        """
        with self.read() as connection:
            self._check(connection)
            yield connection
        self._remember()

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """Yield a transaction, alone among writers, on a ledger that is whole; the rest as `reading`."""
        with self.read() as connection:  # most of the checking, before anybody has to wait for it
            self._check(connection)
        with self.begin() as connection:
            self._check(connection)
            yield connection
            after = connection.execute(LAST).first()
        if after:
            self._remember(after.seq, after.hash)

    def verify(self) -> int:
        """Return the number of entries after checking the chain, the champions in it, and who is champion now.

        Entries removed from the end show if a champion is among them, or if they were seen from here before.

        Raises
        ------
        IntegrityError naming the first entry that was changed, removed or inserted.
        """
        self._checked = Checked()
        with self.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(ENTRIES)).scalar_one()

    def _check(self, connection: sa.Connection) -> None:
        """Check what is new since the last time, and that what was last then is still there."""
        known = self._checked
        if known.seq and _hash_at(connection, known.seq) != known.hash:
            known = Checked()
        previous, champions, seq = known.hash, dict(known.champions), known.seq
        for row in connection.execute(sa.select(ENTRIES).where(ENTRIES.c.seq > known.seq).order_by(ENTRIES.c.seq)):
            whole = row.hash == hash_of(row.previous, row.at, row.model, row.kind, row.key, row.payload)
            if not whole or row.previous != previous or not _follows(row, champions):
                raise self.broken(f"the ledger's chain breaks at entry {row.seq} ({row.kind} of {row.model})")
            previous, seq = row.hash, row.seq
        now = {row.model: (row.epoch, row.version) for row in connection.execute(sa.select(CHAMPIONS))}
        for model in sorted(champions.keys() | now.keys()):
            if champions.get(model) != now.get(model):
                raise self.broken(f"the champion of '{model}' is not the version that was promoted last")
        last_seq, last_hash = self._last_seen
        if last_seq and _hash_at(connection, last_seq) != last_hash:
            raise self.broken(
                f"the ledger's chain breaks at entry {last_seq}: it is not the one that was seen here before",
                otherwise=f"Or, to go on with this copy, delete {self._seen}.",
            )
        self._checked = Checked(seq=seq, hash=previous, champions=champions)

    def _remember(self, seq: int | None = None, last: str | None = None) -> None:
        """Keep the last entry that was seen; where that cannot be written, the next time is as good."""
        seen = (seq or self._checked.seq, last or self._checked.hash)
        if seen[0] > self._last_seen[0]:
            self._last_seen = seen
            if self._seen:
                with suppress(ResourceError):
                    write_bytes(self._seen, json.dumps(seen).encode())

    def _find(self, connection: sa.Connection, model: str, kind: str, key: str) -> Entry | None:
        row = connection.execute(
            sa.select(ENTRIES).where(ENTRIES.c.model == model, ENTRIES.c.kind == kind, ENTRIES.c.key == key)
        ).first()
        return _entry(row) if row else None

    def append(
        self, connection: sa.Connection, *, model: str, kind: str, key: str, payload: Mapping[str, Any]
    ) -> Entry:
        """Append an entry within a transaction of the caller's."""
        text = json.dumps(payload, sort_keys=True, default=str)
        last = connection.execute(LAST).first()
        now = moment(self.clock(connection))
        at = (max(now, datetime.fromisoformat(last.at)) if last else now).isoformat()
        previous = last.hash if last else GENESIS
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


def _follows(row: Any, champions: dict[str, tuple[int, int]]) -> bool:
    """Return whether an entry that changes the champion follows the one before, and note whom it made so."""
    if row.kind not in CHANGES:
        return True
    epoch, version = champions.get(row.model, (0, None))
    try:
        facts = _parsed(row.payload)
        whole = (facts["epoch"], facts["predecessor"]) == (epoch + 1, version) and row.key == str(epoch + 1)
        champions[row.model] = (facts["epoch"], facts["version"])
    except (ValueError, TypeError, KeyError):
        return False
    return whole


def _hash_at(connection: sa.Connection, seq: int) -> str | None:
    return connection.execute(sa.select(ENTRIES.c.hash).where(ENTRIES.c.seq == seq)).scalar()


def _read_seen(path: Path | None) -> tuple[int, str]:
    """Return the number and hash of the last entry that was seen; that of none where nothing legible is kept."""
    try:
        seq, last = json.loads(path.read_bytes()) if path else (0, GENESIS)
        return int(seq), str(last)
    except (OSError, ValueError, TypeError):
        return 0, GENESIS


def _parsed(payload: str) -> Any:
    """Return a payload's JSON; pydantic's parser takes half the time, and refuses half a surrogate pair."""
    try:
        return from_json(payload)
    except ValueError:
        return json.loads(payload)


def _entry(row: Any) -> Entry:
    return Entry(
        seq=row.seq,
        at=datetime.fromisoformat(row.at),
        model=row.model,
        kind=row.kind,
        key=row.key,
        payload=_parsed(row.payload),
        hash=row.hash,
    )
