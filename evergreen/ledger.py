"""The ledger: who is champion, every decision in a hash chain, and leases that end with their holder."""

import hashlib
import json
import os
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError

from evergreen.artifacts import Value
from evergreen.errors import ConfigError, IntegrityError, LostRace, ResourceError, Unavailable

_tables = sa.MetaData()
_entries = sa.Table(
    "entries",
    _tables,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("model", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("previous", sa.String, nullable=False),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.UniqueConstraint("model", "kind", "key"),
)
_champions = sa.Table(
    "champions",
    _tables,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
_leases = sa.Table(
    "leases",
    _tables,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.Float, nullable=False),
)
GENESIS = "0" * 64
BUSY_MS = 30_000  # how long a writer waits for another one
ADVISORY_LOCK = 0x45564752  # any number that nobody else locks in that PostgreSQL database


class Entry(Value):
    """One line of the log. `key` is unique within its model and kind: the same effect is never recorded twice."""

    seq: int
    at: datetime
    model: str
    kind: str
    key: str
    payload: dict[str, Any]


class Champion(Value):
    """The model in service. `epoch` grows by one with every promotion."""

    model: str
    epoch: int
    version: int


class Ledger:
    """Decisions and leases in a relational database: SQLite, or PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = sa.create_engine(url)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise ConfigError(
                "CFG012",
                f"the ledger's address cannot be used: {error}",
                where="ledger_url",
                next_step="Write sqlite:///path or postgresql+driver://…, and install that driver.",
            ) from error
        self._where = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _configure_sqlite)
            sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with self._begin() as connection:
            _tables.create_all(connection)

    @contextmanager
    def _begin(self) -> Iterator[sa.Connection]:
        sqlite, path = self._engine.dialect.name == "sqlite", self._engine.url.database or ":memory:"
        try:
            if sqlite and not path.startswith((":", "file:")):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            with self._engine.begin() as connection:
                if self._engine.dialect.name == "postgresql":  # one writer at a time, as SQLite's BEGIN IMMEDIATE
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
                yield connection
        except (OperationalError, OSError) as error:
            reason = str(getattr(error, "orig", error))
            if sqlite and "locked" not in reason:
                raise ResourceError(
                    "RES003",
                    f"the ledger cannot be written: {reason}",
                    where=self._where,
                    next_step="Make EVERGREEN_HOME writable or free space, then try again.",
                ) from error
            raise Unavailable(
                "DEP001",
                f"the ledger does not answer: {reason}",
                where=self._where,
                next_step="Try again; if it stays so, check that address.",
            ) from error
        except DatabaseError as error:
            if sqlite and type(error) is DatabaseError:  # "file is not a database", "disk image is malformed"
                raise self._broken(f"the ledger is damaged: {error.orig}") from error
            raise

    def _broken(self, what: str) -> IntegrityError:
        next_step = "Restore the ledger from a copy; do not promote until then."
        return IntegrityError("INT005", what, where=self._where, next_step=next_step)

    def close(self) -> None:
        self._engine.dispose()

    # -- the log ------------------------------------------------------------------------------------------------

    def record(
        self, model: str, kind: str, key: str, payload: Mapping[str, Any], *, now: datetime | None = None
    ) -> Entry:
        """Append an entry; a second call with the same model, kind and key returns the first one unchanged."""
        with self._begin() as connection:
            found = self._find(connection, model, kind, key)
            return found or self._append(connection, model, kind, key, payload, now)

    def find(self, model: str, kind: str, key: str) -> Entry | None:
        """Return the entry of that key, if any."""
        with self._begin() as connection:
            return self._find(connection, model, kind, key)

    def entries(self, model: str, kind: str | None = None) -> list[Entry]:
        """Return the log of a model, oldest first."""
        query = sa.select(_entries).where(_entries.c.model == model).order_by(_entries.c.seq)
        if kind:
            query = query.where(_entries.c.kind == kind)
        with self._begin() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def verify(self) -> int:
        """Return the number of entries after checking the chain, the promotions in it, and who is champion.

        Entries removed from the end show only if a promotion is among them: nothing after them names their hashes.

        Raises
        ------
        IntegrityError naming the first entry that was changed, removed or inserted.
        """
        with self._begin() as connection:
            rows = connection.execute(sa.select(_entries).order_by(_entries.c.seq)).all()
            now = {row.model: (row.epoch, row.version) for row in connection.execute(sa.select(_champions))}
        previous = GENESIS
        promoted: dict[str, tuple[int, int | None]] = {}
        for row in rows:
            whole = row.hash == _hash(row.previous, row.at, row.model, row.kind, row.key, row.payload)
            if whole and row.kind == "promotion":
                epoch, version = promoted.get(row.model, (0, None))
                facts = json.loads(row.payload)
                whole = (facts["epoch"], facts["predecessor"]) == (epoch + 1, version)
                promoted[row.model] = (facts["epoch"], facts["version"])
            if not whole or row.previous != previous:
                raise self._broken(f"the ledger's chain breaks at entry {row.seq} ({row.kind} of {row.model})")
            previous = row.hash
        for model in sorted(promoted.keys() | now.keys()):
            if promoted.get(model) != now.get(model):
                raise self._broken(f"the champion of '{model}' is not the version that was promoted last")
        return len(rows)

    def _find(self, connection: sa.Connection, model: str, kind: str, key: str) -> Entry | None:
        row = connection.execute(
            sa.select(_entries).where(_entries.c.model == model, _entries.c.kind == kind, _entries.c.key == key)
        ).first()
        return _entry(row) if row else None

    def _append(
        self,
        connection: sa.Connection,
        model: str,
        kind: str,
        key: str,
        payload: Mapping[str, Any],
        now: datetime | None,
    ) -> Entry:
        at = (now or datetime.now(UTC)).isoformat()
        text = json.dumps(payload, sort_keys=True, default=str)
        last = connection.execute(sa.select(_entries.c.hash).order_by(_entries.c.seq.desc()).limit(1)).scalar()
        previous = last or GENESIS
        row = connection.execute(
            sa.insert(_entries)
            .values(
                at=at,
                model=model,
                kind=kind,
                key=key,
                payload=text,
                previous=previous,
                hash=_hash(previous, at, model, kind, key, text),
            )
            .returning(_entries)
        ).one()
        return _entry(row)

    # -- the champion -------------------------------------------------------------------------------------------

    def champion(self, model: str) -> Champion | None:
        """Return the champion of a model; None before the first promotion."""
        with self._begin() as connection:
            row = connection.execute(sa.select(_champions).where(_champions.c.model == model)).first()
        return Champion(model=row.model, epoch=row.epoch, version=row.version) if row else None

    def promote(self, model: str, version: int, payload: Mapping[str, Any], *, expected_epoch: int) -> Champion:
        """Make `version` champion if nobody promoted since `expected_epoch` (0: there was none).

        Raises
        ------
        LostRace if the epoch has moved on; nothing is changed then.
        """
        with self._begin() as connection:
            row = connection.execute(sa.select(_champions).where(_champions.c.model == model)).first()
            epoch, predecessor = (row.epoch, row.version) if row else (0, None)
            if epoch != expected_epoch:
                raise LostRace(
                    "RACE001",
                    f"version {predecessor} of '{model}' was promoted meanwhile "
                    f"(epoch {epoch}, expected {expected_epoch})",
                    where="ledger",
                    next_step="Judge the candidate against the new champion: run the same command again.",
                )
            values = {"epoch": epoch + 1, "version": version}
            if row:
                connection.execute(sa.update(_champions).where(_champions.c.model == model).values(**values))
            else:
                connection.execute(sa.insert(_champions).values(model=model, **values))
            self._append(
                connection, model, "promotion", str(epoch + 1), {**payload, **values, "predecessor": predecessor}, None
            )
        return Champion(model=model, epoch=epoch + 1, version=version)

    # -- leases -------------------------------------------------------------------------------------------------

    @contextmanager
    def lease(self, name: str) -> Iterator[int]:
        """Hold `name` alone and yield its fencing epoch; a holder that died is replaced at once.

        Raises
        ------
        LostRace if a living process holds it.
        """
        host, pid, started = socket.gethostname(), os.getpid(), psutil.Process().create_time()
        with self._begin() as connection:
            row = connection.execute(sa.select(_leases).where(_leases.c.name == name)).first()
            if row and row.pid and _alive(row.host, row.pid, row.started):
                raise LostRace(
                    "RACE002",
                    f"'{name}' is already running in process {row.pid} on {row.host}",
                    where="ledger",
                    next_step="Wait for it to end, then run the command again.",
                )
            epoch = (row.epoch if row else 0) + 1
            values = {"host": host, "pid": pid, "started": started, "epoch": epoch}
            if row:
                connection.execute(sa.update(_leases).where(_leases.c.name == name).values(**values))
            else:
                connection.execute(sa.insert(_leases).values(name=name, **values))
        try:
            yield epoch
        finally:
            with self._begin() as connection:
                connection.execute(
                    sa.update(_leases).where(_leases.c.name == name, _leases.c.epoch == epoch).values(pid=0)
                )


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's recipe: we send BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # SQLite does not wait here. Whoever holds the lock is switching too, and the mode is kept in the file.
        if "locked" not in str(error):
            raise


def _alive(host: str, pid: int, started: float) -> bool:
    """Return whether the holder still lives; one on another host is taken at its word.

    A zombie is dead: it only waits for its parent to notice. A process that started at another time is not the holder,
    but a later one that was given the same number.
    """
    if host != socket.gethostname():
        return True
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < 1
    except psutil.Error:
        return False


def _hash(*parts: str) -> str:
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
