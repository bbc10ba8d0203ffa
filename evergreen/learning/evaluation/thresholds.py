"""The threshold of a binary answer, chosen on validation rows: by a rule, by costs, or by balanced accuracy."""

import logging
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evergreen.base.errors import ConfigError
from evergreen.config.contract.columns import Task
from evergreen.config.params.evaluate import EvaluateParams, ThresholdRule
from evergreen.learning.evaluation.metrics import Costs

log = logging.getLogger(__name__)
UNUSED = 0.5  # of targets that are not binary, whose answers no threshold decides
DIGITS = 4  # of what a rule can reach, in an error
Array = npt.NDArray[Any]


class Thresholds(NamedTuple):
    """From which probability on each model answers true."""

    candidate: float
    baseline: float


class _Cuts(NamedTuple):
    """Every way to cut rows by their scores, the fewest answered true first.

    `at`: the threshold of each. `hits`, `alarms`: how many of the `n_true`, and of the `n_false`, rows it answers true.
    """

    at: Array
    hits: Array
    alarms: Array
    n_true: int
    n_false: int


def of_models(out_of_fold: pd.DataFrame, known: Array, params: EvaluateParams, *, task: Task) -> Thresholds:
    """Return the thresholds of candidate and baseline; a number in the parameters is that of both.

    A baseline without estimates, or one that does not reach the rule, is measured at the candidate's threshold.

    Parameters
    ----------
    out_of_fold : label and calibrated estimates of validation rows, as tuning leaves them.
    known : shape (n,), the labels of the train rows, for a search that left no validation rows.

    Raises
    ------
    ConfigError if the candidate does not reach the rule, or there is no row to say so.
    """
    if task != "binary":
        return Thresholds(UNUSED, UNUSED)
    wanted, costs = params.threshold, params.costs
    if isinstance(wanted, float):
        return Thresholds(wanted, wanted)
    if out_of_fold.empty:
        chosen = _without_rows(known, wanted, costs)
        return Thresholds(chosen, chosen)
    labels = out_of_fold["label"].to_numpy()
    candidate = choose_threshold(labels, out_of_fold["candidate"].to_numpy(), rule=wanted, costs=costs)
    if "baseline" not in out_of_fold:
        return Thresholds(candidate, candidate)
    try:
        baseline = choose_threshold(labels, out_of_fold["baseline"].to_numpy(), rule=wanted, costs=costs)
    except ConfigError as error:
        log.warning("evaluate: the baseline is measured at the candidate's threshold: %s", error.what)
        baseline = candidate
    return Thresholds(candidate, baseline)


def choose_threshold(labels: Array, scores: Array, *, rule: ThresholdRule | None, costs: Costs) -> float:
    """Return the best threshold in [0, 1], exactly, over all distinct scores; `score >= threshold` means true.

    By the rule: the best precision, or recall, that keeps the other one at least where it asks. Without one: the least
    mean cost, or without costs the best balanced accuracy, which is where J = recall - false positive rate is greatest
    (Youden, 1950). Of equals, the one that answers fewer rows with true. It lies midway between two scores where
    their type has a number there, so that rounding moves no row over it.

    Parameters
    ----------
    labels, scores : shape (n,), n > 0, both classes among the labels, the scores in [0, 1].

    Raises
    ------
    ConfigError if no threshold reaches the rule.

    Examples
    --------
    >>> choose_threshold(np.array([False, True, True]), np.array([0.2, 0.4, 0.8]), rule=None, costs={})
    0.30000000000000004
    """
    cuts = _cuts(labels.astype(np.bool_), scores)
    if rule is not None:
        return float(cuts.at[_best_by_rule(cuts, rule)])
    return float(cuts.at[np.argmax(-_total_costs(cuts, costs) if costs else _youden(cuts))])


def _cuts(positive: Array, scores: Array) -> _Cuts:
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(positive[order])
    last = np.flatnonzero(np.append(np.diff(ranked) < 0, True))
    kind = ranked.dtype.type
    upper, lower = np.append(kind(1), ranked[last]), np.append(ranked[last], kind(0))
    middle = (upper + lower) / 2
    at = np.where(middle > lower, middle, upper).astype(np.float64)
    n_hits, n_rows = np.append(0, hits[last]), np.append(0, last + 1)
    begin = int(ranked[0] >= 1)  # no threshold lies above a score of 1
    n_true = int(hits[-1])
    return _Cuts(at[begin:], n_hits[begin:], (n_rows - n_hits)[begin:], n_true, len(scores) - n_true)


def _best_by_rule(cuts: _Cuts, rule: ThresholdRule) -> int:
    answered = cuts.hits + cuts.alarms
    precision = np.divide(cuts.hits, answered, out=np.zeros(len(answered)), where=answered > 0)
    recall = cuts.hits / cuts.n_true
    if rule.precision is not None:
        name, least, kept, best = "precision", rule.precision, precision, recall
    else:
        name, least, kept, best = "recall", rule.recall or 0.0, recall, precision
    reached = np.flatnonzero(kept >= least)
    if not len(reached):
        raise _out_of_reach(name, least, float(kept.max()), n_rows=cuts.n_true + cuts.n_false)
    order = np.lexsort((kept[reached], best[reached]))
    return int(reached[order[-1]])


def _out_of_reach(name: str, least: float, most: float, *, n_rows: int) -> ConfigError:
    shown = np.floor(most * 10**DIGITS) / 10**DIGITS
    return ConfigError(
        "CFG053",
        f"no threshold has a {name} of {least:g} on the {n_rows} validation rows of tuning; the best has {shown:g}",
        where="evaluate.threshold",
        next_step=f"Ask for at most that: evaluate.threshold: {{{name}: {shown:g}}}, or leave evaluate.threshold out.",
    )


def _youden(cuts: _Cuts) -> Array:
    """Return J times the rows of both classes: in whole numbers, so that what is equal is equal."""
    scaled: Array = cuts.hits * cuts.n_false - cuts.alarms * cuts.n_true
    return scaled


def _total_costs(cuts: _Cuts, costs: Costs) -> Array:
    total: Array = (
        _cost(costs, "true", "true") * cuts.hits
        + _cost(costs, "true", "false") * (cuts.n_true - cuts.hits)
        + _cost(costs, "false", "true") * cuts.alarms
        + _cost(costs, "false", "false") * (cuts.n_false - cuts.alarms)
    )
    return total


def _cost(costs: Costs, actual: str, answer: str) -> float:
    return costs.get(actual, {}).get(answer, 0.0)


def _without_rows(known: Array, rule: ThresholdRule | None, costs: Costs) -> float:
    """Return the threshold that is best if probabilities hold, which nothing here can tell.

    By costs it is that of Elkan (2001); for balanced accuracy, or costs that reward mistakes, the share of true rows.
    """
    if rule is not None:
        raise ConfigError(
            "CFG053",
            "the search left no validation row on which a threshold could reach the rule",
            where="evaluate.threshold",
            next_step="Raise tune.seconds, so that a trial ends, or set evaluate.threshold to a number.",
        )
    miss = _cost(costs, "true", "false") - _cost(costs, "true", "true")
    alarm = _cost(costs, "false", "true") - _cost(costs, "false", "false")
    chosen = float(np.clip(alarm / (alarm + miss), 0, 1)) if alarm + miss > 0 else float(known.mean())
    log.warning("evaluate: no validation row to choose the threshold on; it is %.4g, as if probabilities held", chosen)
    return chosen
