"""A file of rewards: which predictions brought what, and the rows of which nothing can be taken."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from evergreen.base.errors import DataError
from evergreen.base.values import Value
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import format_of
from evergreen.data.ingest import layouts, rows
from evergreen.data.ingest.items import check_unchanged, item_of
from evergreen.data.ingest.rows import without_missing
from evergreen.data.typed.schema import ROW, conform
from evergreen.data.validation.reasons import RowJudge
from evergreen.record.bandits import Plan, takes
from evergreen.record.labels.columns import ID
from evergreen.record.ledger.rewards import Reward

MOST_SHOWN = 5
PREDICTION_ID = Column(name="prediction_id", type="text", role="ignore", pattern=ID)
REWARD = Column(name="reward", type="number", role="ignore")
KNOWN_AT = Column(name="known_at", type="timestamp", role="ignore", nullable=True)


class Refused(Value):
    """A row of which nothing can be taken; `row` counts from 1 without the header."""

    row: int
    why: str


class Read(Value):
    """What a file of rewards holds.

    rows = `rewards` + `unknown` + `refused`. `unknown`: rows about predictions that are none of the bandit's; `named`
    and `first`: the first of them and of those refused.
    """

    rows: int
    rewards: tuple[Reward, ...]
    unknown: int
    named: tuple[str, ...]
    refused: int
    first: tuple[Refused, ...]


def read(path: Path, plan: Plan, arms: Mapping[str, str], *, contract: Contract, now: datetime) -> Read:
    """Return the rewards of a file.

    Parameters
    ----------
    path : CSV, TSV, JSON lines or Parquet, with columns prediction_id, reward and, if there is one, known_at: when it
        was known, in the contract's time zone unless it says so; by default, and at the latest, now.
    arms : the arm of each prediction that is the bandit's.

    Raises
    ------
    DataError if the file cannot be read, changes meanwhile, or lacks a column.
    """
    item = item_of(path, name=str(path), otherwise=format_of(contract.source))
    came = rows.read(item, layouts.for_file(item, contract.source, [PREDICTION_ID.name, REWARD.name]))
    columns = tuple(column for column in (PREDICTION_ID, REWARD, KNOWN_AT) if column.name in came.schema.names)
    missing = [column.name for column in (PREDICTION_ID, REWARD) if column not in columns]
    if missing:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}",
            where=str(path),
            next_step="A file of rewards has prediction_id, as it was answered, and reward.",
        )
    now_us = round(now.astimezone(UTC).timestamp() * 1_000_000)
    judge = RowJudge(columns)
    n_rows, taken, unknown, refused = 0, list[Reward](), list[str](), list[Refused]()
    for came_batch in came.batches:
        n_rows += came_batch.num_rows
        is_text = item.format != "parquet"
        batch = without_missing(came_batch, came.schema.names, contract.missing) if is_text else came_batch
        typed = conform(
            batch, columns, zone=contract.timezone, missing=contract.missing, parts=(), from_json=item.is_json
        )
        judged = judge.judge(typed)
        times = typed.column(KNOWN_AT.name).cast("int64").to_pylist() if KNOWN_AT in columns else [None] * len(typed)
        for row, name, reward, known_us, keeps, why in zip(
            typed.column(ROW).to_pylist(),
            typed.column(PREDICTION_ID.name).to_pylist(),
            typed.column(REWARD.name).to_pylist(),
            times,
            judged.keeps.to_pylist(),
            judged.why.to_pylist(),
            strict=True,
        ):
            if not keeps:
                refused.append(Refused(row=row, why=why))
            elif name not in arms:
                unknown.append(name)
            elif not takes(plan.policy, reward):
                must = "0 or 1, which Thompson's counts are of" if plan.policy.kind == "thompson" else "a finite number"
                refused.append(Refused(row=row, why=f"reward: {reward:g} is not {must}"))
            else:
                at = now_us if known_us is None else min(known_us, now_us)
                taken.append(Reward(prediction_id=name, arm=arms[name], reward=reward, known_us=at))
    check_unchanged(item)
    return Read(
        rows=n_rows,
        rewards=tuple(taken),
        unknown=len(unknown),
        named=tuple(unknown[:MOST_SHOWN]),
        refused=len(refused),
        first=tuple(refused[:MOST_SHOWN]),
    )
