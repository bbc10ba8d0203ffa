"""What the walk and one training cost in CPU seconds, of two commits in turns on one machine.

Run `make benchmark-walk`. Each commit is cloned into a temporary folder and runs there, in this environment, with a
state folder of its own; its processes are counted to the last, servers and orphans included, because this one
adopts them (`PR_SET_CHILD_SUBREAPER`). Wall time depends on what else the machine does; CPU time does so little.
"""

import argparse
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[1]
PR_SET_CHILD_SUBREAPER = 36
FIRST_MONTH, MOST_MONTHS = 3, 10
CLONED = ("clone", "--quiet", "--no-hardlinks")
REFUSED = 4


class Cost(NamedTuple):
    """What a command cost with all that it started, and what it answered."""

    cpu_seconds: float
    seconds: float
    answer: Any


class Side(NamedTuple):
    """A commit, and where it is checked out."""

    name: str
    folder: Path

    def run(self, home: Path, *arguments: str) -> Cost:
        """Run a command of this commit to the end of its last process."""
        environment = {**os.environ, "EVERGREEN_HOME": str(home), "PYTHONPATH": str(self.folder)}
        command = [sys.executable, "-c", "from cli.main import main; main()", *arguments, "--json"]
        spent, began = _children_cpu(), monotonic()
        done = subprocess.run(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, check=False)
        seconds = monotonic() - began
        _wait_for_orphans()
        if done.returncode not in (0, REFUSED):
            sys.exit(f"{self.name}: {' '.join(arguments)} ended with {done.returncode}")
        return Cost(_children_cpu() - spent, seconds, json.loads(done.stdout))


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def check_out(name: str, folder: Path) -> Side:
    """Return a commit, cloned, with this environment; refused where its dependencies are others."""
    found = subprocess.run(["git", "rev-parse", name], cwd=PROJECT, capture_output=True, text=True, check=True)
    commit, target = found.stdout.strip(), folder / "project"
    subprocess.run(["git", *CLONED, str(PROJECT), str(target)], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=target, check=True)
    if (target / "requirements.lock").read_bytes() != (PROJECT / "requirements.lock").read_bytes():
        sys.exit(f"{name} has other dependencies than this checkout, so this environment cannot run it.")
    return Side(name, target)


def measure(side: Side, folder: Path, months: int) -> dict[str, Cost]:
    """Return the cost of each command, in state folders of their own that are prepared before."""
    found: dict[str, Cost] = {}
    trained, walked = folder / "trained", folder / "walked"
    for home in (trained, walked):
        shutil.rmtree(home, ignore_errors=True)
        side.run(home, "prepare")
    found["one training"] = side.run(trained, "run")
    found["the same again"] = side.run(trained, "run")
    found["status"] = side.run(trained, "status")
    if months:
        span = (f"2013-{FIRST_MONTH:02}", f"2013-{FIRST_MONTH + months - 1:02}")
        found[f"walk of {months} months"] = side.run(walked, "replay", "--from", span[0], "--to", span[1])
    return found


def shown(names: Sequence[str], rounds: Sequence[Sequence[dict[str, Cost]]]) -> Table:
    """Return the medians of both sides, and their ratios."""
    table = Table(title=f"medians of {len(rounds[0])}: {names[0]} and {names[1]}")
    table.add_column("")
    for unit in ("CPU seconds", "seconds"):
        for heading in (f"{unit}, {names[0]}", f"{unit}, {names[1]}", "ratio"):
            table.add_column(heading, justify="right")
    for what in rounds[0][0]:
        cells = []
        for field in ("cpu_seconds", "seconds"):
            base, head = (median(getattr(each[what], field) for each in side) for side in rounds)
            cells += [f"{base:.1f}", f"{head:.1f}", f"{head / base:.2f}"]
        table.add_row(what, *cells)
    return table


def differences(rounds: Sequence[Sequence[dict[str, Cost]]]) -> list[str]:
    """Return the cells of the month tables, and the metrics of the training, in which a run differs from the first."""
    first, *others = [each for side in rounds for each in side]
    found = []
    for other in others:
        for what, cost in first.items():
            mine, theirs = (_cells(answer) for answer in (cost.answer, other[what].answer))
            found += [
                f"{what}: {cell} {value} and {theirs.get(cell)}"
                for cell, value in mine.items()
                if theirs.get(cell) != value
            ]
    return found


def _cells(answer: dict[str, Any]) -> dict[str, Any]:
    rows = {f"{row['month']} {name}": value for row in answer.get("months", ()) for name, value in row.items()}
    return {**rows, **answer.get("metrics", {})}


def main() -> None:
    """Print the medians and ratios, and whether both commits give the same numbers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", default="a8c784e", help="a commit")
    parser.add_argument("--head", default="HEAD", help="the commit to compare with it")
    parser.add_argument("--months", type=int, choices=range(MOST_MONTHS + 1), default=MOST_MONTHS, help="0: no walk")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    rounds: list[list[dict[str, Cost]]] = [[], []]
    with tempfile.TemporaryDirectory() as name:
        sides = [check_out(commit, Path(name, side)) for side, commit in (("base", given.base), ("head", given.head))]
        for _ in range(given.rounds):
            for side, found in zip(sides, rounds, strict=True):
                found.append(measure(side, side.folder.parent, given.months))
    Console().print(shown((given.base, given.head), rounds))
    unlike = differences(rounds)
    for line in unlike:
        Console().print(line, highlight=False)
    Console().print(f"The same numbers in every cell: {'no' if unlike else 'yes'}")


if __name__ == "__main__":
    main()
