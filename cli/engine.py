"""The engine behind a command: state prepared once, and a Prefect server for as long as the command runs."""

import logging
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli import children, leftovers
from evergreen.base import parents
from evergreen.base.errors import ResourceError, Unavailable, explain_os_errors
from evergreen.config.settings import Settings

log = logging.getLogger(__name__)
PREFECT_SERVER = ("prefect.server.api.server:create_app", "--factory")
START_SECONDS = 120.0
DRAIN_SECONDS = 10.0
ANSWER_SECONDS = 10.0
MIN_FREE_BYTES = 200_000_000


def prepare(settings: Settings) -> None:
    """Make the state folder, sweep what killed processes left in it, and migrate the embedded databases, once.

    Raises
    ------
    ResourceError if the folder cannot be written; Unavailable if a migration fails.
    """
    with explain_os_errors(settings.home):
        for name in ("tmp", "run", "workspace", "mlflow", "prefect"):
            (settings.home / name).mkdir(parents=True, exist_ok=True)
        if not os.access(settings.home, os.W_OK):
            raise ResourceError(
                "RES002",
                "the state folder is read-only",
                where=str(settings.home),
                next_step="Give this user write access, or set EVERGREEN_HOME to another folder.",
            )
    leftovers.sweep(settings)
    free = shutil.disk_usage(settings.home).free
    if free < MIN_FREE_BYTES:
        raise ResourceError(
            "RES001",
            f"only {free / 1e6:.0f} MB are free, and a run needs {MIN_FREE_BYTES / 1e6:.0f}",
            where=str(settings.home),
            next_step="Free space or choose another EVERGREEN_HOME, then run the same command again.",
        )
    migrations = {
        settings.home / "prefect" / "prefect.db": ["prefect", "server", "database", "upgrade", "-y"],
        settings.home / "mlflow" / "mlflow.db": ["mlflow", "db", "upgrade", settings.tracking_uri()],
    }
    needed = {
        database: argv
        for database, argv in migrations.items()
        if not (_prepared(database).exists() and database.exists())
    }
    if settings.prefect_api_url:
        needed.pop(settings.home / "prefect" / "prefect.db", None)
    if settings.mlflow_tracking_uri:
        needed.pop(settings.home / "mlflow" / "mlflow.db", None)
    if needed:
        log.info("preparing databases, once: %s", ", ".join(database.name for database in needed))
    running = {database: _start(argv, settings) for database, argv in needed.items()}
    for database, process in running.items():
        output = process.communicate()[0].decode(errors="replace")
        if process.returncode:
            raise Unavailable(
                "DEP004",
                f"could not prepare the database: {output[-600:].strip()}",
                where=str(database),
                next_step="Free space or fix the folder's rights, delete that file, then try again.",
            )
        _prepared(database).touch()


def _prepared(database: Path) -> Path:
    return database.with_suffix(".prepared")


def _start(argv: list[str], settings: Settings) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        parents.bound([str(Path(sys.executable).with_name(argv[0])), *argv[1:]]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **settings.environment()},
    )


def on_loopback(port: int, *application: str) -> list[str]:
    """Return the command that runs an ASGI application on a loopback port."""
    return [sys.executable, "-m", "cli.loopback", str(port), *application]


@contextmanager
def engine(settings: Settings) -> Iterator[None]:
    """Make flows callable in this process: against the configured Prefect server, or one of our own."""
    prepare(settings)
    os.environ.update(settings.environment())
    if settings.prefect_api_url:
        _check_answers(settings.prefect_api_url)
        yield
        return
    run, port = settings.home / "run", children.free_port()
    argv = on_loopback(port, *PREFECT_SERVER)
    with children.child("prefect", argv, run=run, environment={"PREFECT__SERVER_EPHEMERAL": "1"}) as process:
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        import skops.io  # noqa: F401, I001  first: for each name it knows it looks through all modules loaded by then
        import flows.replay  # noqa: F401  loads what the steps need while the server starts

        children.wait_until_ready(
            process,
            f"http://127.0.0.1:{port}/api/health",
            seconds=START_SECONDS,
            what="the embedded Prefect server",
            log=run / f"prefect-{os.getpid()}.log",
        )
        try:
            with _without_heartbeats():
                yield
        finally:
            _send_what_is_queued()


def _check_answers(url: str) -> None:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=ANSWER_SECONDS):  # noqa: S310  the configured address
            return
    except OSError as error:
        raise Unavailable(
            "DEP006",
            f"the Prefect server does not answer: {error}",
            where=url,
            next_step="Start it, or unset prefect_api_url to use an embedded one.",
        ) from error


@contextmanager
def _without_heartbeats() -> Iterator[None]:
    """Spare each flow the second that joining its heartbeat thread takes; nobody watches an embedded server."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def _send_what_is_queued() -> None:
    """Let Prefect deliver its last logs and events while its server still listens."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=DRAIN_SECONDS)
