"""The socket that the service listens on."""

import ipaddress
import socket

from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a listening socket; port 0 takes one that is free.

    Parameters
    ----------
    shared : let sockets that are made `beside` it have a part of its connections.

    Raises
    ------
    ResourceError if something else listens there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=2048)
        if shared:  # only now: a socket that shares from the start would join whoever else listens there
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return listening
    except OSError as error:
        raise ResourceError(
            "SRV010",
            f"cannot listen: {error.strerror}",
            where=f"{host}:{port}",
            next_step="Stop what listens there, or set EVERGREEN_SERVE_PORT.",
        ) from error


def warning(settings: Settings) -> str | None:
    """Return what somebody should know who lets everybody ask that reaches this machine; None if nobody else can.

    Examples
    --------
    >>> warning(Settings(serve_host="127.0.0.1")), warning(Settings(serve_host="0.0.0.0", serve_token="secret"))
    (None, None)
    """
    if settings.serve_token or _is_loopback(settings.serve_host):
        return None
    return (
        f"everybody who reaches {settings.serve_host} may ask, and send feedback: it is not this machine alone, and "
        "EVERGREEN_SERVE_TOKEN is not set"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def beside(address: tuple[str, int], family: int) -> socket.socket:
    """Return a socket at the address of one that is `shared`; it gets its part of the connections once it listens.

    Raises
    ------
    OSError if somebody else took the address meanwhile.
    """
    shared = socket.socket(family)
    try:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            shared.setsockopt(socket.SOL_SOCKET, option, 1)
        shared.bind(address)
    except OSError:
        shared.close()
        raise
    return shared
