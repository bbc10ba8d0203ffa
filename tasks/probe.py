"""Step: the rows of a training that is not made yet -> what each rung of the ladder would do for the champion."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from prefect import task

from evergreen.base.artifacts.refs import FolderRef, TableRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.decisions.drift.harm.days import losses
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.retrain.ladder import (
    BLOCKS,
    RUNGS,
    Prequential,
    Probed,
    Rung,
    Window,
    evidence_of,
    measured,
    prequential,
)
from evergreen.learning.evaluation.clusters import Clusters, clusters_of
from evergreen.learning.evaluation.estimates import Estimates, estimate
from evergreen.learning.evaluation.thresholds import choose_threshold
from evergreen.learning.features import fit_target, inputs
from evergreen.learning.model import model as models
from evergreen.learning.model.beside import as_it_knows_them, local_days, unseen_after
from evergreen.learning.model.model import Model
from evergreen.learning.repair import recalibrating
from evergreen.learning.repair.boosting import continued
from evergreen.learning.repair.newest import Newest, newest, require, require_recipe
from evergreen.learning.repair.recalibrating import CannotRepairError, cannot, own_curve
from evergreen.learning.tuning import families
from evergreen.learning.tuning.calibration import put_together
from evergreen.learning.tuning.recipe import Recipe
from evergreen.record.seen import last_seen
from tasks.engine import RECORDED

log = logging.getLogger(__name__)
Array = npt.NDArray[Any]
FEWEST_ROWS, FEWEST_DAYS = 100, 8
MOST_ROWS = 50_000  # of a refit: the newest
NOT_MEASURED = "not measured: a search takes as long as a training"


@task(name="probe", timeout_seconds=1800, **RECORDED)
def probe(
    train: TableRef,
    *,
    test: TableRef,
    valid: TableRef,
    artifact: FolderRef,
    threshold: float,
    fitted_on: TableRef | None,
    data_end: date,
    since: date | None,
    windows: tuple[Window, ...],
    searched: tuple[str, ...],
    promise: Promise,
    ws: Workspace,
    contract: Contract,
    features: FeatureParams,
    evaluated: EvaluateParams,
    seed: int,
) -> Probed:
    """Score what each rung makes of the train rows, and the champion, on the test rows that the champion has not seen.

    Every rung's rows are the same, so that what they share, such as the weather of a day, cancels.

    Parameters
    ----------
    train, test, valid : as a training on what is known by now has them.
    artifact, threshold : of the champion, which was fitted on the rows `fitted_on`; None for all before `data_end`.
    since : the first day of what counts as recent.
    windows : the histories that a refit is tried on.
    searched : the families that a search may try; a champion of none of them is not refitted.
    promise : what was promised of the champion, and in which loss.
    """
    champion = models.load(ws.path(artifact.uri), artifact.sha256)
    if champion.contract.task != contract.task:
        return Probed(evidence=f"the champion's target is {champion.contract.task}, by now it is {contract.task}")
    last = last_seen(fitted_on, data_end, contract, ws)
    rows = ws.read(test)
    rows = as_it_knows_them(rows, champion, contract, features, ws.path(valid.uri))
    rows = rows[unseen_after(last, rows, contract, features.embargo_days)].reset_index(drop=True)
    n_days = local_days(rows, contract).nunique()
    if len(rows) < FEWEST_ROWS or n_days < FEWEST_DAYS:
        found = f"{len(rows)} labelled rows of {n_days} days that the champion has not seen"
        return Probed(evidence=f"{found} are too few: at least {FEWEST_ROWS} of {FEWEST_DAYS} days are needed")
    case = _Case(
        champion=champion,
        last_seen=last,
        data_end=data_end,
        train=ws.read(train),
        rows=rows,
        seen_whole=len(rows) == test.rows,
        promise=promise,
        threshold=threshold,
        contract=contract,
        features=features,
        evaluated=evaluated,
        searched=searched,
        seed=seed,
    )
    blocks = case.blocks(lambda rows: as_it_knows_them(rows, champion, contract, features, ws.path(valid.uri)))
    theirs = case.lost(champion.predict(rows))
    starts: dict[Window, date | None] = {"all": None, **({"recent": since} if since else {})}
    rungs = [
        case.tried(Rung(name=name, window=window), theirs, start, blocks)
        for name in RUNGS[:-1]
        for window, start in starts.items()
        if name != "refit" or window in windows
    ]
    refits = [rung for rung in rungs if rung.name == "refit" and rung.gain is not None]
    best = max(refits, key=lambda rung: rung.gain or 0.0, default=None)
    probed = Probed(
        evidence=evidence_of(rungs, best, rows=len(rows), days=n_days),
        failed=best is None and any(rung.failed for rung in rungs if rung.name == "refit"),
        rows=len(rows),
        days=n_days,
        champion_loss=float(theirs.mean()),
        rungs=(*rungs, Rung(name="search", window=best and best.window, why_not=NOT_MEASURED)),
        gain=best and best.gain,
        low=best and best.low,
        high=best and best.high,
        since=since,
    )
    log.info("probe: %s", probed.evidence)
    return probed


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A champion, the train rows that it may be repaired on, and the `rows` that say what that is worth."""

    champion: Model
    last_seen: pd.Timestamp | None
    data_end: date
    train: pd.DataFrame
    rows: pd.DataFrame
    seen_whole: bool
    promise: Promise
    threshold: float
    contract: Contract
    features: FeatureParams
    evaluated: EvaluateParams
    searched: tuple[str, ...]
    seed: int

    def lost(self, said: Estimates, threshold: float | None = None) -> Array:
        """Return the loss of each row by what is said of it, shape (n,)."""
        return losses(
            self.contract.task,
            self.rows[self.contract.target].reset_index(drop=True),
            said.compared,
            loss=self.promise.loss,
            threshold=self.threshold if threshold is None else threshold,
            scale=self.promise.scale,
        )

    def blocks(self, known: Callable[[pd.DataFrame], pd.DataFrame]) -> tuple["_Case", ...]:
        """Return the case on blocks of train rows before the newest, as many days each, each with the rows before it.

        Parameters
        ----------
        known : rows as the champion knows them.
        """
        days = local_days(self.train, self.contract)
        unseen = unseen_after(self.last_seen, self.train, self.contract, self.features.embargo_days)
        newest = local_days(self.rows, self.contract)
        first, length = newest.min(), newest.max() - newest.min() + pd.Timedelta(days=1)
        found = []
        for _ in range(BLOCKS - 1):
            first, end = first - length, first
            some = unseen & ((days >= first) & (days < end)).to_numpy()
            if some.sum() < FEWEST_ROWS or days[some].nunique() < FEWEST_DAYS:
                break
            before = self.train[(days < first - timedelta(days=self.features.embargo_days)).to_numpy()]
            rows = known(self.train[some]).reset_index(drop=True)
            found.append(replace(self, train=before, rows=rows))
        return tuple(found)

    def tried(self, rung: Rung, theirs: Array, since: date | None, blocks: Sequence["_Case"]) -> Rung:
        """Return a rung with what it does, or with why it does nothing."""
        makes = {
            "threshold": self._with_threshold,
            "recalibration": self._recalibrated,
            "boosting": self._boosted,
            "refit": self._refitted,
        }
        began = perf_counter()
        try:
            ours = makes[rung.name](since)
        except (ValueError, EvergreenError) as error:
            said = error.what if isinstance(error, EvergreenError) else " ".join(str(error).split())[:200]
            failed = not isinstance(error, CannotRepairError)
            told = {"why_not": said, "failed": failed, "seconds": round(perf_counter() - began, 3)}
            return rung.model_copy(update=told)
        more = self._over(blocks, theirs - ours) if rung.name == "refit" and since is None else None
        found = measured(rung, theirs, ours, self._clusters(), self.promise, more=more)
        return found.model_copy(update={"seconds": round(perf_counter() - began, 3)})

    def _over(self, blocks: Sequence["_Case"], newest: Array) -> Prequential | None:
        """Return what refits gain over the newest rows and the blocks before them; None where one cannot be made."""
        gains, rows = [newest], [self.rows]
        for block in blocks:
            try:
                ours = block._refitted(None)
            except (ValueError, EvergreenError) as error:
                log.info("probe: no refit before %s: %s", local_days(block.rows, self.contract).min().date(), error)
                break
            gains.append(block.lost(self.champion.predict(block.rows)) - ours)
            rows.append(block.rows)
        if len(gains) == 1:
            return None
        together = replace(self, rows=pd.concat(rows, ignore_index=True))
        return prequential(np.concatenate(gains), together._clusters())

    def _clusters(self) -> Sequence[Clusters]:
        days = np.unique(local_days(self.rows, self.contract).to_numpy(), return_inverse=True)[1]
        by_day = Clusters("day", days.astype(np.int64), in_time=True)
        return [by_day, *([clusters_of(self.rows, self.contract)] if self.contract.group else [])]

    def _newest(self, since: date | None) -> Newest:
        require_recipe(self.champion, self.contract, self.features)
        if not self.seen_whole:
            raise cannot("the champion has seen some of the rows that the gate would judge by")
        return newest(self.champion, self.train, last_seen=self.last_seen, data_end=self.data_end, since=since)

    def _with_threshold(self, since: date | None) -> Array:
        if self.contract.task != "binary" or self.promise.loss != "error":
            raise cannot(f"a {self.contract.task} answer's {self.promise.loss} knows no threshold")
        rule = self.evaluated.threshold
        if isinstance(rule, float):
            raise cannot("evaluate.threshold is a number")
        known = self._newest(since)
        chosen = choose_threshold(known.labels, known.estimates.values, rule=rule, costs=self.evaluated.costs)
        return self.lost(self.champion.predict(self.rows), chosen)

    def _recalibrated(self, since: date | None) -> Array:
        known = self._newest(since)
        then = recalibrating.fit_map(self.contract.task, known.labels, known.estimates)
        pipeline, _ = recalibrating.recalibrated(self.champion.pipeline, then)
        return self.lost(self._says(pipeline))

    def _boosted(self, since: date | None) -> Array:
        known = self._newest(since)
        names = inputs(self.contract, self.features).names
        family = self.champion.manifest["family"]
        return self.lost(self._says(continued(self.champion.pipeline, family, known.rows[names], known.labels)))

    def _refitted(self, since: date | None) -> Array:
        made = self.champion.manifest
        if made["family"] not in self.searched:
            raise cannot(f"its family, {made['family']}, is none of tune.families")
        rows = self._history(since)
        recipe = Recipe(self.contract, self.features, made["family"], made["params"], made["seed"], made["shrinkage"])
        pipeline = put_together(recipe.fit(rows), own_curve(made))
        return self.lost(self._says(pipeline))

    def _history(self, since: date | None) -> pd.DataFrame:
        if since is None:
            return self.train.tail(MOST_ROWS)
        if self.features.history:
            raise cannot("its features look back further than the recent rows")
        rows = self.train[(local_days(self.train, self.contract) >= pd.Timestamp(since)).to_numpy()]
        if self.contract.rows and len(rows) < self.contract.rows[0]:
            raise cannot(f"{len(rows)} rows came since, and the contract wants {self.contract.rows[0]}")
        require(fit_target(rows, self.contract), self.contract)
        return rows.tail(MOST_ROWS)

    def _says(self, pipeline: Any) -> Estimates:
        names = inputs(self.contract, self.features).names
        known = self.champion.classes and tuple(map(str, pipeline.classes_))
        with families.limit_threads():
            return estimate(pipeline, self.rows[names], task=self.contract.task, classes=known)
