"""A look and what follows of it in processes of their own, which are killed on the way; as a script, what they are
forks of: one process that has imported everything and computed nothing."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IMPORTED = (
    *("walks", "sklearn.linear_model", "skops.io", "skl2onnx", "onnxruntime", "great_expectations.expectations"),
    *("evergreen.adapters.expectations", "evergreen.adapters.onnx_export.compiling", "evergreen.data.ingest.sources"),
    *("evergreen.learning.tuning.search", "evergreen.learning.model.compiled.columnwise"),
)


class Killer:
    """Starts looks as forks of one process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, root: Path, *, point: str = "", after: float = 0.0, **asked: str) -> int:
        """Look at a window, unless that was done, and act on it: to the end, to a point, or for some seconds.

        Returns the exit code.
        """
        return self.start(root, point=point, after=after, **asked)()

    def start(self, root: Path, *, point: str = "", after: float = 0.0, **asked: str) -> Any:
        """Begin what `run` does, and return what waits for it."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"root": str(root), "point": point, **asked}) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        if after:
            time.sleep(after)
            os.kill(pid, signal.SIGKILL)

        def ended() -> int:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps({"wait": pid}) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

        return ended


@contextmanager
def killer() -> Iterator[Killer]:
    """Start the process that others are forks of, and end it."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    try:
        yield Killer(process)
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _look_and_act(asked: Mapping[str, str]) -> None:
    from datetime import date, datetime

    import pytest
    import walks

    from evergreen.base import failpoints
    from evergreen.project import Project
    from flows.monitoring import deciding_looks, look_at
    from flows.retraining import act_on_window

    os.chdir(asked["root"])
    project = Project.open(overrides=json.loads(asked.get("overrides", "[]")))
    if asked["point"]:
        failpoints.arm(asked["point"])
    with pytest.MonkeyPatch.context() as patch:
        walks.in_this_process(patch)
        start, end = date.fromisoformat(asked["window"]), date.fromisoformat(asked["until"])
        if (start, end) not in [(look.start, look.end) for look in deciding_looks(project.ledger(), project.name)]:
            look_at(project, start, end, as_of=datetime.fromisoformat(asked["as_of"]))
        act_on_window(project, reason=None)


def _serve() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
            continue
        child = os.fork()
        if child:
            print(child, flush=True)
            continue
        code = 1
        try:
            sys.stdout = sys.stderr
            _look_and_act(asked)
            code = 0
        finally:
            os._exit(code)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    _serve()
