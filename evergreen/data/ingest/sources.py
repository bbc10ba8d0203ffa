"""Where rows come from: every kind of source ends in files of this machine."""

from evergreen.base.artifacts.refs import Item, SourceRef
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import BundledSource, DvcSource, FileSource, Source, UrlSource
from evergreen.config.settings import Settings

FETCHED = "sources"


def locate(contract: Contract, settings: Settings) -> SourceRef:
    """Find the items of a dataset's source and of those it is joined with; objects and query results are fetched.

    Raises
    ------
    DataError if one is missing, cannot be read, or leads out of its declared root; Unavailable if a server does not
    answer.
    """
    return SourceRef(
        items=find(contract.source, settings), joined=tuple(find(join.source, settings) for join in contract.joins)
    )


def find(source: Source, settings: Settings) -> tuple[Item, ...]:
    """Return the items of one source, sorted by name; objects and a query's rows are fetched to `home`/sources first.

    Raises
    ------
    DataError if there is none, one cannot be read, or one lies where it must not.
    ConfigError if the source asks for what the settings do not name, or the query is no query.
    Unavailable if a store or database does not answer.
    """
    if isinstance(source, BundledSource):
        from evergreen.data.ingest import flights
        from evergreen.data.ingest.items import item_of

        path = flights.file(source.table)
        return (item_of(path, name=f"{source.kind}/{path.name}"),)
    if isinstance(source, FileSource):
        from evergreen.data.ingest import local

        return local.find(source, project=settings.project)
    if isinstance(source, DvcSource):
        from evergreen.data.ingest import dvc

        return dvc.find(source, project=settings.project)
    folder = settings.home / FETCHED
    if isinstance(source, UrlSource):
        from evergreen.data.ingest import remote

        return remote.find(source, folder=folder, storage=settings.storage)
    from evergreen.data.ingest import sql

    return sql.find(source, folder=folder, connections=settings.connections, project=settings.project)
