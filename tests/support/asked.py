"""What a service logged, as a table by the id of each answer."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from evergreen.data.typed.schema import to_pandas
from evergreen.record.predictions import reading


def logged(home: Path, ids: Sequence[str]) -> pd.DataFrame:
    """Return the logged predictions with these ids, in their order; fails if one is not there, or others are."""
    table = to_pandas(reading.read(home / "predictions")).set_index("prediction_id")
    assert table.index.is_unique
    assert set(table.index) == set(ids)
    return table.loc[list(ids)]
