"""DQ022: a row's time lies ahead of now."""

from datetime import date

import pytest
from validated import both, contract_of


def ahead(days=0, zone="UTC", **about):
    time = {"name": "t", "type": "timestamp", "role": "time", "nullable": True}
    return contract_of(time, {"type": "number"}, future_days=days, timezone=zone, **about)


@pytest.mark.parametrize(
    ("days", "zone", "bad"),
    [
        (0, "UTC", ["2024-04-02 00:00:01"]),
        (1, "UTC", []),
        (0, "Asia/Tokyo", ["2024-04-01 15:00:01", "2024-04-02 00:00:01"]),
    ],
)
def test_time_after_the_day_and_what_it_may_lie_ahead_fires(days, zone, bad):
    times = ["2024-04-01T15:00:01Z", "2024-04-02T00:00:01Z", "2024-04-01T14:59:59Z", None]

    run = both({"t": times}, ahead(days, zone), today=date(2024, 4, 1))

    found = run.result("DQ022")
    assert (found.n_bad, found.rows, found.outcome) == (len(bad), 3, "failed" if bad else "passed")
    assert [sample.value.removesuffix("+00:00") for sample in found.samples] == bad
    assert run.validation.quarantined == len(bad)


def test_warning_keeps_the_row():
    run = both({"t": ["2030-01-01"]}, ahead(severity={"DQ022": "warn"}))

    assert (run.result("DQ022").outcome, run.kept.num_rows) == ("warned", 1)


def test_not_applicable_without_a_day_or_a_time():
    without_day = both({"t": ["2030-01-01"]}, ahead(), today=None)
    without_time = both({"t": [None], "x": [1]}, ahead())

    assert (without_day.result("DQ022").outcome, without_day.result("DQ022").why) == (
        "not applicable",
        "no day was given",
    )
    assert without_day.kept.num_rows == 1
    assert without_time.result("DQ022").outcome == "not applicable"
