"""What is proposed for a table of made columns, as a file gives it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from evergreen.config import consistency
from evergreen.config.contract.columns import MISSING, Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.params import Params
from evergreen.proposal import drafts
from evergreen.proposal.propose import Proposal, propose
from evergreen.proposal.roles import Ask
from evergreen.proposal.spellings import reading

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = FileSource(kind="file", path="rows.csv")


def proposed(
    rows: pd.DataFrame, *, target: str, key: Sequence[str] = (), typed: bool = False, **known: Any
) -> Proposal:
    """Propose for a table as a CSV file gives it, all text, or as Parquet does."""
    table = pa.Table.from_pandas(rows, preserve_index=False) if typed else as_text(rows)
    seen = reading.read(lambda: table.to_batches(max_chunksize=500), now=NOW, key=key, missing=MISSING)
    return propose(
        seen, Ask(target=target, name="rows", source=SOURCE, now=NOW, key=tuple(key), is_typed=typed, **known)
    )


def as_text(rows: pd.DataFrame) -> pa.Table:
    def text(value: object) -> str | None:
        return None if pd.isna(value) or str(value) in MISSING else str(value)

    return pa.table({name: pa.array([text(value) for value in rows[name]], pa.string()) for name in rows})


def column(proposal: Proposal, name: str) -> Column:
    return next(column for column in proposal.contract.columns if column.name == name)


def frame(n: int = 600, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    x = rng.normal(10, 2, n).round(3)
    return pd.DataFrame({"x": x, **columns, "target": np.where(x + rng.normal(0, 2, n) > 10, "yes", "no")})


def check_written(proposal: Proposal, folder: Path) -> None:
    """Write both files, and read them as a run does."""
    (folder / "contract.yaml").write_text(drafts.contract_text(proposal.contract, proposal.notes), encoding="utf-8")
    text = drafts.params_text(proposal.params, {"gate": proposal.gate})
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    contract, params = Contract.load(folder / "contract.yaml"), Params.load(folder / "params.yaml")
    assert (contract, params) == (proposal.contract, proposal.params)
    consistency.check(params, contract)
