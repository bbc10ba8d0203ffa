"""Who was drawn for logged rows while traffic was divided, by what their records say."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.decisions.rollout.traffic import fell_back


class Drawn(NamedTuple):
    """Of each row the rule that drew, the arm that was drawn, and why the champion answered in its place, if it did."""

    rule: pa.Array
    arm: pa.Array
    why: pa.Array


def is_of(batch: pa.RecordBatch, owner: str) -> pa.BooleanArray:
    """Return which rows a rule of an owner routed, such as `bandit-prices`; none of a log from before rules."""
    if "traffic_rule" not in batch.schema.names:
        return pa.repeat(False, batch.num_rows)
    return pc.fill_null(pc.starts_with(batch.column("traffic_rule"), f"{owner}."), False)


def drawn(batch: pa.RecordBatch) -> Drawn:
    """Return who was drawn for rows that rules routed; the columns traffic_rule and variant are needed."""
    coded = batch.column("traffic_rule").dictionary_encode()
    named = coded.dictionary.to_pylist()
    fell = [fell_back(rule) for rule in named]
    rules = pa.array([each.rule if each else rule for each, rule in zip(fell, named, strict=True)], pa.string())
    arms = pa.array([each.arm if each else None for each in fell], pa.string())
    why = pa.array([each.why if each else None for each in fell], pa.string())
    arm = pc.coalesce(arms.take(coded.indices), batch.column("variant"))
    return Drawn(rules.take(coded.indices), arm, why.take(coded.indices))
