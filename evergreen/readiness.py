"""What a training asks for before it reads a row: a database that keeps its trials."""

import sqlalchemy as sa

from evergreen.errors import ConfigError, Unavailable


def require_studies(url: str) -> None:
    """Connect to the database of the studies, once.

    Raises
    ------
    ConfigError if its address cannot be used; Unavailable if it does not answer.
    """
    try:
        engine = sa.create_engine(url)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise ConfigError(
            "CFG012",
            f"the address of the studies cannot be used: {error}",
            where="study_url",
            next_step="Write postgresql+psycopg://user:password@host/database, or leave study_url out for SQLite.",
        ) from error
    try:
        engine.connect().close()
    except sa.exc.OperationalError as error:
        raise Unavailable(
            "DEP001",
            f"the database of the studies does not answer: {error.orig}",
            where=engine.url.render_as_string(hide_password=True),
            next_step="Try again; if it stays so, check study_url.",
        ) from error
    finally:
        engine.dispose()
