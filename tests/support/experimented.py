"""Experiments on a project of visits: rows that several variants answered, and the labels that came back."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from evergreen.config.contract.contract import Contract
from evergreen.decisions.experiments.design import Design, Goal, Variant
from evergreen.decisions.rollout.traffic import drawn
from evergreen.record.experiments import kept
from evergreen.record.predictions.log import PredictionLog
from evergreen.record.predictions.records import Feedback, Logged, columns_of

CONTRACT = Contract.model_validate(
    {
        "name": "shop",
        "description": "Does somebody buy?",
        "source": {"kind": "file", "path": "shop.csv"},
        "timezone": "UTC",
        "label_delay_days": 0,
        "columns": [
            {"name": "customer", "type": "integer", "role": "key"},
            {"name": "spent", "type": "number", "role": "feature"},
            {"name": "bought", "type": "boolean", "role": "target"},
        ],
    }
)
COLUMNS = columns_of(CONTRACT)
BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def design(name: str = "checkout", **changed: object) -> Design:
    """Return an A/B test of version 2 against version 1, half and half, by customer."""
    given: dict[str, object] = {
        "name": name,
        "champion": 1,
        "variants": (Variant(name="B", version=2, share=0.5),),
        "goals": (Goal(metric="target", better="higher", effect=0.03),),
        "unit": ("customer",),
        "planned": 2_000,
        "adjust": False,
    }
    return Design.model_validate({**given, **changed})


@dataclass
class Shop:
    """A log to which rows are answered as a service would: drawn by the design, logged, and labelled later."""

    folder: Path
    design: Design
    seconds: int = 3_600  # of the experiment

    def __post_init__(self) -> None:
        self.log = PredictionLog(self.folder)
        self.traffic = kept.routed(self.design, epoch=1, slow_ms=None)

    def answer(
        self, customers: Sequence[int | None], bought: np.ndarray, *, scores: np.ndarray | None = None
    ) -> list[str]:
        """Log an answer to each customer's row, one a moment from the beginning on, and whether they bought.

        `bought` has a column for each variant: what happens if that one answers.
        """
        ids, at = self.log.new_ids(len(customers)), self.log_times(len(customers))
        rows, back = [], []
        for number, (name, customer) in enumerate(zip(ids, customers, strict=True)):
            arm = drawn(self.traffic, name if customer is None else json.dumps([customer]))
            place = self.design.names.index(arm.name)
            score = 0.5 if scores is None else float(scores[number])
            rows.append(
                Logged(
                    name,
                    received_us=at[number],
                    model="shop",
                    version=arm.version,
                    model_digest="ab" * 32,
                    features=(float(number),),
                    keys=(customer,),
                    probability=score,
                    label=score >= 0.5,
                    variant=arm.name,
                    propensity=arm.share,
                    latency_us=1_000 + number % 7 * 100,
                    traffic_rule=self.traffic.rule,
                )
            )
            back.append(
                Feedback(
                    os.urandom(8).hex(),
                    received_us=at[number] + 1_000,
                    kind="label",
                    prediction_id=name,
                    label=bool(bought[number, place]),
                )
            )
        self.log.append(COLUMNS, rows)
        self.log.append_feedback(COLUMNS, back)
        return ids

    def log_times(self, n: int) -> list[int]:
        return [us(BEGUN) + int(self.seconds * 1e6 * (number + 0.5) / n) for number in range(n)]

    @property
    def end(self) -> datetime:
        return BEGUN + timedelta(seconds=self.seconds)
