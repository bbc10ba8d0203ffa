"""What orchestration costs: the same training as plain calls, as a flow with its own server, and with one running.

Run `make benchmark`. Each figure is the median of interleaved runs, each in a fresh state folder and a process of its
own, so imports count. Figures depend on the machine; the differences are what matters.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import Future
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from cli import children
from cli.engine import PREFECT_SERVER, on_loopback, prepare
from evergreen.config.settings import Settings

BIN = Path(sys.executable).parent
PLAIN = "plain calls, no engine"
EMBEDDED = "evergreen run, its own server"
SERVER = "evergreen run, server running"


def plainly() -> None:
    """Do the work of `flows.training.training` with the undecorated step functions."""
    settings = Settings.load()
    os.environ.update(settings.environment())
    from evergreen.project import Project
    from flows import training
    from flows.recorder import Recorder

    class Plain(Recorder):
        def __call__(self, step, *args, **kwargs):  # type: ignore[no-untyped-def]
            return step.fn(*args, **kwargs)

        def beside(self, step, *args, **kwargs):  # type: ignore[no-untyped-def]
            answer: Future[Any] = Future()
            answer.set_result(step.fn(*args, **kwargs))
            return answer

    training.train_and_judge(Project.open(allow_dirty=True), reason="benchmark", do=Plain())


def seconds(argv: list[str], home: Path, **environment: str) -> float:
    """Return how long a command takes from start to end."""
    started = monotonic()
    subprocess.run(
        argv,
        env={**os.environ, "EVERGREEN_HOME": str(home), "EVERGREEN_ALLOW_DIRTY": "true", **environment},
        check=True,
        capture_output=True,
    )
    return monotonic() - started


def measure(rounds: int, folder: Path) -> dict[str, list[float]]:
    """Return the seconds of every run, by what was run."""
    project = Settings.load()
    settings = project.model_copy(update={"home": folder / "prepared"})
    prepare(settings)
    figures: dict[str, list[float]] = {}

    def note(what: str, argv: list[str], home: Path, **environment: str) -> None:
        figures.setdefault(what, []).append(seconds(argv, home, **environment))

    port = children.free_port()
    url = f"http://127.0.0.1:{port}/api"
    server_home = folder / "server"
    shutil.copytree(settings.home, server_home)
    variables = settings.model_copy(update={"home": server_home}).environment()
    argv = on_loopback(port, *PREFECT_SERVER)
    run = [str(BIN / "evergreen"), "run"]
    with children.child("server", argv, run=server_home / "run", environment=variables) as process:
        children.wait_until_ready(process, f"{url}/health", seconds=120, what="Prefect", log=server_home / "none")
        for number in track(range(rounds), description="rounds", console=Console(stderr=True)):
            homes = {what: folder / f"{number}-{key}" for key, what in enumerate((PLAIN, EMBEDDED, SERVER))}
            for home in homes.values():
                shutil.copytree(settings.home, home)
            note(PLAIN, [sys.executable, __file__, "--plain"], homes[PLAIN])
            note(EMBEDDED, run, homes[EMBEDDED])
            note(SERVER, run, homes[SERVER], EVERGREEN_PREFECT_API_URL=url)
            note("evergreen run again, nothing changed", run, homes[EMBEDDED])
            note("evergreen --help", [str(BIN / "evergreen"), "--help"], homes[EMBEDDED])
    note("dvc repro, first", [str(BIN / "dvc"), "repro"], folder / "0-0")
    for _ in range(rounds):
        note("dvc repro again, nothing changed", [str(BIN / "dvc"), "repro"], folder / "0-0")
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain", action="store_true", help="do one training as plain calls, for the benchmark itself")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.plain:
        plainly()
        return
    home = Settings.load().home
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=home) as folder:
        figures = measure(options.rounds, Path(folder))
    base = median(figures[PLAIN])
    table = Table(
        "what", "median s", "least", "most", "more than plain calls", title="One training, 2 months of flights"
    )
    for what, found in figures.items():
        more = f"{median(found) - base:+.1f}" if what in (EMBEDDED, SERVER) else ""
        table.add_row(what, *(f"{value:.2f}" for value in (median(found), min(found), max(found))), more)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
