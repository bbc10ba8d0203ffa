"""How the commands of the prediction log read times and tell people what they did."""

from datetime import UTC, datetime, timedelta

import pytest

from cli import predictions
from evergreen.base.errors import ConfigError


def test_times_are_utc_unless_they_say_otherwise():
    assert predictions.instant(None) is None
    assert predictions.instant("2026-05-03T14:30") == datetime(2026, 5, 3, 14, 30, tzinfo=UTC)
    assert predictions.instant("2026-05-03T14:30+02:00").utcoffset() == timedelta(hours=2)
    with pytest.raises(ConfigError, match="CFG015"):
        predictions.instant("yesterday")


def test_result_is_told_to_people_line_by_line(capsys):
    predictions.show({"predictions": 2, "days": {"2024-05-01": 2}, "learned": [], "kept_days": None}, "Rolled")
    assert capsys.readouterr().out.splitlines() == [
        "Rolled",
        "  predictions: 2",
        "  days: 2024-05-01 2",
        "  learned: -",
        "  kept days: None",
    ]
