"""`evergreen up`: Prefect's and MLflow's servers, the scheduled deployments and a reconciler, until Ctrl-C."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from cli import children
from cli.engine import PREFECT_SERVER, START_SECONDS, on_loopback, prepare
from evergreen.base.errors import Unavailable
from evergreen.config.settings import Settings


def up(
    settings: Settings, env: str, announce: Callable[[dict[str, Any]], None], *, prefect_port: int, mlflow_port: int
) -> None:
    """Start the platform, say where it is, and wait for Ctrl-C; if a part ends, all of it does.

    Raises
    ------
    Unavailable if a part does not start, or ends by itself.
    """
    prepare(settings)
    os.environ.update(settings.environment())
    prefect_url, mlflow_url = f"http://127.0.0.1:{prefect_port}", f"http://127.0.0.1:{mlflow_port}"
    here = {
        "PREFECT_API_URL": f"{prefect_url}/api",
        "_MLFLOW_SERVER_FILE_STORE": settings.tracking_uri(),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": (settings.home / "mlflow" / "artifacts").as_uri(),
    }
    argvs = {
        "prefect-server": on_loopback(prefect_port, *PREFECT_SERVER),
        # `mlflow server` starts a process of its own that would outlive a kill; this is the application behind it.
        "mlflow-server": on_loopback(mlflow_port, "mlflow.server.fastapi_app:app"),
        "deployments": [sys.executable, "-m", "flows.deployments", env],
        "reconciler": [sys.executable, "-m", "cli.reconciler", env],
    }
    health = {"prefect-server": f"{prefect_url}/api/health", "mlflow-server": f"{mlflow_url}/health"}
    run = settings.home / "run"
    with ExitStack() as stack:
        processes = {}
        for name, argv in argvs.items():
            process = stack.enter_context(children.child(name, argv, run=run, environment=here))
            if name in health:
                children.wait_until_ready(
                    process, health[name], seconds=START_SECONDS, what=name, log=run / f"{name}-{os.getpid()}.log"
                )
            processes[name] = process
        announce({"prefect": prefect_url, "mlflow": mlflow_url})
        os.wait()
        ended = [name for name, process in processes.items() if process.poll() is not None]
        raise Unavailable("DEP005", f"{', '.join(ended)} ended by itself", where=str(run), next_step="evergreen up")
