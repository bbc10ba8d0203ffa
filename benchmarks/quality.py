"""Tuned ROC AUC on flights beside FLAML and the common recipe: the same rows, one core, a budget of CPU seconds.

Run `make benchmark-quality` (BUDGETS="60 180" SEEDS="1 2 3"). Two settings: train until May and
test June; train until September and test October to December. Every run is a process of its own on one core, and its
clock counts its own CPU seconds, so that others on the machine take nothing from a budget. Reading the tables, the
search and the final fit count; imports do not.

- evergreen: the search and the final fit of a training run, on the table that the features step makes.
- FLAML, by time: the same table, its split in the order of time. FLAML, last month: May (September) as its validation
  rows. FLAML, raw columns: the contract's columns with the timestamp, its own features and split.
- Optuna + random forest: 30 trials of five folds, one-hot codes, no pruning, no early stopping. It is given three times
  the seconds; what it began last it ends, as Optuna's timeout does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

SETTINGS = {"june": ("2013-07-01", 30), "autumn": ("2014-01-01", 92)}  # the end of the data, days of the test
FAMILIES = """{lightgbm: {
  n_estimators: {values: [1000]},
  learning_rate: {float: [0.03, 0.1], log: true},
  num_leaves: {int: [8, 64], log: true},
  min_child_samples: {int: [50, 1000], log: true},
  colsample_bytree: {float: [0.2, 1.0]},
  subsample: {float: [0.5, 1.0]},
  reg_lambda: {float: [0.1, 100], log: true}}}"""
FIT_SHARE = 0.12  # of the seconds, kept for the final fit
RECIPE_SECONDS = 3
OURS, RECIPE = "evergreen", "Optuna + random forest"
ARMS = (OURS, "FLAML, by time", "FLAML, last month", "FLAML, raw columns", RECIPE)

PEER = """
import json, os, sys, time, warnings
import pandas as pd
warnings.filterwarnings("ignore")
about = json.loads(sys.argv[1])
arm, seconds, seed, target, moment = (about[name] for name in ("arm", "seconds", "seed", "target", "time"))
if arm.startswith("FLAML"):
    from flaml import AutoML
else:
    import optuna
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
time.time = time.monotonic = time.perf_counter = lambda start=time.process_time(): time.process_time() - start

def read(path):
    rows = pd.read_parquet(path)
    texts = [name for name in rows if rows[name].dtype in ("str", "object") and name != target]
    for name in texts:
        rows[name] = pd.Categorical(rows[name].astype("object").where(rows[name].notna(), None))
    return rows, texts

train, texts = read(about["train"])
kept = about["inputs"]
x, y = train[kept], train[target].astype(int)
if arm.startswith("FLAML"):
    model = AutoML()
    given = {"task": "classification", "metric": "roc_auc", "time_budget": seconds}
    given |= {"n_jobs": 1, "seed": seed, "verbose": 0}
    if arm == "FLAML, last month":
        months = train[moment].dt.tz_convert(about["timezone"]).dt.month
        last = months == months.max()
        model.fit(x[~last], y[~last], X_val=x[last], y_val=y[last], **given)
    else:
        model.fit(x, y, **given, **({"split_type": "time"} if arm == "FLAML, by time" else {}))
    found, trials, score = model.best_estimator, len(model.config_history), 1 - model.best_loss
else:
    def pipeline(params):
        columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), texts), remainder=SimpleImputer())
        return make_pipeline(columns, RandomForestClassifier(n_jobs=1, random_state=seed, **params))

    def objective(trial):
        params = {
            "n_estimators": trial.suggest_int("n_estimators", 50, 300),
            "max_depth": trial.suggest_int("max_depth", 3, 20),
            "min_samples_split": trial.suggest_int("min_samples_split", 2, 20),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20),
        }
        return cross_val_score(pipeline(params), x, y, cv=5, scoring="roc_auc").mean()

    def stop(study, trial):
        if time.time() > seconds:
            study.stop()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=30, callbacks=[stop])
    model = pipeline(study.best_params).fit(x, y)
    found, trials, score = "random_forest", len(study.trials), study.best_value
spent = time.time()
print(json.dumps({"found": found, "trials": trials, "score": score, "spent": spent,
                  "estimates": model.predict_proba(read(about["test"])[0][kept])[:, 1].tolist()}))
"""


def ours(about: dict[str, Any]) -> dict[str, Any]:
    """Search and fit as the tune and train steps do."""
    import pandas as pd

    from evergreen.learning import features as domain
    from evergreen.learning.tuning import families
    from evergreen.learning.tuning.search import search
    from evergreen.project import Project

    seconds = about["seconds"] * (1 - FIT_SHARE)
    settings = {"trials": 1000, "seconds": seconds, "folds": 4, "max_rows": 1_000_000, "families": FAMILIES}
    settings |= about["settings"]
    project = Project.open(overrides=[f"tune.{name}={value}" for name, value in settings.items()])
    contract, params, seed = project.contract, project.params, about["seed"]
    start = time.process_time()
    time.monotonic = time.perf_counter = lambda: time.process_time() - start
    rows = pd.read_parquet(about["train"])
    with tempfile.TemporaryDirectory() as folder:
        best = search(
            rows, contract, params.features, params.tune, seed=seed, storage=f"sqlite:///{folder}/s.db", study="s",
            clock=time.monotonic,
        ).best  # fmt: skip
    inputs = domain.inputs(contract, params.features)
    pipeline = families.build(
        best.family, best.params, task=contract.task, inputs=inputs, features=params.features, seed=seed,
        shrinkage=params.train.shrinkage,
    )  # fmt: skip
    families.fit(pipeline, rows[inputs.names], domain.fit_target(rows, contract))
    spent = time.monotonic()
    estimates = pipeline.predict_proba(pd.read_parquet(about["test"])[inputs.names])[:, 1]
    return {"found": best.family, "params": best.params, "trials": best.n_trials, "score": best.score,
            "scores": best.scores, "spent": spent, "estimates": estimates.tolist()}  # fmt: skip


def write_tables(folder: Path, name: str) -> dict[str, Any]:
    """Write what a setting is trained and tested on, and return what the competitors are told of it."""
    from evergreen.learning import features as domain
    from evergreen.project import Project
    from evergreen.record.plan.steps import arguments

    end, days = SETTINGS[name]
    period = ("ingest.start='2013-01-01'", f"ingest.end='{end}'", f"features.test_days={days}")
    project = Project.open(overrides=period)
    os.environ.update(project.settings.environment())
    from tasks.ingest import ingest
    from tasks.validate import validate

    ws, contract, params = project.workspace, project.contract, project.params
    raw = ingest.fn(**arguments("ingest", project.given, {})).raw
    valid = validate.fn(**arguments("validate", project.given, {"raw": raw})).valid
    known = domain.labelled(ws.read(valid, columns=contract.model_columns), contract)
    target = {contract.target: domain.typed_target(known, contract)}
    built = known.assign(**domain.build(known, contract, params.features), **target)
    for kind, rows in (("built", built), ("raw", known.assign(**target))):
        for part, table in zip(("train", "test"), domain.split(rows, contract, params.features, seed=0), strict=True):
            table.to_parquet(folder / f"{name}-{kind}-{part}.parquet")
    return {
        "target": contract.target,
        "time": contract.time,
        "timezone": contract.timezone,
        "built": domain.inputs(contract, params.features).names,
        "raw": [contract.time, *(column.name for column in contract.features)],
    }


def measured(arm: str, about: dict[str, Any], folder: Path, name: str, peers: str, core: int) -> dict[str, Any]:
    """Return what a competitor found, and its AUC on the test rows."""
    import pandas as pd
    from sklearn.metrics import roc_auc_score

    kind = "raw" if arm.endswith("raw columns") else "built"
    test = folder / f"{name}-{kind}-test.parquet"
    about = about | {"arm": arm, "inputs": about[kind], "train": str(folder / f"{name}-{kind}-train.parquet")}
    about |= {"test": str(test), "seconds": about["seconds"] * (RECIPE_SECONDS if arm == RECIPE else 1)}
    program = [sys.executable, __file__, "--ours"] if arm == OURS else [peers, "-c", PEER]
    one = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    done = subprocess.run(
        [*program, json.dumps(about)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | one,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    labels = pd.read_parquet(test, columns=[about["target"]])[about["target"]]
    return found | {"auc": float(roc_auc_score(labels, found.pop("estimates")))}


def main() -> None:
    """Print the table, and each run as a line of JSON on the error stream as it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 180])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="of the section tune, for ours")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--peers", help="a Python that has flaml, lightgbm, xgboost, optuna and scikit-learn")
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        print(json.dumps(ours(json.loads(given.ours))))
        return
    heads = ("test", "CPU s", "", "AUC", "least", "most", "spent s", "trials", "found")
    table = Table(*heads, title=f"Tuned ROC AUC on flights, median of {len(given.seeds)} seeds")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name_of_folder:
        folder = Path(name_of_folder)
        for name in given.settings:
            about = write_tables(folder, name) | {"settings": dict(each.split("=", 1) for each in given.set)}
            for seconds in given.seconds:
                runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in given.arms}
                for seed in given.seeds:
                    for arm in given.arms:
                        told = about | {"seconds": seconds, "seed": seed}
                        run = measured(arm, told, folder, name, given.peers, given.core)
                        runs[arm].append(run)
                        shown = {"test": name, "budget": seconds, "arm": arm, "seed": seed, **run}
                        print(json.dumps(shown), file=sys.stderr, flush=True)
                for arm, of_arm in runs.items():
                    values = [run["auc"] for run in of_arm]
                    shown = (median(values), min(values), max(values))
                    spent, trials = (median(run[key] for run in of_arm) for key in ("spent", "trials"))
                    found = ", ".join(sorted({run["found"] for run in of_arm}))
                    row = (*(f"{value:.4f}" for value in shown), f"{spent:.0f}", f"{trials:.0f}", found)
                    table.add_row(name, f"{seconds:.0f}", arm, *row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
