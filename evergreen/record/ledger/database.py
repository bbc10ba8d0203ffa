"""The ledger's database: its tables and their schema, and transactions that say what is wrong when they fail."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from evergreen.base import databases, sqlite_files
from evergreen.base.errors import ConfigError, IntegrityError, ResourceError, Unavailable

SCHEMA = 3  # 1 had no table of its own for the number, and leases without a heartbeat; 2 had no rewards
TABLES = sa.MetaData()
SCHEMAS = sa.Table("ledger_schema", TABLES, sa.Column("version", sa.Integer, primary_key=True))
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
    sa.Column("place", sa.String, nullable=False, server_default=""),
    sa.Column("beat", sa.Float, nullable=False, server_default="0"),
)
REWARDS = sa.Table(
    "rewards",
    TABLES,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("prediction_id", sa.String, primary_key=True),
    sa.Column("arm", sa.String, nullable=False),
    sa.Column("reward", sa.Double, nullable=False),
    sa.Column("known_us", sa.BigInteger, nullable=False),
)
BUSY_MS = 30_000  # how long a writer waits for another one
FORBIDDEN = ("25006", "42501")  # of PostgreSQL: a server that only reads, a user who may only read
ADVISORY_LOCK = 0x45564752  # any number that nobody else locks in that PostgreSQL database
READS = "reads"
CLOCK = {
    "sqlite": sa.text("SELECT (julianday('now') - 2440587.5) * 86400.0"),
    "postgresql": sa.text("SELECT extract(epoch FROM clock_timestamp())"),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LedgerDatabase:
    """A relational database that one process writes at a time: SQLite, or PostgreSQL by URL.

    Parameters
    ----------
    seen : file that keeps the last entry that was seen from here, so that one that vanishes or changes is noticed.
    older : whether tables of an older Evergreen are opened too, to be upgraded.

    Raises
    ------
    ConfigError if the address cannot be used, or the tables are of another version of Evergreen.
    """

    def __init__(self, url: str, *, seen: Path | None = None, older: bool = False) -> None:
        self._seen = seen
        self._engine = databases.engine(
            url,
            what="the ledger's address",
            where="ledger_url",
            next_step="Write sqlite:///path or postgresql+driver://…, and install that driver.",
        )
        self._where = self._engine.url.render_as_string(hide_password=True)
        self._sqlite = self._engine.dialect.name == "sqlite"
        self._file = sqlite_files.path_of(url)
        reading: dict[str, Any] = {READS: True}
        if self._sqlite:
            sa.event.listen(self._engine, "do_connect", self._connect_read_only)
            sa.event.listen(self._engine, "connect", _configure_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            reading |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self._engine.execution_options(**reading)
        schema = self._schema()
        if schema is None:
            with self.begin() as connection:
                TABLES.create_all(connection)
                if connection.execute(sa.select(SCHEMAS)).first() is None:
                    connection.execute(sa.insert(SCHEMAS).values(version=SCHEMA))
            schema = SCHEMA
        if not older:
            self._require(schema)

    def _schema(self) -> int | None:
        """Return the version of the tables; 1 where they do not say, None where there are none yet."""
        with self.read() as connection:
            names = set(sa.inspect(connection).get_table_names())
            if SCHEMAS.name in names:
                found = connection.execute(sa.select(SCHEMAS.c.version)).scalar()
                return found if found is not None else SCHEMA
        return 1 if ENTRIES.name in names else None

    def _require(self, schema: int) -> None:
        if schema == SCHEMA:
            return
        older = schema < SCHEMA
        raise ConfigError(
            "CFG056",
            f"the ledger has the tables of {'an older' if older else 'a newer'} Evergreen "
            f"(schema {schema}; this one reads {SCHEMA})",
            where=self._where,
            next_step="Change them, once: evergreen upgrade" if older else "Install that newer Evergreen.",
        )

    def upgrade(self) -> int:
        """Bring the tables of an older Evergreen to this one's, in one transaction; return the schema they had.

        No entry changes: the chain is what it was. Leases are let go, as their holders run the older Evergreen.
        """
        before = self._schema() or SCHEMA
        if before < SCHEMA:
            with self.begin() as connection:
                LEASES.drop(connection)
                TABLES.create_all(connection)
                connection.execute(sa.delete(SCHEMAS))
                connection.execute(sa.insert(SCHEMAS).values(version=SCHEMA))
        self._require(max(before, SCHEMA))
        return before

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Yield a transaction, alone among writers; it is committed when the block ends and undone when it raises.

        Raises
        ------
        ResourceError or Unavailable if the database cannot be written or does not answer; IntegrityError if it is
        damaged.
        """
        with self._explained(), self._engine.begin() as connection:
            if not self._sqlite:  # one writer at a time, as SQLite's BEGIN IMMEDIATE; nobody waits for a dead host
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_MS}ms'")
                connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{BUSY_MS}ms'")
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Yield a transaction that sees one moment of the ledger and keeps nobody from writing."""
        with self._explained(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            if self._file:
                self._file.parent.mkdir(parents=True, exist_ok=True)
            yield
        except (OperationalError, OSError) as error:
            reason = str(getattr(error, "orig", error))
            if "no such table" in reason or "no such column" in reason:
                raise self.broken(f"the ledger is damaged: {reason}") from error
            if self._sqlite and "locked" not in reason:
                raise self._unwritable(reason) from error
            raise Unavailable(
                "DEP001",
                f"the ledger does not answer: {reason}",
                where=self._where,
                next_step="Try again; if it stays so, check that address.",
            ) from error
        except DatabaseError as error:
            if getattr(error.orig, "sqlstate", None) in FORBIDDEN:
                raise self._unwritable(str(error.orig)) from error
            # "file is not a database", "disk image is malformed"; PostgreSQL's for a table that is gone
            if type(error) is (DatabaseError if self._sqlite else ProgrammingError):
                raise self.broken(f"the ledger is damaged: {error.orig}") from error
            raise

    def _unwritable(self, reason: str) -> ResourceError:
        return ResourceError(
            "RES003",
            f"the ledger cannot be written: {reason}",
            where=self._where,
            next_step="Make EVERGREEN_HOME writable or free space, then try again."
            if self._sqlite
            else "Let the user of ledger_url write there, then try again.",
        )

    def _connect_read_only(self, *_: Any) -> sqlite3.Connection | None:
        """Open a file that this process may not write, for reading; None for any other, which opens as ever."""
        if self._file is None or not self._file.exists() or all(map(_may_write, (self._file, self._file.parent))):
            return None
        # SQLite would make the files of its log beside it; where there are none, nobody is writing.
        unchanging = "" if self._file.with_name(f"{self._file.name}-wal").exists() else "&immutable=1"
        address = f"{self._file.absolute().as_uri()}?mode=ro{unchanging}"
        return sqlite3.connect(address, uri=True, check_same_thread=False)

    def clock(self, connection: sa.Connection) -> float:
        """Return the database's own time, in seconds since 1970: the same for every host that asks it."""
        return float(connection.execute(CLOCK[self._engine.dialect.name]).scalar_one())

    def broken(self, what: str, *, otherwise: str = "") -> IntegrityError:
        """Return the error of a ledger that may not be trusted."""
        next_step = f"Restore the ledger from a copy; do not promote until then. {otherwise}".strip()
        return IntegrityError("INT005", what, where=self._where, next_step=next_step)

    def close(self) -> None:
        self._engine.dispose()


def moment(seconds: float) -> datetime:
    """Return a time of the database's clock."""
    return EPOCH + timedelta(seconds=seconds)


def _begin_sqlite(connection: sa.Connection) -> None:
    """Send BEGIN ourselves, as SQLAlchemy's recipe does: a reader's takes no lock that a writer wants."""
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's recipe: we send BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # SQLite does not wait here. Whoever holds the lock is switching too, and the mode is kept in the file; so it is
        # in one that only can be read.
        if not any(word in str(error) for word in ("locked", "readonly")):
            raise


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
