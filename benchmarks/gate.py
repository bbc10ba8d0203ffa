"""What the gate costs: a field of three on 20,000 rows with ten slices, and the bootstrap of a report beside it.

Run `make benchmark-gate` (ROWS=20000). The rows lie in 90 days and are held against a champion and two before it, by
the metric, the log loss and every slice; no candidate is promoted, so that all three are asked. The bootstrap draws
2,000 times, of days. Stated for both together: 5 seconds on two cores, by the clock or, where others use the machine,
of CPU, whichever is less; more ends with an error.

Measured on two cores under a load of 4: 1.2 s by the clock (gate 0.2, bootstrap 1.0), 1.1 s of CPU.
"""

import argparse
from datetime import UTC, datetime
from statistics import median
from time import perf_counter, process_time

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import special, stats

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.decision import Question, decide
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.learning.evaluation.bootstrap import resampled_intervals
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

STATED_SECONDS = 5.0
DAYS, SLICES, SHARE_TRUE, RESAMPLES = 90, 10, 0.2, 2_000
FAMILIES = ("lightgbm", "random_forest", "logistic")


def world(n: int) -> tuple[GateRows, list[Estimates]]:
    """Return rows, and what six models of nearly the same ROC AUC say of them."""
    rng = np.random.default_rng(7)
    late, common = rng.random(n) < SHARE_TRUE, rng.normal(size=n)
    models = []
    for auc in (0.700, 0.699, 0.698, 0.720, 0.701, 0.702):
        shift = np.sqrt(2) * stats.norm.ppf(auc)
        scores = shift * late + np.sqrt(0.9) * common + np.sqrt(0.1) * rng.normal(size=n)
        models.append(Estimates("binary", special.expit(special.logit(SHARE_TRUE) + shift * scores - shift**2 / 2)))
    clusters = Clusters("day", np.arange(n) * DAYS // n, in_time=True)
    slices = {f"carrier={at}": np.arange(n) % SLICES == at for at in range(SLICES)}
    return GateRows(late, clusters, slices, digest="rows"), models


def judge(rows: GateRows, models: list[Estimates]) -> None:
    """Ask three candidates, of which none is better than the champion."""
    *field, champion, former, older = models
    question = Question(
        rule="superiority",
        rows=rows,
        policy=GateParams(metric="roc_auc", floor=0.6, champion_margin=0.0, confidence=0.95),
        now=datetime(2026, 3, 1, tzinfo=UTC),
        champion=Rival("version 3", champion),
        former=(Rival("version 2", former), Rival("version 1", older)),
        prior=Estimates("binary", np.full(len(rows.labels), SHARE_TRUE)),
    )
    verdict = decide(
        question,
        [
            Contender(artifact=family, family=family, estimates=estimates, metrics={"roc_auc": 0.7})
            for family, estimates in zip(FAMILIES, field, strict=True)
        ],
    )
    assert [one.asked for one in verdict.candidates] == [1, 2, 3]


def draw(rows: GateRows, models: list[Estimates]) -> None:
    """Draw the intervals of the report."""
    given = {"threshold": 0.3, "costs": {}, "resamples": RESAMPLES, "confidence": 0.95, "seed": 7}
    resampled_intervals(rows.labels, models[0], models[2], clusters=rows.clusters, **given)


def seconds(call, *arguments) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Return how long a call takes, by the clock and of CPU."""
    began, cpu = perf_counter(), process_time()
    call(*arguments)
    return perf_counter() - began, process_time() - cpu


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=20_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    drew = world(given.rows)
    rounds = {part: [seconds(part, *drew) for _ in range(given.rounds)] for part in (judge, draw)}
    taken = {part: [median(of) for of in zip(*rounds[part], strict=True)] for part in rounds}
    table = Table(title=f"{given.rows:,} rows, median of {given.rounds}")
    for column in ("part", "seconds", "of CPU"):
        table.add_column(column)
    for name, part in ((f"gate: 3 candidates, {SLICES} slices", judge), (f"bootstrap: {RESAMPLES:,} draws", draw)):
        table.add_row(name, *(f"{value:.2f}" for value in taken[part]))
    both = [sum(of) for of in zip(*taken.values(), strict=True)]
    table.add_row(f"both, against {STATED_SECONDS:g} stated", *(f"{value:.2f}" for value in both))
    Console().print(table)
    raise SystemExit(min(both) > STATED_SECONDS)


if __name__ == "__main__":
    main()
