"""Feature functions as a team would write them, good and bad, by dotted path."""

import pandas as pd

from evergreen.own_code import feature

NOT_A_FUNCTION = 7


@feature(numeric=("fare_per_seat_cubed",), categorical=("part_of_day",))
def trip(rows: pd.DataFrame) -> pd.DataFrame:
    hour = rows["start"].dt.hour
    return pd.DataFrame(
        {
            "part_of_day": hour.map(lambda h: None if pd.isna(h) else "night" if h < 6 else "day"),
            "fare_per_seat_cubed": rows["fare"] / rows["seats"] ** 3,
        }
    )


@feature(numeric=("above_mean",))
def sees_other_rows(rows: pd.DataFrame) -> pd.DataFrame:
    number = rows.select_dtypes("number").iloc[:, 0]
    return pd.DataFrame({"above_mean": number - number.mean()})


@feature(numeric=("x",))
def fills_gaps_with_the_median(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["seats"].fillna(rows["seats"].median())})


@feature(numeric=("x",))
def cuts_off_the_greatest(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["fare"].clip(upper=rows["fare"].quantile(0.99))})


@feature(categorical=("x",))
def knows_the_zone_before(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["zone"].where(rows["zone"].duplicated())})


@feature(numeric=("x",), categorical=("y",))
def needs_a_row(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": [rows["fare"].iloc[0]] * len(rows), "y": "word"}, index=rows.index)


@feature(numeric=("x",))
def counts_in_nullable_types(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["seats"].astype("Int64").astype("object")})


@feature(numeric=("x",))
def rounds_otherwise_among_others(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["fare"] * (1.0 if len(rows) == 1 else 1.0 + 2**-52)})


@feature(numeric=("x",))
def raises(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["no such column"]})


@feature(numeric=("x",))
def returns_other_columns(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"y": rows["fare"]})


@feature(numeric=("x",))
def returns_fewer_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": rows["fare"]}).iloc[1:]


@feature(numeric=("x",))
def returns_words(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"x": "word"}, index=rows.index)


@feature(numeric=("x",))
def changes_what_it_is_given(rows: pd.DataFrame) -> pd.DataFrame:
    rows["fare"] = 0.0
    return pd.DataFrame({"x": rows["fare"]})


def undeclared(rows: pd.DataFrame) -> pd.DataFrame:
    return rows
