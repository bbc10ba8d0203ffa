"""What tracking costs: one finished training logged to MLflow on SQLite, with everything that is kept of it.

Run `make benchmark-tracking`. A training of the flights project is made once, as plain calls; then it is logged again
and again, each time to a fresh store. Importing MLflow is shown by itself. Figures depend on the machine.
"""

import argparse
import os
import shutil
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic, process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from cli.engine import prepare
from evergreen.config.settings import Settings

LIMIT_SECONDS = 4.0
Found = dict[str, list[tuple[float, float]]]


def plainly(step: Any, *arguments: Any, **named: Any) -> Any:
    """Call a step without an engine."""
    return step.fn(*arguments, **named)


def timed(found: Found, what: str, call: Any, *arguments: Any) -> Any:
    """Call something and note its seconds, by the clock and of CPU."""
    began, cpu = monotonic(), process_time()
    answer = call(*arguments)
    found.setdefault(what, []).append((monotonic() - began, process_time() - cpu))
    return answer


def measure(settings: Settings, rounds: int, trials: int) -> tuple[Found, Any]:
    """Return what each part took in every round, and the training that was logged."""
    from evergreen.adapters.tracking import MlflowTracker
    from evergreen.project import Project
    from flows import training as flow
    from flows.making import make_candidate
    from tasks import track as step
    from tasks import trackers

    found: Found = {}
    timed(found, "import of MLflow", __import__, "mlflow.sklearn")
    project = Project.open(overrides=[f"tune.trials={trials}"])
    made = make_candidate(project, plainly)  # type: ignore[arg-type]
    verdict = flow.decide(project, project.ledger(), made, plainly)  # type: ignore[arg-type]
    logged = []

    class Timed(MlflowTracker):
        def log(self, training: Any) -> Any:
            logged.append(training)
            return timed(found, "logging to MLflow", super().log, training)

    trackers.MlflowTracker = Timed  # type: ignore[misc]
    for number in range(rounds):
        home = settings.home / f"round-{number}"
        shutil.copytree(settings.home / "mlflow", home / "mlflow")
        timed(
            found,
            "the whole track step, with ONNX",
            partial(
                step.track.fn,
                made,
                verdict=verdict,
                steps=(),
                ws=project.workspace,
                params=project.params,
                settings=settings.model_copy(update={"home": home}),
                tags={"commit": "unknown"},
            ),
        )
    return found, logged[0]


def main() -> None:
    """Print the median of each part, and whether logging keeps its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load().model_copy(update={"home": Path(folder)})
        os.environ.update(settings.environment())
        prepare(settings)
        found, training = measure(settings, given.rounds, given.trials)
    counts = {"metrics": training.metrics, "trials": training.trials, "files": training.files}
    what = ", ".join(f"{len(parts)} {name}" for name, parts in counts.items())
    table = Table(title=f"{what}; median of {given.rounds}")
    for heading in ("", "seconds", "CPU seconds"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, costs in found.items():
        seconds, cpu = (median(each) for each in zip(*costs, strict=True))
        table.add_row(name, f"{seconds:.2f}", f"{cpu:.2f}")
    Console().print(table)
    kept = median(seconds for seconds, _ in found["logging to MLflow"]) <= LIMIT_SECONDS
    Console().print(f"Logging within {LIMIT_SECONDS:g} s: {'yes' if kept else 'no'}")


if __name__ == "__main__":
    main()
