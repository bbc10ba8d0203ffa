"""A database that only reads: connected to in seconds, asked in a read-only transaction, and its rows in batches."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.pool import NullPool

from evergreen.base.errors import ConfigError, DataError, EvergreenError, Unavailable

CONNECT_SECONDS = 5
BATCH_ROWS = 20_000
DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
Row = tuple[Any, ...]


class SourceDatabase:
    """A database of the settings. Nothing that it says or raises holds its password."""

    def __init__(self, name: str, connections: Mapping[str, SecretStr], *, project: Path) -> None:
        secret = connections.get(name)
        if secret is None:
            known = f"Known: {', '.join(sorted(connections))}." if connections else "The settings name none."
            raise ConfigError(
                "CFG029",
                f"no connection '{name}' in the settings",
                where="source.connection",
                next_step=f"{known} Set EVERGREEN_CONNECTIONS, a JSON object of names and SQLAlchemy URLs.",
            )
        self._name = name
        try:
            url = sa.make_url(secret.get_secret_value())
            url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
            self._password = url.password
            self._engine = sa.create_engine(url, poolclass=NullPool, hide_parameters=True, **_options(url, project))
        except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError, ValueError) as error:
            missing = isinstance(error, (sa.exc.NoSuchModuleError, ImportError))
            raise ConfigError(
                "CFG029",
                f"connection '{name}' needs a driver that is not installed"
                if missing
                else f"connection '{name}' is not an SQLAlchemy URL",
                where="EVERGREEN_CONNECTIONS",
                next_step="Install its driver beside Evergreen."
                if missing
                else "Write it as postgresql://user:password@host:5432/database or sqlite:///file.db.",
            ) from None  # its cause may show the URL
        self._dialect = self._engine.dialect.name

    def quoted(self, column: str) -> str:
        """Return a column's name as this database writes it."""
        return str(self._engine.dialect.identifier_preparer.quote(column))

    @contextmanager
    def rows(self, statement: str, parameters: Mapping[str, Any]) -> Iterator[tuple[list[str], Iterator[list[Row]]]]:
        """Yield the names of a query's columns and its rows in batches; the server keeps what is not read yet."""
        connection = self._connected()
        try:
            with connection, self._explained():
                self._forbid_writing(connection)
                result = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS).execute(
                    sa.text(statement), dict(parameters)
                )
                with result:
                    yield list(result.keys()), ([tuple(row) for row in part] for part in result.partitions(BATCH_ROWS))
        finally:
            self._engine.dispose()

    def _connected(self) -> sa.Connection:
        try:
            return self._engine.connect()
        except (sa.exc.DBAPIError, OSError) as error:
            raise self._unavailable(error) from None

    def _forbid_writing(self, connection: sa.Connection) -> None:
        if self._dialect == "postgresql":
            connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        elif self._dialect == "sqlite":
            connection.execute(sa.text("PRAGMA query_only = ON"))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except EvergreenError:
            raise
        except sa.exc.DBAPIError as error:
            lost = error.connection_invalidated or "locked" in str(error.orig)
            if lost or (self._dialect != "sqlite" and type(error.orig).__name__ in ("InterfaceError", "AdminShutdown")):
                raise self._unavailable(error) from None
            raise self._refused(str(error.orig)) from None
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise self._refused(str(error)) from None

    def _refused(self, why: str) -> DataError:
        return DataError(
            "DQ000",
            f"the database refuses the query: {self._safe(why)}",
            where=f"connection '{self._name}'",
            next_step="Correct source.query and source.parameters in the contract.",
        )

    def _unavailable(self, error: Exception) -> Unavailable:
        reason = self._safe(str(getattr(error, "orig", None) or error))
        return Unavailable(
            "DEP008",
            f"the database does not answer: {reason}",
            where=f"connection '{self._name}'",
            next_step="Check EVERGREEN_CONNECTIONS: address, user and password; then try again.",
        )

    def _safe(self, message: str) -> str:
        line = (message.strip() or "no reason given").splitlines()[0]
        return line.replace(str(self._password), "***") if self._password else line


def _options(url: sa.URL, project: Path) -> dict[str, Any]:
    if url.get_backend_name() == "postgresql":
        return {"connect_args": {"connect_timeout": CONNECT_SECONDS}}
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith("file:"):
        path = f"file:{quote(str((project / url.database).resolve()))}?mode=ro"  # SQLite would create a missing file
        return {"creator": lambda: sqlite3.connect(path, uri=True, timeout=CONNECT_SECONDS)}
    return {}
