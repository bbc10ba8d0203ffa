"""The command line in processes that begin with the heavy libraries imported; as a script, what they are forks of.

A command spends most of its time on importing what it works with. Here that is done once: each command is a fork, with
arguments, a folder, an environment and an end of its own, of a process that has imported the libraries and nothing that
reads the environment when it is imported: neither Prefect nor what imports it.
"""

import atexit
import gc
import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SERVED = (
    *("pandas", "pyarrow.csv", "pyarrow.dataset", "pyarrow.parquet", "scipy.stats", "sklearn.ensemble"),
    *("sklearn.linear_model", "lightgbm", "optuna", "skops.io", "skl2onnx", "matplotlib.figure"),
    *("sqlalchemy.ext.asyncio", "alembic", "fastapi", "cryptography.x509", "redis", "griffe", "coolname", "rich.table"),
    *("great_expectations.expectations", "mlflow", "mlflow.store.tracking.sqlalchemy_store", "botocore.session"),
    *("evidently.presets", "evidently.legacy.calculations.stattests", "evidently.core.metric_types"),
    *(
        "evergreen.adapters.expectations",
        "evergreen.adapters.packaging",
        "evergreen.learning.tuning.search",
        "evergreen.decisions.drift.shift.decision",
    ),
    *("evergreen.learning.analysis.refits", "evergreen.data.ingest.store", "cli.main"),
)
ENDS_WITHIN = 600.0  # seconds; long enough for a machine that does much else
_running: list["subprocess.Popen[str]"] = []


class Started:
    """A command that runs beside the tests, as `subprocess.Popen` shows one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None as long as the command runs."""
        if self.returncode is None:
            self.returncode = _answer({"poll": self.pid})
        return self.returncode

    def wait(self, seconds: float = ENDS_WITHIN) -> int:
        """Return the exit code once there is one."""
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("evergreen", seconds)
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the command, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], seconds: float
) -> "subprocess.CompletedProcess[str]":
    """Run `evergreen` with arguments to its end, as `subprocess.run` does with text and captured output."""
    with tempfile.TemporaryDirectory(prefix="evergreen-command-") as folder:
        printed = [Path(folder, name) for name in ("stdout", "stderr")]
        code = _answer(_asked(argv, cwd, env, printed), seconds)
        return subprocess.CompletedProcess([*argv], code, *(path.read_text() for path in printed))


def start(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> Started:
    """Start `evergreen` with arguments and return at once; what it says goes to `log`."""
    log.write_bytes(b"")
    return Started(_answer({**_asked(argv, cwd, env, [log, log]), "starts": True}))


def _asked(argv: Sequence[str], cwd: Path, env: Mapping[str, str], printed: Sequence[Path]) -> dict[str, Any]:
    return {"argv": [*argv], "cwd": str(cwd), "env": {**env}, "printed": [str(path) for path in printed]}


def _answer(asked: dict[str, Any], seconds: float = ENDS_WITHIN) -> Any:
    origin = _origin()
    assert origin.stdin
    assert origin.stdout
    origin.stdin.write(json.dumps(asked) + "\n")
    origin.stdin.flush()
    if not select.select([origin.stdout], [], [], seconds)[0]:
        origin.kill()
        _end()
        raise subprocess.TimeoutExpired(asked.get("argv", "evergreen"), seconds)
    return json.loads(origin.stdout.readline())


def _origin() -> "subprocess.Popen[str]":
    """Return the process that commands of this one are forks of."""
    if not _running:
        argv = [sys.executable, __file__]
        _running.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        atexit.register(_end)
    return _running[0]


def _end() -> None:
    while _running:
        process = _running.pop()
        assert process.stdin
        assert process.stdout
        process.stdin.close()  # it has nothing more to wait for
        process.stdout.close()
        process.wait()


def _next() -> Any:
    """Answer what is asked until nobody asks; return, in the fork for it, what a command is to do."""
    while line := sys.stdin.readline():
        asked = json.loads(line)
        child = asked.get("poll") or os.fork()
        if not child:
            return asked
        if asked.get("starts"):
            answer: int | None = child
        else:
            ended, status = os.waitpid(child, os.WNOHANG if "poll" in asked else 0)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        print(json.dumps(answer), flush=True)
    return None


def _become(asked: Any) -> None:
    import numpy as np

    for descriptor, path in enumerate((os.devnull, *asked["printed"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    tempfile.tempdir = None
    np.random.seed()
    sys.argv[:] = asked["argv"]


if __name__ == "__main__":
    sys.path[0] = str(Path(sys.executable).parent)  # as for a script that is installed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in SERVED:
            importlib.import_module(module)
    assert "prefect" not in sys.modules
    gc.freeze()
    if command := _next():
        _become(command)
        from cli.main import main

        main()
