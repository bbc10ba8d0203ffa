"""A service of a bundle in a thread of this process, asked over a socket."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from projects import wait_for
from servers import SECONDS

from serving.app import Application
from serving.connections import Connections, Limits
from serving.listening import listen

ROOMY = Limits(connections=500, connections_per_peer=500)


@contextmanager
def served(app: Application, lifespan: str = "on", limits: Limits = ROOMY) -> Iterator[httpx.Client]:
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app,
        http=Connections(limits, app.service.metrics).protocol(),
        lifespan=lifespan,  # type: ignore[arg-type]
        log_level="error",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    try:
        wait_for(lambda: server.started or not thread.is_alive(), "the service listens or has given up")
        assert server.started, "the service ended before it listened"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(SECONDS)
