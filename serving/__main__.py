"""`python -m serving`: serve the bundle that this package lies in, with one process or several workers."""

import argparse
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from evergreen.base import parents, temporaries
from evergreen.base.errors import EvergreenError
from evergreen.config.settings import Settings
from serving import last_served, logs
from serving.accepting import Acceptor
from serving.connections import Connections, Limits, allowed_connections
from serving.listening import listen, warning
from serving.supervisor import DRAIN_SECONDS, READY, Supervisor, command

if TYPE_CHECKING:
    from serving.app import Application

log = logging.getLogger("serving")
NEW_OBJECTS = 10_000  # between two collections of garbage: a thousand requests under way hold more than Python's 700


def main(arguments: list[str] | None = None) -> int:
    """Load the release, listen, and answer; SIGTERM and SIGINT let open requests finish. Returns the exit code."""
    asked, settings = read_arguments(arguments), Settings()
    logs.configure()
    try:
        if asked.worker:
            return work(asked, settings)
        if said := warning(settings):
            log.warning(said)
        if settings.serve_workers > 1:
            return supervise(asked, settings)
        return serve_alone(asked, settings)
    except EvergreenError as error:
        print(error.block(), file=sys.stderr)  # noqa: T201  for the person or the supervisor that started it
        return error.exit_code


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return what this process is asked to be; what begins with ``--worker`` is how a supervisor starts one."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve the bundle around this package.")
    parser.add_argument("--source", choices=("package", "ledger", "last served"), default="package")
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--again", action="store_true", help="begin with what was served last")
    parser.add_argument("--listen", type=int, help="the descriptor of a worker's socket")
    parser.add_argument("--pipe", type=int, help="the descriptor on which a worker says that it is ready")
    parser.add_argument("--parent", type=int, help="the process without which a worker ends")
    parser.add_argument("--counts", type=Path, help="the folder in which workers count together")
    return parser.parse_args(arguments)


def serve_alone(asked: argparse.Namespace, settings: Settings) -> int:
    """Be the one process that answers. If it dies, whoever started it starts it anew."""
    app = application(asked, settings)
    app.service.load()
    with listen(settings.serve_host, settings.serve_port) as listening:
        answer(app, listening)
    return 0


def supervise(asked: argparse.Namespace, settings: Settings) -> int:
    """Keep the workers of the settings answering. Their counts lie together, for as long as this process runs."""
    together = settings.home / "serving" / "counts"
    temporaries.delete(temporaries.left_in(together))
    with (
        listen(settings.serve_host, settings.serve_port, shared=True) as listening,
        temporaries.folder(together / "service") as counts,
    ):
        more = (f"--source={asked.source}", f"--counts={counts}")
        return Supervisor(listening, settings.serve_workers, partial(command, more)).run()


def work(asked: argparse.Namespace, settings: Settings) -> int:
    """Be one of several workers."""
    parents.end_with(asked.parent)
    for descriptor in (asked.listen, asked.pipe):
        os.set_inheritable(descriptor, False)
    app = application(asked, settings)
    app.service.follower.tell_others = partial(os.kill, asked.parent, signal.SIGHUP)
    app.service.load()
    with socket.socket(fileno=asked.listen) as listening:
        answer(app, listening, ready=asked.pipe)
    return 0


def application(asked: argparse.Namespace, settings: Settings) -> "Application":
    """Return the application of this bundle; or of what was served last, of a worker that follows on another one."""
    from serving.app import create_app, verify_own_package

    bundle = Path(__file__).parents[1]
    verify = partial(verify_own_package, bundle, settings)
    if asked.again and settings.follow_champion:
        bundle, settings = last_served.resume(bundle, settings)
    return create_app(bundle, settings, verify=verify, source=asked.source, counts=asked.counts)


class Server(uvicorn.Server):
    """uvicorn, which accepts everybody who waits, and says when it has begun to answer."""

    def __init__(self, config: uvicorn.Config, began: Callable[[], None]) -> None:
        super().__init__(config)
        self._began = began

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        kind, state, lifespan = self.config.http_protocol_class, self.server_state, self.lifespan.state
        protocol: Any = partial(kind, config=self.config, server_state=state, app_state=lifespan)  # type: ignore[call-arg]
        self.servers: list[Any] = [Acceptor(listening, protocol) for listening in sockets or ()]
        if self.started:
            self._began()


def answer(app: "Application", listening: socket.socket, *, ready: int | None = None) -> None:
    """Answer until a signal ends it, and what is open then."""

    def began() -> None:
        host, port = listening.getsockname()[:2]
        log.info("listening on http://%s:%d", host, port)
        signal.signal(signal.SIGHUP, lambda *_: app.service.follower.ask())
        if ready is not None:
            os.write(ready, READY)

    settings = app.service.settings
    limits = Limits(allowed_connections(settings.max_connections), settings.max_connections_per_peer)
    config = uvicorn.Config(
        app,
        http=Connections(limits, app.service.metrics).protocol(),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    gc.collect()
    gc.freeze()  # what was loaded stays, and no collection walks over all of it while somebody waits
    gc.set_threshold(NEW_OBJECTS, 20, 50)
    with suppress(KeyboardInterrupt):  # which uvicorn raises again once open requests have ended
        Server(config, began).run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
