"""Row-wise features, the same code for training, batch scoring and the service, and the time split."""

from datetime import timedelta

import pandas as pd

from evergreen.contract import Column, Contract
from evergreen.errors import DataError
from evergreen.params import FeatureParams

Frame = pd.DataFrame


def build(rows: Frame, contract: Contract, params: FeatureParams) -> Frame:
    """Return the model's inputs, shape (n, features + calendar parts), in the contract's order.

    Nothing is fitted and no row sees another one, so a row has the same features alone and in a table. The order and
    the dtypes of the columns in `rows` do not matter; columns without the role feature or time are not read.
    """
    built = {column.name: _typed(rows[column.name], column) for column in contract.features}
    local = pd.to_datetime(rows[contract.time], utc=True).dt.tz_convert(contract.timezone).dt
    calendar = {
        "hour": lambda: local.hour + local.minute / 60,
        "weekday": lambda: local.weekday,
        "month": lambda: local.month,
        "day_of_year": lambda: local.dayofyear,
    }
    for part in params.calendar:
        built[f"{contract.time}_{part}"] = calendar[part]().astype("float64")
    return pd.DataFrame(built, index=rows.index)


def columns_by_kind(contract: Contract, params: FeatureParams) -> tuple[list[str], list[str]]:
    """Return the names of the categorical and of the numeric inputs that `build` makes, in its order."""
    categorical = [column.name for column in contract.features if column.type == "category"]
    numeric = [column.name for column in contract.features if column.type != "category"]
    return categorical, numeric + [f"{contract.time}_{part}" for part in params.calendar]


def _typed(values: pd.Series, column: Column) -> pd.Series:
    if column.type == "category":
        return values.astype("object").astype("str")
    if column.type == "timestamp":
        return pd.to_datetime(values, utc=True).astype("int64") / 1e9
    return values.astype("float64")


def labelled(rows: Frame, contract: Contract) -> Frame:
    """Return the rows whose target is known."""
    return rows[rows[contract.target].notna()]


def split_by_time(rows: Frame, contract: Contract, params: FeatureParams) -> tuple[Frame, Frame]:
    """Return train and test rows: the last `test_days` local days are test, `embargo_days` before them are in neither.

    Both are sorted by time, then by key.

    Raises
    ------
    DataError if either side is empty or its target has one class only.
    """
    rows = rows.sort_values([contract.time, *contract.key], kind="stable").reset_index(drop=True)
    days = pd.to_datetime(rows[contract.time], utc=True).dt.tz_convert(contract.timezone).dt.date
    first_test = days.max() - timedelta(days=params.test_days - 1) if len(rows) else None
    if first_test is None:
        raise DataError(
            "DQ007",
            "no labelled rows to split",
            where=contract.name,
            next_step="Widen ingest.start and ingest.end, or check the target column.",
        )
    train = rows[days < first_test - timedelta(days=params.embargo_days)]
    test = rows[days >= first_test].reset_index(drop=True)
    for side, part in (("train", train), ("test", test)):
        classes = part[contract.target].unique()
        if len(part) == 0 or len(classes) < 2:
            found = "0 rows" if len(part) == 0 else f"{len(part)} rows with the one class {classes[0]}"
            raise DataError(
                "DQ009",
                f"cutoff {first_test} leaves {found} in {side}; data runs from {days.min()} to {days.max()}",
                where=f"features.test_days = {params.test_days}",
                next_step="Change features.test_days, or ingest a longer period.",
            )
    return train, test
