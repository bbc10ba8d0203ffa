"""The same table as an Evergreen project: a contract, a recipe of one family with fixed parameters, one training."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from contestants.parcels import (
    BOOLEANS,
    CATEGORIES,
    COLUMNS,
    LEAVES,
    MIN_LEAF,
    NUMBERS,
    ROUNDS,
    TARGET,
    TIME,
    WHOLE,
    table,
)

REPOSITORY = Path(__file__).parents[2]
COMMAND = (sys.executable, "-P", "-c", "from cli.main import main; main()")
ROWS = 22_000
FAMILY = "gradient_boosting"
PARAMS = f"""seed: 7
dataset: parcels
ingest: {{start: "2024-01-01", end: null}}
validate: {{max_bad_share: 0.05}}
features: {{calendar: [hour, weekday], rare_category: 20, test_days: 2, embargo_days: 0}}
tune:
  trials: 1
  folds: 2
  max_rows: 5000
  patience: null
  calibrate: false
  families:
    {FAMILY}:
      max_iter: {{values: [{ROUNDS}]}}
      max_leaf_nodes: {{values: [{LEAVES}]}}
      min_samples_leaf: {{values: [{MIN_LEAF}]}}
train: {{baseline: {{logistic: {{C: 1.0}}}}}}
evaluate: {{resamples: 100, repeats: 1, curve_points: 0, analysis: never}}
gate: {{metric: roc_auc, floor: 0.6, champion_margin: 0.01, confidence: 0.95, when_unclear: newer}}
approval: {{required: []}}
retrain: {{cooldown_days: 25}}
"""


def contract() -> str:
    """Return the contract as YAML."""
    columns = [f"{{name: {TIME}, type: timestamp, role: time}}"]
    columns += ["{name: parcel, type: integer, role: key}"]
    columns += [
        f"{{name: {name}, type: number, role: feature, nullable: true, min: -200, max: 300}}" for name in NUMBERS
    ]
    columns += [f"{{name: {name}, type: integer, role: feature, min: 0, max: 100}}" for name in WHOLE]
    columns += [
        f"{{name: {name}, type: category, role: feature, categories: [{', '.join(known)}]}}"
        for name, known in CATEGORIES.items()
    ]
    columns += [f"{{name: {name}, type: boolean, role: feature}}" for name in BOOLEANS]
    columns += [f"{{name: {TARGET}, type: boolean, role: target}}"]
    head = "name: parcels\ndescription: Will a parcel arrive late?\nsource: {kind: file, path: parcels.csv}\n"
    return (
        head + "timezone: UTC\nkey: [parcel]\nlabel_delay_days: 0\ncolumns:\n" + "".join(f"  - {c}\n" for c in columns)
    )


def make(root: Path) -> Path:
    """Write the project below `root`, train it once, and return its folder; its champion is packaged."""
    (root / "configs" / "env").mkdir(parents=True)
    (root / "configs" / "parcels").mkdir()
    (root / "configs" / "env" / "local.yaml").write_text("home: .evergreen\n")
    (root / "configs" / "parcels" / "contract.yaml").write_text(contract())
    (root / "params.yaml").write_text(PARAMS)
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, root / name)
    for name in ("evergreen", "serving"):
        (root / name).symlink_to(REPOSITORY / name)
    columns = table(ROWS)
    columns[TIME] = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in columns[TIME]]
    with (root / "parcels.csv").open("w", newline="") as file:
        written = csv.writer(file)
        written.writerow(["parcel", *COLUMNS, TARGET])
        written.writerows(zip(range(ROWS), *(columns[name] for name in (*COLUMNS, TARGET)), strict=True))
    run(root, "prepare")
    run(root, "run", "--json")
    (manifest,) = (root / ".evergreen" / "bentoml" / "bentos" / "parcels").glob("v*/src/model/manifest.json")
    assert json.loads(manifest.read_text())["family"] == FAMILY, "the champion is another model than the others'"
    return root


def run(root: Path, *arguments: str) -> str:
    """Run a command of this checkout in the project and return what it printed."""
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=root, env=environment(root), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"evergreen {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def environment(root: Path) -> dict[str, str]:
    """Return the variables of a command in the project; settings of the caller's own do not reach it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVERGREEN_")}
    ours = {"EVERGREEN_HOME": str(root / ".evergreen"), "EVERGREEN_PROJECT": str(root), "EVERGREEN_ALLOW_DIRTY": "1"}
    return {**kept, **ours, "PYTHONPATH": str(REPOSITORY)}
