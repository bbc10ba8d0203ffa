"""Parameters that fit a table's task and size: searches that small tables bear, gates with days enough to tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evergreen.config.contract.columns import Task
from evergreen.config.objectives import GATE_METRIC
from evergreen.config.params.params import Params
from evergreen.decisions.gate.paired import FEWEST_CLUSTERS

MOST_TUNED = 40_000
# The standard error of the gate's metric on n independent rows is about this, divided by the root of n.
NOISE: Mapping[Task, float] = {"binary": 0.5, "multiclass": 0.5, "regression": 1.0}
# Rows of one day share its weather, and those of one group its person: more of them say little more.
ROWS_OF_A_DAY = 10
DAY = timedelta(days=1)
FEWEST_TEST_ROWS = 10
# The gate sums the rows of a day, and days that hang together count as fewer. Of days that do not, 8 count as the 8
# that are needed in 52 of 100 gates, and 14 in 79.
GOOD_TEST_DAYS = 14
MARGIN = 0.01  # what a candidate may lose and count as equal: chosen by what matters, whatever the rows can tell


@dataclass(frozen=True)
class Shape:
    """What parameters depend on: labelled rows, features, rows of each class, and how the time column lies.

    `days`: how many days the times span, 0 without time. `test_days`: how many of them the gate gets, of which
    `days_with_rows` have rows, `test_rows` together. `groups`: how many groups the gate's rows are of, 0 where rows
    stand alone.
    """

    task: Task
    rows: int
    features: int
    classes: Mapping[str, int]
    days: int = 0
    test_days: int | None = None
    days_with_rows: int = 0
    test_rows: int = 0
    has_hours: bool = False
    groups: int = 0

    @property
    def test_share(self) -> float:
        """The share of the rows that the gate gets of a table without time."""
        return 0.25 if self.rows < 1_000 else 0.2

    @property
    def clusters(self) -> int:
        """How many groups, days or rows the gate counts, 1 or more; see `unit`."""
        n = self.groups or (self.days_with_rows if self.test_days else round(self.test_share * self.rows))
        return max(n, 1)

    @property
    def unit(self) -> str:
        """What belongs together before the gate."""
        return "group" if self.groups else "day" if self.test_days else "row"

    @property
    def independent(self) -> int:
        """About as many independent rows say as much as those that the gate gets, 1 or more."""
        if self.unit == "row":
            return self.clusters
        rows = self.test_rows if self.test_days else round(self.test_share * self.rows)
        return max(min(rows, ROWS_OF_A_DAY * self.clusters), 1)


def standard_error(shape: Shape) -> float:
    """Return about how far chance moves the gate's metric of one model on the rows that the gate gets."""
    return float(NOISE[shape.task] / shape.independent**0.5)


class LastDays(NamedTuple):
    """So many last days, of which some have rows, which are a share of all."""

    days: int
    with_rows: int
    share: float


def days_for_test(times: pd.Series, target: pd.Series, *, task: Task, zone: str) -> LastDays:
    """Return the last days that hold a fifth of the rows, days enough to tell and, if that can be had, all classes.

    Enough are GOOD_TEST_DAYS with rows, or a third of those that there are, if that is FEWEST_CLUSTERS or more.

    Parameters
    ----------
    times, target : of rows drawn evenly, with a known target. `times` are instants.
    """
    days = times.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    back = ((days.max() - days) / DAY).astype(int)
    most = max(int(back.max()), 1)
    fifth = int(np.clip(np.quantile(back, 0.2, method="lower") + 1, 1, most))
    chosen = least = max(fifth, _telling(back))
    while chosen < most and not _is_enough(target[back < chosen], target[back >= chosen], task):
        chosen += max(chosen // 4, 1)
    chosen = chosen if chosen < most else least
    return LastDays(chosen, int(back[back < chosen].nunique()), float((back < chosen).mean()))


def _telling(back: pd.Series) -> int:
    """Return how many last days hold days with rows enough to tell, by how far back each row's lies; 0 for too few."""
    with_rows = np.unique(back)
    wanted = min(GOOD_TEST_DAYS, len(with_rows) // 3)
    return int(with_rows[wanted - 1]) + 1 if wanted >= FEWEST_CLUSTERS else 0


def _is_enough(test: pd.Series, train: pd.Series, task: Task) -> bool:
    if task == "regression":
        return len(test) >= FEWEST_TEST_ROWS
    fewest = FEWEST_TEST_ROWS if task == "binary" else 1
    of_test, of_train = test.astype("str").value_counts(), train.astype("str").value_counts()
    return set(of_train.index) == set(of_test.index) and of_test.min() >= fewest and of_train.min() >= 2


def params_for(shape: Shape, *, dataset: str, seed: int = 7) -> Params:
    """Return parameters with which a sensible model of such a table passes its gate, untouched."""
    n, test_share = shape.rows, shape.test_share
    features: dict[str, Any] = {"rare_category": int(np.clip(n // 1_000, 2, 200))}
    if shape.test_days:
        calendar = ["hour"] * shape.has_hours + ["weekday"] * (shape.days >= 21)
        if shape.days > 2 * 366:
            calendar.append("month")
        features = {"calendar": calendar, **features, "test_days": shape.test_days, "embargo_days": 0}
    else:
        features["test_share"] = test_share
    simple = "linear" if shape.task == "regression" else "logistic"
    floor = {"binary": 0.5, "regression": 0.0}.get(shape.task, round(1 / max(len(shape.classes), 1), 3))
    return Params.model_validate(
        {
            "seed": seed,
            "dataset": dataset,
            "ingest": {},
            "validate": {"max_bad_share": 0.05},
            "features": features,
            "tune": {
                "trials": 10 if n <= 20_000 else 6,
                "folds": _folds(shape),
                "max_rows": max(1_000, min(MOST_TUNED, n)),
                "families": {simple: _simple_space(shape.task), "gradient_boosting": _boosting_space(shape)},
            },
            "train": {"baseline": {simple: {"alpha": 1.0} if shape.task == "regression" else {"C": 1.0}}},
            "evaluate": {},
            "gate": {
                "metric": GATE_METRIC[shape.task],
                "floor": floor,
                "champion_margin": MARGIN,
                "confidence": 0.95,
            },
            "rollout": {"direct": True},
            "drift": {"bins": 10 if n >= 1_000 else 5},
            "retrain": {"policy": "any(harm,probe)", "cooldown_days": 45},
        }
    )


def _folds(shape: Shape) -> int:
    wanted = 2 if shape.rows > 20_000 else 3 if shape.rows > 2_000 or shape.test_days else 5
    rarest = min(shape.classes.values(), default=shape.rows)
    return max(2, min(wanted, rarest // 2))


def _simple_space(task: Task) -> dict[str, Any]:
    if task == "regression":
        return {"alpha": {"float": (0.01, 1_000.0), "log": True}}
    return {"C": {"float": (0.01, 10.0), "log": True}}


def _boosting_space(shape: Shape) -> dict[str, Any]:
    """Return a space of trees that the rows can fill; of several classes, each iteration grows a tree for each."""
    n, trees = shape.rows, 1 + max(len(shape.classes) - 2, 0) if shape.task == "multiclass" else 1
    low, high = (40, 160) if n < 20_000 else (80, 240)
    shrink = min(trees**0.5, 4)
    small = n < 2_000
    return {
        "learning_rate": {"float": (0.03, 0.2), "log": True},
        "max_iter": {"int": (max(20, int(low / shrink)), max(30, int(high / shrink)))},
        "max_leaf_nodes": {"int": (4, 16) if small else (8, 32), "log": True},
        "min_samples_leaf": {"int": (int(np.clip(n // 200, 2, 50)), int(np.clip(n // 15, 10, 400))), "log": True},
        "max_features": {"float": (0.3, 1.0) if shape.features < 20 else (0.1, 0.5)},
    }
