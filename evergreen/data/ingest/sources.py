"""Where rows come from: every kind of source ends in files of this machine."""

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import DvcSource, FileSource, SqlSource, UrlSource
from evergreen.config.settings import Settings

FETCHED = "sources"


def find(source: FileSource | DvcSource | UrlSource | SqlSource, settings: Settings) -> tuple[Item, ...]:
    """Return the items of a source; objects and the rows of a query are fetched to `home`/sources first.

    Raises
    ------
    DataError if there is none, one cannot be read, or one lies where it must not.
    ConfigError if the source asks for what the settings do not name, or the query is no query.
    Unavailable if a store or database does not answer.
    """
    from evergreen.data.ingest import dvc, local

    if isinstance(source, FileSource):
        return local.find(source, project=settings.project)
    if isinstance(source, DvcSource):
        return dvc.find(source, project=settings.project)
    folder = settings.home / FETCHED
    if isinstance(source, UrlSource):
        from evergreen.data.ingest import remote

        return remote.find(source, folder=folder, storage=settings.storage)
    from evergreen.data.ingest import sql

    return sql.find(source, folder=folder, connections=settings.connections, project=settings.project)
