"""The ledger's database: its tables, and transactions that say what is wrong when they cannot be made."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError

from evergreen.base import databases
from evergreen.base.errors import IntegrityError, ResourceError, Unavailable

TABLES = sa.MetaData()
ENTRIES = sa.Table(
    "entries",
    TABLES,
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
CHAMPIONS = sa.Table(
    "champions",
    TABLES,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
LEASES = sa.Table(
    "leases",
    TABLES,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.Float, nullable=False),
)
BUSY_MS = 30_000  # how long a writer waits for another one
ADVISORY_LOCK = 0x45564752  # any number that nobody else locks in that PostgreSQL database


class LedgerDatabase:
    """A relational database that one process writes at a time: SQLite, or PostgreSQL by URL."""

    def __init__(self, url: str) -> None:
        self._engine = databases.engine(
            url,
            what="the ledger's address",
            where="ledger_url",
            next_step="Write sqlite:///path or postgresql+driver://…, and install that driver.",
        )
        self._where = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _configure_sqlite)
            sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        with self.begin() as connection:
            TABLES.create_all(connection)

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Yield a transaction, alone among writers; it is committed when the block ends and undone when it raises.

        Raises
        ------
        ResourceError or Unavailable if the database cannot be written or does not answer; IntegrityError if it is
        damaged.
        """
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
                raise self.broken(f"the ledger is damaged: {error.orig}") from error
            raise

    def broken(self, what: str) -> IntegrityError:
        """Return the error of a ledger that may not be trusted."""
        next_step = "Restore the ledger from a copy; do not promote until then."
        return IntegrityError("INT005", what, where=self._where, next_step=next_step)

    def close(self) -> None:
        self._engine.dispose()


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's recipe: we send BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # SQLite does not wait here. Whoever holds the lock is switching too, and the mode is kept in the file.
        if "locked" not in str(error):
            raise
