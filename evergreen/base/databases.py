"""Relational databases by URL: an engine whose address is checked, and whether one answers."""

import sqlalchemy as sa

from evergreen.base.errors import ConfigError, Unavailable

CONNECT_SECONDS = 8
# Of libpq, so that a server that accepts and says nothing, or whose network is gone, is noticed; an URL may say others.
PATIENCE = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}


def engine(url: str, *, what: str, where: str, next_step: str) -> sa.Engine:
    """Return an engine; nothing is connected to yet, and nothing stays connected between transactions.

    Parameters
    ----------
    what, where, next_step : of the error.

    Raises
    ------
    ConfigError if the address cannot be used, or its driver is not installed.
    """
    try:
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args=_patience(sa.make_url(url)))
    except (sa.exc.ArgumentError, ImportError) as error:
        raise ConfigError("CFG012", f"{what} cannot be used: {error}", where=where, next_step=next_step) from error


def _patience(url: sa.URL) -> dict[str, int]:
    if url.get_backend_name() != "postgresql" or url.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    return {name: value for name, value in PATIENCE.items() if name not in url.query}


def require_studies(url: str) -> None:
    """Connect to the database of the studies, once.

    Raises
    ------
    ConfigError if its address cannot be used; Unavailable if it does not answer.
    """
    studies = engine(
        url,
        what="the address of the studies",
        where="study_url",
        next_step="Write postgresql+psycopg://user:password@host/database, or leave study_url out for SQLite.",
    )
    try:
        studies.connect().close()
    except sa.exc.OperationalError as error:
        raise Unavailable(
            "DEP001",
            f"the database of the studies does not answer: {error.orig}",
            where=studies.url.render_as_string(hide_password=True),
            next_step="Try again; if it stays so, check study_url.",
        ) from error
    finally:
        studies.dispose()
