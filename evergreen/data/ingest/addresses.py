"""Which addresses a source may name: stores and public hosts, and of this network only what the settings name."""

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from evergreen.base.errors import DataError, Unavailable

STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss")
HOSTS = ("http", "https", "ftp", "sftp", "webhdfs")
PORTS = {"http": 80, "https": 443, "ftp": 21, "sftp": 22, "webhdfs": 50070}
Storage = Mapping[str, Mapping[str, Any]]


class NotPublicError(OSError):
    """A connection was about to go to an address of this machine or its network."""


def shown(url: str) -> str:
    """Return an address as it may be printed: without user, password and query.

    Examples
    --------
    >>> shown("https://ann:pw@example.org/flights.csv?signature=abc")
    'https://example.org/flights.csv'
    """
    return re.sub(r"(?<=://)[^/]*@", "", url).partition("?" if url.startswith("http") else "\0")[0]


def check(url: str, storage: Storage) -> None:
    """Raise DataError (DQ027) unless a source may be read from `url`; host names are resolved."""
    scheme = url.partition("://")[0]
    if "::" in url:
        raise _refused(url, "chains file systems")
    if scheme not in (*STORES, *HOSTS):
        raise _refused(url, f"has scheme '{scheme}'; known: {', '.join((*STORES, *HOSTS))}")
    parts = urlsplit(url)
    if "@" in parts.netloc and scheme not in ("abfs", "abfss", "az"):  # there it is container@account
        raise _refused(url, "holds credentials; they come from the environment")
    if scheme in STORES or is_named(url, storage):
        return
    try:
        port = parts.port or PORTS[scheme]
        resolved = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except ValueError as error:
        raise _refused(url, "has no valid host and port") from error
    except OSError as error:
        raise Unavailable(
            "DEP007",
            f"the host cannot be found: {error.strerror}",
            where=shown(url),
            next_step="Check source.url in the contract and the network, then try again.",
        ) from error
    if any(not is_public(address[0]) for *_, address in resolved):
        raise _refused(url, "names this machine or its network")


def is_named(url: str, storage: Storage) -> bool:
    """Return whether the settings name the very host and port of `url` as the endpoint of its scheme."""
    parts = urlsplit(url)
    endpoint = urlsplit(str(storage.get(parts.scheme, {}).get("endpoint_url", "")))
    try:
        ours, theirs = (
            (location.hostname, location.port or PORTS.get(location.scheme)) for location in (endpoint, parts)
        )
    except ValueError:
        return False
    return bool(endpoint.hostname) and endpoint.scheme == parts.scheme and ours == theirs


def is_public(address: str | int) -> bool:
    """Return whether an IP address is one of the open internet.

    Examples
    --------
    >>> [is_public(address) for address in ("93.184.215.14", "10.0.0.1", "127.0.0.1", "::ffff:169.254.169.254")]
    [True, False, False, False]
    """
    ip = ipaddress.ip_address(str(address).partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (mapped or ip).is_global and not ip.is_multicast


def public_sockets() -> Callable[[Any], socket.socket]:
    """Return what opens sockets to public addresses only, whatever a name or a redirect has led to meanwhile."""

    def opened(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_public(address[0]):
            raise NotPublicError(f"{address[0]} is not a public address")
        return socket.socket(family, kind, protocol)

    return opened


def _refused(url: str, why: str) -> DataError:
    return DataError(
        "DQ027",
        f"the source's address {why}",
        where=shown(url),
        next_step="Name an object in a store or on a public host; the settings' storage may name an endpoint of yours.",
    )
