"""The socket that the service listens on."""

import socket

from evergreen.base.errors import ResourceError


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes one that is free.

    Raises
    ------
    ResourceError if something else listens there.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ResourceError(
            "SRV010",
            f"cannot listen: {error.strerror}",
            where=f"{host}:{port}",
            next_step="Stop what listens there, or set EVERGREEN_SERVE_PORT.",
        ) from error
