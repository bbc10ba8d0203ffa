"""A log of predictions with labels that come late, out of order, again and contradicting, and the truth of them."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import logged
import numpy as np
import pandas as pd

from evergreen.record.predictions import rolling
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback

START = datetime(2024, 5, 1, tzinfo=UTC)
DELAY = timedelta(days=30)
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class World:
    """`predictions`: id, event, received, probability, truth. `said`: each label's id, value, known, received, name.

    Times are microseconds since 1970; `known` is the one that counts.
    """

    folder: Path
    predictions: pd.DataFrame
    said: pd.DataFrame

    def labels_at(self, at: datetime) -> pd.Series:
        """Return the label of each prediction as pandas finds it: of those known by then the last."""
        known = self.said[self.said["known"] <= us(at)].sort_values(["known", "received", "name"])
        return self.predictions["id"].map(known.drop_duplicates("id", keep="last").set_index("id")["value"])


def world(folder: Path, n: int, *, seed: int, days: int = 90, rolled: float = 0.5, answers: bool = True) -> World:
    """Log n predictions of some days and what came back about all of them within 30 days after.

    2 % of the labels are repeated and 1 % are contradicted by an earlier one, which may be received later. A tenth is
    said by key, a fifth says when it was known, and a hundredth of these that it was a year from now. The first part of
    the log, `rolled`, is in the table, the rest in segments. Nothing came back without `answers`.
    """
    rng = np.random.default_rng(seed)
    log = PredictionLog(folder)
    events = us(START) + np.sort(rng.integers(0, days * DAY_US, n))
    probability = rng.random(n)
    predictions = pd.DataFrame(
        {
            "id": log.new_ids(n),
            "event": events,
            "received": events + rng.integers(0, 3_600_000_000, n),
            "probability": probability,
            "truth": rng.random(n) < probability,
        }
    )
    about = np.concatenate([np.arange(n), rng.integers(0, n, n // 50), rng.choice(n, n // 100, replace=False)])
    n_said = len(about)
    is_wrong = np.arange(n_said) >= n_said - n // 100
    known = events[about] + 3 * DAY_US + rng.integers(0, 26 * DAY_US, n_said)
    known[is_wrong] = events[about[is_wrong]] + rng.integers(0, 3 * DAY_US, is_wrong.sum())
    says_when = rng.random(n_said) < 0.2
    received = np.where(
        says_when, np.minimum(known + rng.integers(0, 2 * DAY_US, n_said), events[about] + 30 * DAY_US - 1), known
    )
    ahead = says_when & (rng.random(n_said) < 0.01)
    known = np.where(ahead, received, known)
    said = pd.DataFrame(
        {
            "row": about,
            "id": predictions["id"].to_numpy()[about],
            "value": predictions["truth"].to_numpy()[about] ^ is_wrong,
            "known": known,
            "received": received,
            "told": np.where(ahead, received + 365 * DAY_US, np.where(says_when, known, -1)),
            "by_key": rng.random(n_said) < 0.1,
            "name": [os.urandom(16).hex() for _ in range(n_said)],
        }
    ).sort_values("received")
    said = said if answers else said.iloc[:0]
    _write(log, predictions, said, rolled)
    return World(folder, predictions, said)


def _write(log: PredictionLog, predictions: pd.DataFrame, said: pd.DataFrame, rolled: float) -> None:
    rows = [
        logged.row(each.id, number, event_us=each.event, received_us=each.received, probability=each.probability,
                   label=each.probability >= 0.5)
        for number, each in enumerate(predictions.itertuples())
    ]  # fmt: skip
    labels = [
        Feedback(
            each.name,
            each.received,
            "label",
            prediction_id=None if each.by_key else each.id,
            keys=(f"person-{each.row}", each.row) if each.by_key else None,
            label=each.value,
            known_us=None if each.told < 0 else each.told,
        )
        for each in said.itertuples()
    ]
    for is_first in (True, False):
        for append, every in ((log.append, rows), (log.append_feedback, labels)):
            split = int(len(every) * rolled)
            some = every[:split] if is_first else every[split:]
            for at in range(0, len(some), 500):
                append(logged.COLUMNS, some[at : at + 500])
        log.close()
        if is_first:
            rolling.roll(log.folder)
            log = PredictionLog(log.folder)
