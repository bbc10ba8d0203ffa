"""Worlds before the gate: rows and models whose true quality is known, and the smallest field, question and policy.

Scores are binormal: of a false row N(0, 1), of a true one N(m, 1), so that ROC AUC is the normal distribution at m / √2
(Green and Swets, 1966). Two models share most of the noise, as models of the same columns do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy import special, stats

from evergreen.config.params.gate import GateParams
from evergreen.decisions.gate.campaign import Asked, next_level
from evergreen.decisions.gate.check import Check
from evergreen.decisions.gate.checks import champion
from evergreen.decisions.gate.decision import Question
from evergreen.decisions.gate.evidence import Contender, GateRows, Rival
from evergreen.decisions.gate.paired import against
from evergreen.learning.evaluation.clusters import Clusters
from evergreen.learning.evaluation.estimates import Estimates

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POLICY = GateParams(metric="roc_auc", floor=0.5, champion_margin=0.01, confidence=0.95)


@dataclass(frozen=True)
class World:
    """How rows and models come about.

    `shared`: of the variance of two models' scores, what both have in common. `days`: how many the rows lie in; 0 where
    each row stands alone. `shock`: of the variance that is a model's own, what all true rows of a day share (a storm
    that one model sees coming and the other does not), which is the correlation of two true rows of a day in the
    difference of the models. `memory`: the correlation of the shocks of two days in a row. `uneven`: the spread of the
    logarithm of the days' sizes.
    """

    n: int
    days: int = 0
    shock: float = 0.0
    memory: float = 0.0
    uneven: float = 0.0
    shared: float = 0.9
    share_true: float = 0.2

    def draw(self, rng: np.random.Generator, *aucs) -> tuple[GateRows, list[Estimates]]:
        """Return rows, and what a model of each ROC AUC says of them; of an array, shape (n,), row by row."""
        day, n_days = self._days(rng)
        late = rng.random(self.n) < self.share_true
        common = np.sqrt(self.shared) * rng.normal(size=self.n)
        own = np.sqrt(1 - self.shared)
        models = []
        for auc in aucs:
            alone = rng.normal(size=self.n)
            storm = self._shocks(rng, n_days)[day]
            shaken = np.sqrt(self.shock) * storm + np.sqrt(1 - self.shock) * alone
            noise = common + own * np.where(late, shaken, alone)
            models.append(said(noise + shift(auc) * late, auc, share_true=self.share_true))
        clusters = Clusters("day", day, in_time=True) if self.days else Clusters("row", day)
        return GateRows(late, clusters, digest="rows"), models

    def _days(self, rng):
        if not self.days:
            return np.arange(self.n), self.n
        chances = np.exp(self.uneven * rng.normal(size=self.days))
        more = rng.choice(self.days, size=self.n - self.days, p=chances / chances.sum())
        return np.sort(np.concatenate([np.arange(self.days), more])), self.days

    def _shocks(self, rng, n):
        innovations = rng.normal(size=n)
        if not self.memory:
            return innovations
        shocks = innovations.copy()
        for i in range(1, n):
            shocks[i] = self.memory * shocks[i - 1] + np.sqrt(1 - self.memory**2) * innovations[i]
        return shocks


def shift(auc):
    """Return by how much the scores of true rows are greater, in a model of this ROC AUC."""
    return np.sqrt(2) * stats.norm.ppf(auc)


def said(scores, auc, *, share_true: float = 0.2) -> Estimates:
    """Return the true probabilities of binormal scores."""
    m = shift(auc)
    return Estimates("binary", special.expit(special.logit(share_true) + m * scores - m**2 / 2))


def one_by_one(rows: GateRows) -> GateRows:
    """Return the same rows as if each stood alone."""
    return replace(rows, clusters=Clusters("row", np.arange(len(rows.labels))))


def contender(estimates: Estimates, *, auc: float = 0.7, **changed) -> Contender:
    """Return a candidate with these estimates."""
    given = {"artifact": "model", "family": "lightgbm", "metrics": {"roc_auc": auc}}
    return Contender(estimates=estimates, **given | changed)


def rival(estimates: Estimates | None, **changed) -> Rival:
    """Return the champion with these estimates."""
    return Rival(**{"name": "version 4", "estimates": estimates} | changed)


def held(rows: GateRows, ours: Contender, other: Rival | None, *, policy: GateParams, **given) -> Check:
    """Return what the check of the champion says of a contender."""
    return champion.check(ours, other, against(policy.metric, rows, ours, other), policy=policy, **given)


def prior(n: int, share_true: float = 0.2) -> Estimates:
    """Return what is said without looking at any column."""
    return Estimates("binary", np.full(n, share_true))


def question(rows: GateRows, champion: Estimates | None, **changed) -> Question:
    """Return what is asked against a champion, by the rule of a refresh unless another is given."""
    given = {
        "rule": "refresh" if champion is not None else "first",
        "policy": POLICY,
        "now": NOW,
        "champion": None if champion is None else rival(champion),
        "prior": prior(len(rows.labels)),
    }
    return Question(rows=rows, **given | changed)


def asked(
    nights: int,
    *,
    rule: str = "superiority",
    promoted: Sequence[int] = (),
    rows: str = "",
    every: timedelta = timedelta(days=1),
) -> tuple[Asked, ...]:
    """Return gates one after the other, the last of them `every` before NOW, each given what the campaign had for it.

    `promoted` counts from 0.
    """
    history: list[Asked] = []
    for night in range(nights):
        now = NOW - every * (nights - night)
        given = next_level(history, now=now, alpha=POLICY.alpha).level if rule == "superiority" else 0.0
        level = given if night in promoted else 0.0
        history.append(Asked(at=now, rule=rule, given=given, level=level, promoted=night in promoted, rows=rows))
    return tuple(history)


def classes(rng: np.random.Generator, counts: dict[str, int], *rights: float) -> tuple[GateRows, list[Estimates]]:
    """Return rows of so many of every class, and models that answer such shares of them rightly."""
    names = tuple(counts)
    labels = np.repeat(np.array(names, dtype=object), list(counts.values()))
    truth = np.repeat(np.arange(len(names)), list(counts.values()))
    models = []
    for right in rights:
        answered = np.where(rng.random(len(labels)) < right, truth, (truth + 1) % len(names))
        values = np.full((len(labels), len(names)), 0.2 / (len(names) - 1))
        values[np.arange(len(labels)), answered] = 0.8
        models.append(Estimates("multiclass", values, names))
    return GateRows(labels, Clusters("row", np.arange(len(labels)))), models


def numbers(rng: np.random.Generator, n: int, *errors: float) -> tuple[GateRows, list[Estimates]]:
    """Return rows of a normal target of variance 1, and models whose errors have such standard deviations."""
    truth, common = rng.normal(size=n), rng.normal(size=n)
    models = [
        Estimates("regression", truth + error * (np.sqrt(0.9) * common + np.sqrt(0.1) * rng.normal(size=n)))
        for error in errors
    ]
    return GateRows(truth, Clusters("row", np.arange(n))), models
