"""Rows of which a model is more or less sure, whose errors hang together by group or day, and what is true of them."""

from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from evergreen.decisions.automation.decided import Decided
from evergreen.decisions.automation.degrees import Decider
from evergreen.learning.evaluation.clusters import Clusters

Kind = Literal["row", "patient", "day"]


class Judged(NamedTuple):
    sure: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    clusters: Clusters


def effects(rng: np.random.Generator, n: int, correlation: float = 0.0) -> NDArray[np.float64]:
    """Return a standard normal effect for each of n clusters, each correlated with the one before."""
    drawn = rng.normal(size=n)
    for at in range(1, n):
        drawn[at] = correlation * drawn[at - 1] + np.sqrt(1 - correlation**2) * drawn[at]
    return drawn


def rows(rng: np.random.Generator, kind: Kind, n: int, *, hang: float, overconfident: float) -> Judged:
    """Return n rows: their sureness, whether each answer is wrong, and which belong together.

    `hang`: the standard deviation, in log odds, of what the rows of a patient or a day have in common; patients have 20
    rows, and days 100 and half of the day before. `overconfident`: how much likelier, in log odds, an error is than the
    model takes it for.
    """
    sure = 0.5 + 0.5 * rng.beta(2, 1.2, n)
    if kind == "row":
        codes, shared = np.arange(n), np.zeros(n)
    elif kind == "patient":
        codes = np.arange(n) // 20
        shared = hang * effects(rng, codes.max() + 1)[codes]
    else:
        codes = np.arange(n) // 100
        shared = hang * effects(rng, codes.max() + 1, 0.5)[codes]
    wrong = rng.random(n) < expit(logit(1 - sure) + overconfident + shared)
    return Judged(sure, wrong, Clusters(kind, codes, in_time=kind == "day"))


class Truth:
    """What is true of rows of a kind: the error among those of at least a sureness, over all groups and days."""

    def __init__(self, kind: Kind, *, hang: float, overconfident: float, n: int = 400_000) -> None:
        rng = np.random.default_rng(99)
        sure = 0.5 + 0.5 * rng.beta(2, 1.2, n)
        shared = 0.0 if kind == "row" else hang * rng.normal(size=n)
        wrong = expit(logit(1 - sure) + overconfident + shared)
        order = np.argsort(-sure)
        self._falling, self._errors = -sure[order], np.cumsum(wrong[order]) / np.arange(1, n + 1)

    def error(self, least: float) -> float:
        return float(self._errors[np.searchsorted(self._falling, -least, side="right") - 1])

    def share(self, least: float) -> float:
        return float(np.searchsorted(self._falling, -least, side="right") / len(self._falling))


def decided(by: Sequence[Decider], wrong: Sequence[float], days: Sequence[date], **more: Sequence[float]) -> Decided:
    """Return rows with what is said of them, and nothing known of the rest."""
    unknown = np.full(len(by), np.nan)
    given = {name: np.asarray(more.get(name, unknown), dtype=float) for name in ("people_wrong", "sure", "shares")}
    return Decided(by=tuple(by), wrong=np.asarray(wrong, dtype=float), days=tuple(days), **given)
