"""Three small tables without a time column, one for each task, and their way from features to a judged model."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn import datasets

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.train import TrainParams
from evergreen.config.params.tune import TuneParams
from evergreen.learning.analysis.values import Analysis
from evergreen.learning.model.release import Release
from evergreen.learning.tuning.best import Best
from tasks.analyse import analyse
from tasks.evaluate import Evaluated, evaluate
from tasks.features import FeatureSet, features
from tasks.train import Trained, train
from tasks.tune import tune

TASKS = ("binary", "multiclass", "regression")
FEATURES = FeatureParams(rare_category=5, test_share=0.3)
SEED = 7
LOADERS = {
    "binary": ("tumours", "benign", "boolean", datasets.load_breast_cancer),
    "multiclass": ("irises", "species", "category", datasets.load_iris),
    "regression": ("patients", "progression", "number", datasets.load_diabetes),
    "digits": ("digits", "digit", "category", datasets.load_digits),
}
SPACES: dict[str, dict[str, Any]] = {
    "logistic": {"C": {"float": [10, 1_000], "log": True}},
    "linear": {"alpha": {"float": [0.001, 10], "log": True}},
    "gradient_boosting": {"max_iter": {"int": [5, 15]}, "min_samples_leaf": {"int": [5, 20]}},
}


@functools.cache
def contract_of(which: str) -> Contract:
    name, target, kind, _ = LOADERS[which]
    columns = [
        *({"name": column, "type": "number", "role": "feature"} for column in inputs_of(which).columns),
        {"name": target, "type": kind, "role": "target"},
        {"name": "sample", "type": "integer", "role": "key" if which == "binary" else "ignore"},
        {"name": "note", "type": "text", "role": "ignore", "nullable": True},
        {"name": "ward", "type": "category", "role": "protected", "nullable": True},
    ]
    return Contract.model_validate(
        {
            "name": name,
            "description": f"scikit-learn's {name}",
            "source": {"kind": "file", "path": f"{name}.csv"},
            "timezone": "UTC",
            "key": ["sample"] if which == "binary" else [],
            "label_delay_days": 0,
            "columns": columns,
        }
    )


@functools.cache
def inputs_of(which: str) -> pd.DataFrame:
    found: pd.DataFrame = LOADERS[which][3](as_frame=True).data.astype("float64")
    return found.rename(columns=lambda name: str(name).replace(" (cm)", "").replace(" ", "_"))


@functools.cache
def table(which: str) -> pd.DataFrame:
    """Return the rows as the validate step leaves them; shared, so copy them before changing them."""
    _, target, kind, load = LOADERS[which]
    loaded = load(as_frame=True)
    if kind == "boolean":
        labels = (loaded.target == 1).astype("boolean")
    elif kind == "category":
        labels = loaded.target.map(lambda code: str(loaded.target_names[code])).astype("str")
    else:
        labels = loaded.target.astype("float64")
    n = len(labels)
    return inputs_of(which).assign(
        **{target: labels}, sample=range(n), note=["free text"] * n, ward=pd.Series(["a", None] * n, dtype="str")[:n]
    )


@dataclass(frozen=True)
class Chain:
    """What the steps made of a table."""

    ws: Workspace
    contract: Contract
    valid: TableRef
    tables: FeatureSet
    best: Best
    trials: TableRef
    out_of_fold: TableRef
    trained: Trained
    evaluated: Evaluated
    seed: int

    @functools.cached_property
    def analysis(self) -> Analysis:
        """What the analyse step makes of it, with the usual parameters."""
        return self.analysed()

    def analysed(self, **changed: Any) -> Analysis:
        """Return what the analyse step makes of it."""
        given = {
            "test": self.tables.test,
            "train": self.tables.train,
            "model": self.trained.model,
            "report": self.evaluated.report,
            "ws": self.ws,
            "params": EvaluateParams(),
            "seed": self.seed,
        }
        return analyse.fn(**{**given, **changed}).analysis


def run(
    which: str, ws: Workspace, rows: pd.DataFrame | None = None, *, family: str | None = None, seed: int = SEED
) -> Chain:
    """Take a table from the features step to the evaluate step, with a small search, or one family without any."""
    contract = contract_of(which)
    valid = ws.write("valid", table(which) if rows is None else rows)
    tables = features.fn(valid, ws=ws, contract=contract, params=FEATURES, seed=seed)
    if family:
        quick = {"max_iter": 10} if family == "gradient_boosting" else {}
        best = Best(family=family, params=quick, score=0.0, scores=(0.0,), n_trials=1, metric="roc_auc")
        none = {"number": [], "state": [], "family": [], "params": [], "score": [], "scores": [], "seconds": []}
        trials = ws.write("trials", pd.DataFrame(none))
        out_of_fold = ws.write("out_of_fold", pd.DataFrame({"label": [], "fold": [], "candidate": []}))
    else:
        simple = "linear" if contract.task == "regression" else "logistic"
        space = {name: SPACES[name] for name in (simple, "gradient_boosting")}
        params = TuneParams.model_validate({"trials": 3, "folds": 3, "max_rows": 1_000, "families": space})
        storage = f"sqlite:///{ws.root}/studies.db"
        tuned = tune.fn(
            tables.train,
            warm_start=None,
            declared={},
            ws=ws,
            contract=contract,
            features=FEATURES,
            params=params,
            seed=seed,
            storage=storage,
        )
        best, trials, out_of_fold = tuned.best, tuned.trials, tuned.out_of_fold
    trained = train.fn(
        tables.train,
        best=best,
        lookups=tables.lookups,
        ws=ws,
        contract=contract,
        features=FEATURES,
        params=TrainParams(),
        seed=seed,
    )
    judged = evaluate.fn(
        model=trained.model,
        baseline=trained.baseline,
        out_of_fold=out_of_fold,
        train=tables.train,
        test=tables.test,
        ws=ws,
        params=EvaluateParams(),
        seed=seed,
    )
    return Chain(ws, contract, valid, tables, best, trials, out_of_fold, trained, judged, seed)


@functools.cache
def shared(which: str, folder: Path) -> Chain:
    """Return one chain of a table in a folder, made once."""
    return run(which, Workspace(root=folder / which))


def bundle(folder: Path, ws: Workspace, model: FolderRef, name: str) -> Release:
    """Write a bundle of a model and return its release."""
    import shutil

    shutil.copytree(ws.path(model.uri), folder / "model")
    release = Release(model=name, version=3, model_digest=model.sha256, threshold=0.5)
    (folder / "release.json").write_text(release.model_dump_json())
    return release


def requests(which: str, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as a caller sends them."""
    columns = [column.name for column in contract_of(which).request_columns]
    sent: list[dict[str, Any]] = rows[columns].to_dict("records")
    return sent


def unlabelled(ref: TableRef, ws: Workspace) -> pd.DataFrame:
    """Return a table without its target."""
    found = ws.read(ref)
    return found.drop(columns=[target for _, target, _, _ in LOADERS.values() if target in found])
