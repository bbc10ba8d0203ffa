"""`evergreen up`: Prefect's and MLflow's servers, the service, the deployments and a reconciler, until Ctrl-C."""

import os
import sys
from collections.abc import Callable
from typing import Any

from cli import service
from cli.engine import PREFECT_SERVER, on_loopback, prepare
from cli.supervision import Command, Part, Supervisor
from evergreen.config.settings import Settings
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts
from serving.listening import warning


def up(
    settings: Settings, env: str, announce: Callable[[dict[str, Any]], None], *, prefect_port: int, mlflow_port: int
) -> None:
    """Start the platform, say where it is, and keep it alive until Ctrl-C.

    Raises
    ------
    ConfigError if a schedule cannot be read. Unavailable if a part does not start, or ends by itself again and again.
    """
    os.environ.update(settings.environment())  # before Prefect is imported, which makes its folder then
    from flows.deployments import deployments

    deployments(settings, env)
    prepare(settings)
    prefect_url, mlflow_url = f"http://127.0.0.1:{prefect_port}", f"http://127.0.0.1:{mlflow_port}"
    parts = parts_of(settings, env, prefect_url=prefect_url, mlflow_url=mlflow_url)
    with Supervisor(parts, run=settings.home / "run") as supervisor:
        service_url = service.url_of(settings)
        told = {
            "prefect": prefect_url,
            "mlflow": mlflow_url,
            "service": service_url,
            "status": f"{service_url}/status",
        }
        said = warning(settings)
        announce({**told, "warning": said} if said else told)
        supervisor.keep()


def parts_of(settings: Settings, env: str, *, prefect_url: str, mlflow_url: str) -> tuple[Part, ...]:
    """Return the parts of the platform, each after those that it needs."""
    here = {
        "PREFECT_API_URL": f"{prefect_url}/api",
        "_MLFLOW_SERVER_FILE_STORE": settings.tracking_uri(),
    }

    def child(*argv: str) -> Callable[[], Command]:
        return lambda: (argv, here)

    prefect_port, mlflow_port = (int(url.rpartition(":")[2]) for url in (prefect_url, mlflow_url))
    # `mlflow server` starts a process of its own that would outlive a kill; this is the application behind it.
    mlflow = on_loopback(mlflow_port, "mlflow.server.fastapi_app:app")
    return (
        Part("prefect-server", child(*on_loopback(prefect_port, *PREFECT_SERVER)), f"{prefect_url}/api/health"),
        Part("mlflow-server", child(*mlflow), f"{mlflow_url}/health"),
        Part("service", lambda: service_command(env)),
        Part("deployments", child(sys.executable, "-m", "flows.deployments", env)),
        Part("reconciler", child(sys.executable, "-m", "cli.reconciler", env)),
    )


def service_command(env: str) -> Command | None:
    """Return what starts the champion's service; None as long as there is no champion.

    Raises
    ------
    EvergreenError if it could not start now, because something else listens there, or its package is damaged.
    """
    project = Project.open(env)
    if champion_facts(project.ledger(), project.name) is None:
        return None
    _, argv, environment = service.start_of(project, project.settings)
    return argv, environment
