"""What a search costs beside fitting and predicting: asking, telling, keeping trials, measuring.

    make benchmark-tuning, or python benchmarks/tuning_overhead.py [--trials 30] [--rows 40000]

Searches on the first months of the bundled flights, with one lane, so that nothing runs side by side, on SQLite. Prints
one JSON object: seconds of the whole search, of fit and predict, the share of the rest by the clock and by the CPU (the
fair one where others use the machine), and the median trial.
"""

import argparse
import json
import logging
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

import optuna
import pandas as pd

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.data import datasets
from evergreen.data.ingest import sources, store
from evergreen.data.typed.schema import ROW, UNREADABLE, to_pandas
from evergreen.learning import features
from evergreen.learning.tuning import families, workers
from evergreen.learning.tuning.search import search

PROJECT = Path(__file__).parents[1]


def train_rows(folder: Path, contract: Contract, params: Params) -> pd.DataFrame:
    """Return labelled flights of January and February 2013, as the features step leaves them."""
    source = sources.locate(contract, Settings(project=PROJECT, home=folder))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    ws = Workspace(root=folder)
    raw = store.take(path, manifest, ws, contract, IngestParams(start=date(2013, 1, 1), end=date(2013, 3, 1)))
    rows = pd.concat([to_pandas(batch) for _, batch in datasets.batches(ws.path(raw.uri), raw)])
    rows = features.labelled(rows.drop(columns=[ROW, UNREADABLE]), contract)
    rows = rows.sort_values([contract.time, *contract.key], kind="stable", ignore_index=True)
    return rows.assign(**features.build(rows, contract, params.features))


class Stopwatch:
    """Seconds inside the functions that it wraps; a call within a call is not counted twice."""

    def __init__(self) -> None:
        self.seconds, self.cpu, self._depth = 0.0, 0.0, 0

    def wrap(self, function):
        def timed(*args, **kwargs):
            began, cpu, self._depth = time.perf_counter(), time.process_time(), self._depth + 1
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began
                    self.cpu += time.process_time() - cpu

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--rows", type=int, default=40_000)
    options = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    contract = Contract.load(PROJECT / "configs" / "flights" / "contract.yaml")
    params = Params.load(PROJECT / "params.yaml", [f"tune.trials={options.trials}", f"tune.max_rows={options.rows}"])
    workers.LANES = 1
    inside = Stopwatch()
    families.fit = inside.wrap(families.fit)
    workers.Job._encode = inside.wrap(workers.Job._encode)
    workers.estimate = inside.wrap(workers.estimate)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = train_rows(folder, contract, params)
        url = f"sqlite:///{folder / 'studies.db'}"
        optuna.create_study(storage=url)  # makes the tables, which a home has after its first search
        began, cpu = time.perf_counter(), time.process_time()
        found = search(rows, contract, params.features, params.tune, seed=params.seed, storage=url, study="s")
        whole, whole_cpu = time.perf_counter() - began, time.process_time() - cpu
    print(
        json.dumps(
            {
                "trials": len(found.trials),
                "seconds": round(whole, 2),
                "fit_and_predict": round(inside.seconds, 2),
                "outside_share": round(1 - inside.seconds / whole, 4),
                "outside_share_of_cpu": round(1 - inside.cpu / whole_cpu, 4),
                "median_trial": round(median(found.trials["seconds"]), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
