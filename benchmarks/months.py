"""What the gate's policy is worth: ten months of flights, walked under several, by AUC and log loss in service.

Run `make benchmark-months`. Each walk has a state folder of its own. "accept all" puts every limit out of reach, and so
promotes every retraining; "never" is the first model of the walk, on all months.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from evergreen.decisions.performance import Performance
from evergreen.project import Project
from flows.monitoring import deciding_looks

PROJECT = Path(__file__).parents[1]
OUT_OF_REACH = (
    "gate.rule=refresh", "gate.floor=0", "gate.baseline_gain=-1", "gate.champion_margin=1", "gate.proper_margin=100",
    "gate.max_bias=100", "gate.max_gap=1",
)  # fmt: skip
POLICIES: Mapping[str, Sequence[str]] = {
    "this gate": (),
    "this gate, when_unclear: keep": ("gate.when_unclear=keep",),
    "accept all": OUT_OF_REACH,
}


def walk(home: Path, overrides: Sequence[str], *, start: str, end: str) -> tuple[list[Performance], list[str]]:
    """Return what the champion was worth in every month, and what was decided after each."""
    command = [sys.executable, "-c", "from cli.main import main; main()", "replay", "--from", start, "--to", end]
    options = [part for override in overrides for part in ("--set", override)]
    environment = {**os.environ, "EVERGREEN_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [*command, *options, "--json", "--allow-dirty"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    os.environ["EVERGREEN_HOME"] = str(home)
    project = Project.open()
    served = [look.performance for look in deciding_looks(project.ledger(), project.name)]
    return served, [month["decision"] for month in json.loads(done.stdout)["months"]]


def main() -> None:
    """Print a row per policy: mean AUC, mean log loss, AUC by month, decisions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="start", default="2013-03")
    parser.add_argument("--to", dest="end", default="2013-12")
    parser.add_argument("--policy", action="append", choices=list(POLICIES), help="default: all")
    given = parser.parse_args()
    table = Table("policy", "mean AUC", "mean log loss", "AUC by month", "decisions")
    for name in given.policy or POLICIES:
        with tempfile.TemporaryDirectory() as folder:
            served, decisions = walk(Path(folder), POLICIES[name], start=given.start, end=given.end)
        values = [performance.value or float("nan") for performance in served]
        losses = [performance.others["log_loss"] for performance in served]
        by_month = " ".join(f"{value:.3f}" for value in values)
        table.add_row(name, f"{fmean(values):.4f}", f"{fmean(losses):.4f}", by_month, ", ".join(decisions))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
