"""What the gate says of two models that are equal but for the draw of their rows, on flights of days to come.

Run `make benchmark-same-recipe`. Pairs of models are fitted on random halves of the rows of January and February, and
held against each other, either as the candidate, in windows of 14 days of the months that follow. A pair does differ,
by what its halves hold, so that "shown to be worse" is not always wrong; it is what one would not want to happen often.
Beside it stands what intervals of independent rows (DeLong) and of plain days say, two-sided at the same alpha.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from evergreen.decisions.gate.campaign import level_of_use
from evergreen.decisions.gate.checks import champion
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import against
from evergreen.learning.evaluation.clusters import clusters_of
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.evaluation.influence import influence
from evergreen.learning.features import fit_target
from evergreen.learning.tuning.recipe import Recipe
from evergreen.project import Project
from evergreen.record.plan.steps import arguments
from tasks.features import features
from tasks.ingest import ingest
from tasks.validate import validate

DAYS, WINDOWS = 14, 21
FAMILIES = {
    "logistic": {"C": 1.0},
    "lightgbm": {
        "n_estimators": 150, "learning_rate": 0.06, "num_leaves": 16, "min_child_samples": 150, "colsample_bytree": 0.5,
        "reg_lambda": 3.0,
    },
}  # fmt: skip


def rows_of_the_year(project: Project) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of January and February, and those of the months after."""
    artifacts: dict[str, object] = {}
    for name, step in {"ingest": ingest, "validate": validate, "features": features}.items():
        artifacts |= dict(step.fn(**arguments(name, project.given, artifacts)))
    return tuple(project.workspace.read(artifacts[name]) for name in ("train", "test"))


def pairs(
    project: Project, train: pd.DataFrame, later: pd.DataFrame, n: int
) -> Iterator[tuple[str, Estimates, Estimates]]:
    """Yield the family of each pair of models, and what both say of the later rows."""
    for number in range(n):
        first = np.random.default_rng(100 + number).random(len(train)) < 0.5
        for family, chosen in FAMILIES.items():
            recipe = Recipe(project.contract, project.params.features, family, chosen, project.params.seed)
            yield family, *(recipe.fit_predict(train[half], later, ()) for half in (first, ~first))


def windows(days: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield the rows of each window."""
    for number in range(WINDOWS):
        yield (days >= days.min() + DAYS * number) & (days < days.min() + DAYS * (number + 1))


def main() -> None:
    """Print, by family: what refresh says of pairs, and what other intervals would."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=6)
    n_pairs = parser.parse_args().pairs
    project = Project.open(overrides=["ingest.end='2014-01-01'", "features.test_days=306"])
    train, later = rows_of_the_year(project)
    labels, policy = fit_target(later, project.contract), project.params.gate
    whole = clusters_of(later, project.contract)
    counted: dict[str, dict[str, int]] = {family: dict.fromkeys(HEADINGS, 0) for family in FAMILIES}
    for family, one, other in pairs(project, train, later, n_pairs):
        tally = counted[family]
        for inside in windows(whole.codes):
            rows = GateRows(labels[inside], whole.of(inside))
            said = [Estimates("binary", estimates.values[inside]) for estimates in (one, other)]
            tally["windows"] += 2
            apart = influence("roc_auc", rows.labels, said[0]), influence("roc_auc", rows.labels, said[1])
            rowwise, gap = apart[0].rows - apart[1].rows, abs(apart[0].value - apart[1].value)
            by_day = rows.clusters.sums(rowwise)
            n = len(by_day)
            tally["rows differ"] += 2 * (gap > stats.norm.isf(policy.alpha / 2) * np.sqrt(rowwise @ rowwise))
            plain = stats.t.isf(policy.alpha / 2, n - 1) * np.sqrt(n / (n - 1) * (by_day @ by_day))
            tally["days differ"] += 2 * (gap > plain)
            for ours, theirs in (said, said[::-1]):
                contender = Contender("model", family, ours, {})
                rival = Rival("version 1", theirs)
                paired = against(policy.metric, rows, contender, rival)
                check = champion.check(
                    contender, rival, paired, policy=policy, rule="refresh", level=level_of_use(1, policy.alpha)
                )
                tally[check.outcome] += 1
    table = Table("family", *HEADINGS, "missed of those decided")
    for family, tally in counted.items():
        decided = tally["passed"] + tally["failed"]
        shares = [f"{tally[name]} ({tally[name] / tally['windows']:.1%})" for name in HEADINGS[1:]]
        table.add_row(family, str(tally["windows"]), *shares, f"{tally['failed'] / max(decided, 1):.1%}")
    Console(width=160).print(table)
    Console().print(f"{datetime.now(UTC):%Y-%m-%d}: margin {policy.champion_margin:g}, alpha {policy.alpha:.2g}")


HEADINGS = ("windows", "rows differ", "days differ", "passed", "failed", "inconclusive")

if __name__ == "__main__":
    main()
