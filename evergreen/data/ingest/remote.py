"""Objects in a store: fetched once for each of their versions, and whole or not at all."""

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import ConfigError, DataError, EvergreenError, Unavailable, explain_os_errors
from evergreen.base.files import file_digest, write_bytes
from evergreen.config.contract.sources import UrlSource
from evergreen.data.ingest import addresses
from evergreen.data.ingest.folders import LEFT_OUT, is_no_data, values_of
from evergreen.data.ingest.items import changed, item_of
from evergreen.data.ingest.local import MAGIC

CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 30, 2
VERSION = ("ETag", "etag", "VersionId", "version_id", "generation", "LastModified", "last_modified", "mtime", "updated")
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def find(source: UrlSource, *, folder: Path, storage: addresses.Storage) -> tuple[Item, ...]:
    """Fetch the objects that a URL names, an object, all below a prefix, or a glob, and return them by name.

    An object whose version is known is not fetched again. `folder` keeps the bytes, by sha256, and what was seen.

    Raises
    ------
    DataError if nothing is there, access is denied (DQ000), the address is refused (DQ027), or an object is replaced
    while it is read, twice (DQ028).
    ConfigError if the package that reads such a URL is not installed.
    Unavailable if the store does not answer.
    """
    addresses.check(source.url, storage)
    with _explained(source.url):
        store, path = _opened(source.url, storage)
        paths = _listed(store, path)
        if not paths:
            raise FileNotFoundError(path)
        prefix = source.url.partition("://")[0]
        endpoint = str(storage.get(prefix, {}).get("endpoint_url", ""))
        items = []
        for path in sorted(paths):
            url = addresses.shown(path if "://" in path else f"{prefix}://{path}")
            sha256 = _fetched(store, path, url=url, endpoint=endpoint, folder=folder)
            item = item_of(folder / "objects" / sha256, name=url, format=source.format, values=values_of(url))
            if item.sha256 != sha256:  # somebody wrote into our folder
                (folder / "objects" / sha256).unlink()
                raise changed(url)
            items.append(item)
    whole = [item for item in items if item.size] or items[:1]  # parts without a byte
    return tuple(sorted(whole, key=lambda item: item.name))


def _opened(url: str, storage: addresses.Storage) -> tuple[Any, str]:
    import fsspec.core

    scheme = url.partition("://")[0]
    options = dict(storage.get(scheme, {}))
    if scheme in ("s3", "s3a"):
        options["config_kwargs"] = {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "retries": {"max_attempts": TRIES, "mode": "standard"},
            **options.get("config_kwargs", {}),
        }
    elif scheme in ("http", "https"):
        options.pop("endpoint_url", None)
        options["get_client"] = _http_client if addresses.is_named(url, storage) else _public_http_client
    store, path = fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False, **options)
    store.retries = TRIES
    return store, path


async def _http_client(**options: Any) -> Any:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
    return aiohttp.ClientSession(**{**options, "timeout": timeout})


async def _public_http_client(**options: Any) -> Any:
    import aiohttp

    connector = aiohttp.TCPConnector(socket_factory=addresses.public_sockets())
    return await _http_client(**options, connector=connector)


def _listed(store: Any, path: str) -> list[str]:
    if MAGIC & set(path):
        names = [name for name, info in store.glob(path, detail=True).items() if info["type"] == "file"]
    else:
        info = store.info(path)
        if info["type"] == "file":
            return [path]
        names = list(store.find(path))
    kept = [name for name in names if not PurePosixPath(name).name.startswith(LEFT_OUT)]
    return [name for name in kept if not is_no_data(name)] or kept


def _fetched(store: Any, path: str, *, url: str, endpoint: str, folder: Path) -> str:
    """Return the sha256 of an object, whose bytes then lie under that name in `folder`/objects."""
    for _ in range(2):
        before = _version(store.info(path))
        seen = hashlib.sha256(json.dumps([url, endpoint, before]).encode()).hexdigest()
        note = folder / "seen" / f"{seen}.json"
        if before and (known := _noted(note)) and (folder / "objects" / known).is_file():
            return known
        temporary = folder / "objects" / f".{uuid4().hex}"
        with explain_os_errors(temporary):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch()
        try:
            store.get_file(path, str(temporary))
            size = temporary.stat().st_size
            if _version(store.info(path)) != before or (before.get("size") or size) != size:
                continue
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            sha256 = file_digest(temporary)
            temporary.replace(folder / "objects" / sha256)
        finally:
            temporary.unlink(missing_ok=True)
        if before:
            write_bytes(note, json.dumps({"url": url, "sha256": sha256}).encode())
        return sha256
    raise changed(url)


def _version(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells one version of an object from the next, or nothing if the store does not say."""
    marks = {name: str(info[name]) for name in VERSION if info.get(name)}
    return {**marks, "size": info.get("size")} if marks else {}


def _noted(note: Path) -> str | None:
    try:
        return str(json.loads(note.read_bytes())["sha256"])
    except (OSError, ValueError, TypeError, LookupError):
        return None


@contextmanager
def _explained(url: str) -> Iterator[None]:
    where = addresses.shown(url)
    try:
        yield
    except EvergreenError:
        raise
    except ImportError as error:
        raise ConfigError(
            "CFG030",
            f"reading {url.partition('://')[0]}:// needs a package that is not installed: {error.name or error}",
            where=where,
            next_step="Install it beside Evergreen.",
        ) from error
    except Exception as error:  # every store has errors of its own
        raise _meaning(error, where) from error


def _meaning(error: Exception, where: str) -> EvergreenError:
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) and cause not in chain:
        chain.append(cause)  # type: ignore[arg-type]  # an Exception raised by one is one
    names = [type(link).__name__ for link in chain]
    status = next((code for link in chain if isinstance(code := getattr(link, "status", None), int)), 0)
    if any(isinstance(link, addresses.NotPublicError) for link in chain):
        return DataError(
            "DQ027",
            "the source's address leads to this machine or its network",
            where=where,
            next_step="Name the address itself, and its endpoint in the settings' storage.",
        )
    silent = any("Connect" in name or "Timeout" in name for name in names)  # fsspec says "not found" then, over HTTP
    if not silent and (isinstance(error, FileNotFoundError) or status in (404, 410)):
        return DataError(
            "DQ000", "the source object does not exist", where=where, next_step="Correct source.url in the contract."
        )
    if isinstance(error, PermissionError) or status in (401, 403) or any("Credentials" in name for name in names):
        return DataError(
            "DQ000",
            "the source object may not be read",
            where=where,
            next_step="Give these credentials read access; they come from the environment, such as AWS_ACCESS_KEY_ID.",
        )
    if isinstance(error, OSError) and error.errno in DISK:
        try:
            with explain_os_errors(where):
                raise error
        except EvergreenError as explained:
            return explained
    if silent or isinstance(error, OSError) or status:
        return Unavailable(
            "DEP007",
            f"the store does not answer: {names[-1]}",
            where=where,
            next_step="Check the address and its endpoint in the settings, then try again.",
        )
    return DataError(
        "DQ000",
        f"the source object cannot be read: {names[0]}",
        where=where,
        next_step="Check source.url in the contract, and the settings' storage.",
    )
