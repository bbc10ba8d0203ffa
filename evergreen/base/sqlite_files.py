"""Addresses of SQLite files that every library reads alike, whatever characters a path holds."""

import os
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit


def url_of(path: Path, *, driver: str = "pysqlite") -> str:
    """Return SQLAlchemy's URL of a SQLite file.

    A path of plain characters stands in it as it is. For any other it holds SQLite's own URI: SQLAlchemy would end a
    path at "?", and Optuna, MLflow and Alembic read braces, "#" and "%" in their own ways. The driver is named then,
    because MLflow makes a folder "file:" where it is not.

    Examples
    --------
    >>> url_of(Path("/srv/home/ledger.db"))
    'sqlite:////srv/home/ledger.db'
    >>> url_of(Path("/srv/50% off?/ledger.db"))
    'sqlite+pysqlite:///file:///srv/50%25%20off%3F/ledger.db?uri=true'
    """
    if quote(os.fsencode(path)) == str(path):
        return f"{'sqlite' if driver == 'pysqlite' else f'sqlite+{driver}'}:///{path}"
    return f"sqlite+{driver}:///{path.absolute().as_uri()}?uri=true"


def path_of(url: str) -> Path | None:
    """Return the file that an URL of SQLAlchemy names; None for another database, or one in memory.

    Examples
    --------
    >>> path_of("sqlite:///data/shop.db"), path_of(url_of(Path("/srv/50% off?/ledger.db")))
    (PosixPath('data/shop.db'), PosixPath('/srv/50% off?/ledger.db'))
    """
    address, _, query = url.partition("?")
    dialect, _, name = address.partition(":///")
    if dialect.partition("+")[0] != "sqlite" or "mode=memory" in query or name in ("", ":memory:", "file::memory:"):
        return None
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(name).path)) if name.startswith("file:") else name)
