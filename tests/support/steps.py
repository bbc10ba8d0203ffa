"""Answers of a step of a rollout, made by hand, and days of them on which rows hang together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evergreen.decisions.rollout.answers import Answers
from evergreen.learning.evaluation.clusters import Clusters


def clusters(unit: str, codes: Any, *, in_time: bool = False) -> Clusters:
    return Clusters(unit, np.unique(codes, return_inverse=True)[1].astype(np.int64), in_time)


def answers(n: int = 1_000, **given: Any) -> Answers:
    """Return n rows of ten days, half of them of the new version, all alike; `given` replaces what they are."""
    rows, nothing = np.arange(n), np.zeros(n, bool)
    usual: dict[str, Any] = {
        "task": "binary", "paired": False, "is_new": rows % 2 == 0, "loss": np.full(n, 0.2),
        "loss_before": np.full(n, np.nan), "score": np.full((n, 1), 0.5), "score_before": np.full((n, 1), np.nan),
        "failed": nothing, "late": nothing, "ms": np.full(n, 5.0), "referred": nothing, "request": rows,
        "unit": clusters("unit", rows), "block": clusters("day", rows * 10 // n, in_time=True), "n_due": n,
        "n_labelled": n,
    }  # fmt: skip
    if given.get("paired"):
        usual |= {"is_new": ~nothing, "loss_before": np.full(n, 0.2), "score_before": np.full((n, 1), 0.5)}
    return Answers(**{**usual, **given})


@dataclass
class Days:
    """A step's days: visitors who come again, each with a mood, on days that are harder or easier for both versions.

    `worse`: by how much the new version's share of wrong answers is higher; `own`: how much a day of its own varies.
    """

    seed: int
    rows: int = 1_500
    visitors: int = 1_500
    worse: float = 0.0
    own: float = 0.0
    slower: float = 1.0
    parts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._moods = self._rng.normal(0, 0.05, self.visitors)
        self._places = self._rng.random(self.visitors)

    def day(self, step: int, share: float | None) -> int:
        """Add a day at a step, a shadow for None, and return how many rows the new version answered."""
        rng, n, number = self._rng, self.rows, len(self.parts)
        who = rng.integers(0, self.visitors, n)
        hard = self._moods[who] + rng.normal(0, 0.02)
        draw = rng.random(n)
        other = np.where(rng.random(n) < 0.8, draw, rng.random(n))
        old = (draw < 0.2 + hard).astype(float)
        new = (other < 0.2 + self.worse + hard + rng.normal(0, self.own)).astype(float)
        is_new = self._places[who] < (1 if share is None else share)
        ms = rng.lognormal(np.log(20), 0.4, n)
        self.parts.append(
            {
                "step": step, "who": who, "day": np.full(n, number), "is_new": is_new, "before": old,
                "loss": np.where(is_new, new, old), "ms": np.where(is_new, ms * self.slower, ms),
                "request": np.arange(n) + number * n,
            }
        )  # fmt: skip
        return 0 if share is None else int(is_new.sum())

    def answers(self, step: int, share: float | None) -> Answers:
        """Return the rows of a step so far."""
        parts = [part for part in self.parts if part["step"] == step]
        if not parts:
            return answers(0)
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0] if name != "step"}
        n = len(found["who"])
        return answers(
            n,
            paired=share is None,
            is_new=found["is_new"],
            loss=found["loss"],
            loss_before=found["before"] if share is None else np.full(n, np.nan),
            late=found["is_new"] & (found["ms"] > 100),
            ms=found["ms"],
            request=found["request"],
            unit=clusters("unit", found["who"]),
            block=clusters("day", found["day"], in_time=True),
        )
