"""The bundled flights: schedule, plane and the last weather before departure, joined into one observation table."""

from pathlib import Path

import pandas as pd

FILES = ("flights.csv.zip", "planes.csv", "weather.csv")
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
LATE_MINUTES = 15
# An observation older than this says nothing about departure; the weather is null then.
WEATHER_TOLERANCE = pd.Timedelta(hours=6)


def observations(folder: Path) -> pd.DataFrame:
    """Return one row per scheduled flight of 2013, with the columns of configs/flights/contract.yaml."""
    flights = pd.read_csv(folder / "flights.csv.zip")
    planes = pd.read_csv(folder / "planes.csv", usecols=["tailnum", "year", "manufacturer", "engine", "seats"])
    weather = pd.read_csv(folder / "weather.csv", usecols=["origin", "time_hour", *WEATHER])

    hour = pd.to_datetime(flights["time_hour"], utc=True)
    flights["scheduled_departure"] = hour + pd.to_timedelta(flights["minute"], unit="min")
    flights["scheduled_arrival_minute"] = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    flights["late"] = (flights["arr_delay"] > LATE_MINUTES).astype("boolean").mask(flights["arr_delay"].isna())
    flights = flights.merge(planes.rename(columns={"year": "plane_year"}), on="tailnum", how="left", validate="m:1")
    return join_weather(flights, weather)


def join_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Return flights with the last weather observed at their origin strictly before scheduled departure."""
    observed = weather.assign(observed=pd.to_datetime(weather["time_hour"], utc=True)).drop(columns="time_hour")
    return pd.merge_asof(
        flights.sort_values("scheduled_departure", kind="stable"),
        observed.sort_values("observed"),
        left_on="scheduled_departure",
        right_on="observed",
        by="origin",
        direction="backward",
        allow_exact_matches=False,
        tolerance=WEATHER_TOLERANCE,
    )
