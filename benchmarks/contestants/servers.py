"""The contestants as processes, one at a time: started, asked by wrk, and stopped."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from contestants import parcels, project

BENCHMARKS = Path(__file__).parents[1]
START_SECONDS = 120
WARM_UP_SECONDS = 1
POST = Path(__file__).with_name("post.lua")
BIN = Path(sys.executable).parent


class Contestant(NamedTuple):
    """A server: how it is started on `PORT`, and what it is asked."""

    name: str
    argv: tuple[str, ...]
    path: str
    body: Any
    environment: dict[str, str]


def contestants(made: Path, root: Path, peers: str) -> list[Contestant]:
    """Return everybody who takes part; `made` holds the peers' models, `root` is the project, `peers` a Python."""
    (row,) = parcels.requests(1)
    inputs = {name: value for name, value in row.items() if name != parcels.TIME} | {"hour": 0, "weekday": 0}
    env = {"PYTHONPATH": str(BENCHMARKS), "EVERGREEN_GRAPH": str(made), "BENTOML_HOME": str(made / "bentoml")}
    env |= {"PATH": f"{BIN}:{os.environ['PATH']}"}  # MLflow starts uvicorn by its name
    env |= {"BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"}
    quiet = ("--log-level", "warning", "--no-access-log", "--port", "PORT")
    uvicorn = (sys.executable, "-m", "uvicorn", *quiet)
    granian = (peers, "-m", "granian", "--interface", "asgi", "--workers", "1", "--loop", "uvloop", *quiet)
    bentoml = (str(BIN / "bentoml"), "serve", "--host", "127.0.0.1", "--port", "PORT")
    mlflow = (str(BIN / "mlflow"), "models", "serve", "-m", str(made / "mlflow"), "--env-manager", "local")
    ours = {**project.environment(root), "BENTOML_HOME": str(root / ".evergreen" / "bentoml")}
    evergreen = (*project.COMMAND, "serve", "--port", "PORT")
    rows = {"rows": [row]}
    return [
        Contestant(SAMPLE, (*uvicorn, "contestants.sample:app"), "/predict", row, env),
        Contestant(MLFLOW, (*mlflow, "--port", "PORT"), "/invocations", {"dataframe_records": [inputs]}, env),
        Contestant(NATIVE, (*bentoml, "contestants.native:Parcels"), "/predict", {"row": row}, env),
        Contestant(MOUNTED, (*bentoml, "parcels:latest"), "/predict", rows, {**ours, "PYTHONPATH": ""}),
        Contestant(BARE, (*uvicorn, "contestants.bare:app"), "/predict", row, env),
        Contestant(GRANIAN, (*granian, "contestants.bare:app"), "/predict", row, env),
        Contestant(CODED, (*uvicorn, "contestants.bare:coded"), "/predict", row, env),
        Contestant(ECHO, (*uvicorn, "contestants.echo:app"), "/predict", row, env),
        Contestant(LAYERED, (*uvicorn, "contestants.echo:layered"), "/predict", row, env),
        Contestant(OURS, evergreen, "/predict", rows, ours),
        Contestant(UNLOGGED, evergreen, "/predict", rows, {**ours, "EVERGREEN_PREDICTION_LOG": "off"}),
    ]


SAMPLE, MLFLOW, NATIVE = "FastAPI + scikit-learn on a frame", "mlflow models serve", "BentoML's endpoint + ONNX Runtime"
MOUNTED, OURS, UNLOGGED = "bentoml serve, our application", "evergreen serve", "evergreen serve, no log"
BARE, GRANIAN = "bare ASGI + ONNX Runtime, uvicorn", "bare ASGI + ONNX Runtime, granian"
CODED, ECHO, LAYERED = "the same on uvicorn, coded by hand", "JSON echo, uvicorn", "JSON echo below Starlette, uvicorn"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def started(contestant: Contestant, folder: Path) -> Iterator[tuple[int, float, psutil.Process]]:
    """Start a server in `folder`, an empty one; yield its port and the seconds to its first answer, and stop it."""
    port = free_port()
    argv = [str(port) if part == "PORT" else part for part in contestant.argv]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVERGREEN_")}
    where = contestant.environment.get("EVERGREEN_PROJECT", folder)
    began = time.perf_counter()
    with (folder / "printed.log").open("wb") as printed:
        process = subprocess.Popen(
            argv, cwd=where, env={**kept, **contestant.environment}, stdout=printed, stderr=printed
        )
    watched = psutil.Process(process.pid)
    try:
        deadline = began + START_SECONDS
        while not _answers(contestant, port):
            if process.poll() is not None or time.perf_counter() > deadline:
                sys.exit(f"{contestant.name} does not answer:\n{(folder / 'printed.log').read_text()[-2000:]}")
            time.sleep(0.01)
        yield port, time.perf_counter() - began, watched
    finally:
        with suppress(psutil.NoSuchProcess):
            family = [watched, *watched.children(recursive=True)]
            watched.terminate()
            for each in psutil.wait_procs(family, timeout=10)[1]:
                each.kill()
        process.wait()


def _answers(contestant: Contestant, port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with suppress(OSError, http.client.HTTPException):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", contestant.path, json.dumps(contestant.body), headers)
        return connection.getresponse().status == 200
    return False


def load(url: str, body: Path, connections: int, seconds: float) -> dict[str, float]:
    """Return requests a second, errors and percentiles of some seconds of requests."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "--latency", "-s", str(POST), url]
    done = subprocess.run(argv, env={**os.environ, "BODY": str(body)}, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("FIGURES "))
    figures: dict[str, float] = json.loads(line.removeprefix("FIGURES "))
    return figures


def resident_mib(process: psutil.Process) -> float:
    """Return the resident memory of a process and all below it; pages that they share count for each."""
    return float(sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 2**20)


def measure(contestant: Contestant, folder: Path, connections: Sequence[int], seconds: float) -> dict[str, Any]:
    """Return the figures of one start of a server."""
    folder.mkdir()
    body = folder / "body.json"
    body.write_text(json.dumps(contestant.body))
    with started(contestant, folder) as (port, cold_seconds, process):
        url = f"http://127.0.0.1:{port}{contestant.path}"
        load(url, body, 4, WARM_UP_SECONDS)
        figures = {str(n): load(url, body, n, seconds) for n in connections}
        return {"cold_s": cold_seconds, "mib": resident_mib(process), "at": figures}
