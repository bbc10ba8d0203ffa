"""Taxi trips: a contract with every type of feature, in a time zone whose clocks change, and their parameters."""

from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource
from evergreen.config.params.features import FeatureParams

ALL_PARTS = ("hour", "weekday", "month", "day_of_year")
TRIPS = Contract(
    name="trips",
    description="every type of feature",
    source=FileSource(kind="file", path="trips.csv"),
    timezone="America/New_York",
    key=("trip",),
    label_delay_days=0,
    columns=(
        Column(name="paid", type="number", role="leakage"),
        Column(name="start", type="timestamp", role="time"),
        Column(name="zone", type="category", role="feature", nullable=True),
        Column(name="fare", type="number", role="feature", nullable=True),
        Column(name="seats", type="integer", role="feature", nullable=True),
        Column(name="member", type="boolean", role="feature", nullable=True),
        Column(name="booked", type="timestamp", role="feature", nullable=True),
        Column(name="note", type="category", role="ignore"),
        Column(name="trip", type="integer", role="key"),
        Column(name="tip", type="boolean", role="target", nullable=True),
    ),
)


def params_of(*, calendar=ALL_PARTS, test_days=1, embargo_days=0) -> FeatureParams:
    return FeatureParams(calendar=calendar, rare_category=1, test_days=test_days, embargo_days=embargo_days)
