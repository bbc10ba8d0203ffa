"""What `evergreen labels` does for its commands, and how it tells people."""

import pytest

from cli import labels
from evergreen.base.errors import ConfigError
from evergreen.record.labels.adding import Added, Refused


def test_month_begins_and_ends_in_the_time_zone_of_the_contract(fresh):
    start, end = labels.events_of(fresh, "2024-03")
    assert (start.isoformat(), end.isoformat()) == ("2024-03-01T00:00:00+00:00", "2024-04-01T00:00:00+00:00")
    with pytest.raises(ConfigError, match="CFG015"):
        labels.events_of(fresh, "March")


def test_file_that_may_hold_labels_is_not_written_over(fresh, tmp_path):
    there = tmp_path / "ask.csv"
    there.write_text("prediction_id,returned\n")
    with pytest.raises(ConfigError, match="LOG012"):
        labels.ask(fresh, there, share=0.1, start=None, end=None)
    with pytest.raises(ConfigError, match="CFG016"):
        labels.ask(fresh, tmp_path / "ask.docx", share=0.1, start=None, end=None)
    assert there.read_text() == "prediction_id,returned\n"


def test_people_are_told_the_counts_and_the_first_rows_that_are_refused(capsys):
    refused = Refused(row=4, column="back", codes="DQ002", why="back: x is not of type boolean")
    counts = {"rows": 9, "taken": 7, "known": 0, "unlabelled": 1, "refused": 1, "unknown_ids": 2}
    labels.show(Added(file="may.csv", first=(refused,), refused_file="aside.csv", **counts))
    assert capsys.readouterr().out.splitlines() == [
        "Labels of may.csv",
        *(f"  {name.replace('_', ' ')}: {value}" for name, value in counts.items()),
        "  row 4: DQ002: back: x is not of type boolean",
        "  refused rows: aside.csv",
    ]
