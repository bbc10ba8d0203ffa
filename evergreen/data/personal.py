"""Rows that may be shown: the same types, without the values that a contract calls personal."""

import pandas as pd

from evergreen.config.contract.contract import Contract


def without_personal(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Return rows of the same types, with one made-up value in each column that holds personal ones."""
    personal = [column for column in contract.columns if column.pii and column.name in rows]
    made_up = {"number": 0.0, "integer": 0, "boolean": False}
    return rows.assign(
        **{
            column.name: pd.Series(made_up.get(column.type, "personal"), index=rows.index).astype(
                rows[column.name].dtype
            )
            for column in personal
        }
    )
