"""A project of rides with every kind of feature, for each task: trained, registered and packaged by the real steps."""

import shutil
from pathlib import Path
from typing import Any

import direct
import numpy as np
import pandas as pd
import pytest
from projects import Small

from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features.history import PastRows
from evergreen.project import Project
from flows.training import train_and_judge
from tasks.package import package

TASKS = ("binary", "multiclass", "regression")
CONTRACT = """\
name: rides
description: what does a passenger leave?
source: {{kind: file, path: rides.csv}}
timezone: America/New_York
key: [ride]
label_delay_days: 1
columns:
  - {{name: start, type: timestamp, role: time}}
  - {{name: ride, type: integer, role: key}}
  - {{name: booked, type: timestamp, role: feature, nullable: true}}
  - {{name: zone, type: category, role: feature, nullable: true}}
  - {{name: car, type: category, role: feature, categories: [small, large], nullable: true}}
  - {{name: fare, type: number, role: feature, nullable: true, min: 0, max: 1000}}
  - {{name: seats, type: integer, role: feature, nullable: true, min: 0}}
  - {{name: member, type: boolean, role: feature, nullable: true, spelling: ["No", "Yes"]}}
  - {{name: tip, type: {type}, role: target}}
"""
PARAMS = """\
seed: 7
dataset: rides
ingest: {{end: "2024-04-01"}}
validate: {{max_bad_share: 0.05}}
features:
  calendar: [hour, weekday]
  cyclic: [day_of_year]
  ratios: {{fare_per_seat: [fare, seats]}}
  differences: {{notice: [start, booked]}}
  buckets: {{fare_band: {{of: fare, edges: [5, 10]}}}}
  lookups: {{zone: {{file: zones.csv, by: zone, numeric: [area], categorical: [side]}}}}
  history:
    last_fare: {{of: fare, lag: 1}}
    usual_fare: {{of: fare, by: [zone], aggregate: mean, window_days: 2}}
  rare_category: 5
  test_days: 14
  embargo_days: 1
tune: {{trials: 1, folds: 2, max_rows: 2000, families: {{gradient_boosting: {{max_iter: {{int: [80, 100]}}}}}}}}
train: {{}}
evaluate: {{resamples: 100, repeats: 1, curve_points: 0, analysis: never}}
gate: {{metric: {metric}, floor: {floor}, champion_margin: 0.05, confidence: 0.95}}
rollout: {{direct: true}}
retrain: {{cooldown_days: 25}}
"""
ZONES = "zone,area,side\nnorth,2.5,left\nsouth,,right\neast,0.75,\n"
ASKED = {
    "binary": ("boolean", "roc_auc", 0.5),
    "multiclass": ("category", "balanced_accuracy", 0.3),
    "regression": ("number", "r2", 0.1),
}
N_HELD_OUT = 1_000


def table(task: str) -> pd.DataFrame:
    """Return rides of the months before and after the end of the training data, with what was missing in them.

    Of those after it, some come from a zone that training never saw.
    """
    rng, n = np.random.default_rng(7), 3_700
    start = pd.date_range("2024-01-01T05:00", periods=n, freq="50min", tz="UTC")
    booked = start - pd.to_timedelta(rng.integers(0, 9_000_000_000, n), unit="us")
    zones = np.array(["north", "south", "east", "west", None], dtype=object)
    known, unseen = rng.choice(zones, n), (start >= "2024-04-01") & (rng.random(n) < 0.1)
    rows = pd.DataFrame(
        {
            "start": start,
            "ride": np.arange(n),
            "booked": booked.where(rng.random(n) > 0.1),
            "zone": np.where(unseen, "moon", known),
            "car": rng.choice(np.array(["small", "large", None], dtype=object), n),
            "fare": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(0, 20, n)),
            "seats": pd.array(rng.integers(0, 4, n), dtype="Int64"),
            "member": pd.array(rng.random(n) < 0.5, dtype="boolean"),
        }
    )
    rows.loc[rng.random(n) < 0.1, "seats"] = pd.NA
    rows.loc[rng.random(n) < 0.1, "member"] = pd.NA
    hour = start.tz_convert("America/New_York").hour
    left = 5 + 3 * np.sin(rows["fare"].fillna(3)) * np.where(hour < 12, 1, -1) + 2.0 * (rows["zone"] == "north")
    left += rng.normal(0, 0.5, n)
    if task == "binary":
        return rows.assign(tip=left > 5)
    return rows.assign(
        tip=left if task == "regression" else np.array(["none", "some", "much"])[np.digitize(left, [4, 6])]
    )


def written(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows as a file of the team has them: the spelling of `member` is theirs."""
    return rows.assign(member=rows["member"].map({True: "Yes", False: "No"}))


def trained(folder: Path, project: Path, task: str) -> Small:
    """Write a project, train its first version and promote it, with its bento beside it."""
    kind, metric, floor = ASKED[task]
    (folder / "configs" / "env").mkdir(parents=True)
    (folder / "configs" / "env" / "local.yaml").write_text("allow_dirty: true\n")
    (folder / "configs" / "rides").mkdir()
    (folder / "configs" / "rides" / "contract.yaml").write_text(CONTRACT.format(type=kind))
    (folder / "params.yaml").write_text(PARAMS.format(metric=metric, floor=floor))
    (folder / "zones.csv").write_text(ZONES)
    written(table(task)).to_csv(folder / "rides.csv", index=False)
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(project / name, folder / name)
    for name in ("evergreen", "serving"):
        (folder / name).symlink_to(project / name)
    (folder / ".evergreen").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        outcome = train_and_judge(Project.open(), reason="first training", do=direct.Direct(package=package.fn))
    assert (outcome.verdict, outcome.version) == ("promoted", 1), outcome
    return Small(folder)


def held_out(task: str, contract: Contract, params: FeatureParams) -> pd.DataFrame:
    """Return the rides after the training data, with their past."""
    rows: Any = PastRows(contract, params).derive(table(task))
    return rows[rows["start"] >= "2024-04-01"].head(N_HELD_OUT).reset_index(drop=True)
