"""What `evergreen drill` prints, for a program and for a person."""

import io
import json
from datetime import date

import pytest
from rich.console import Console

from cli import drill
from evergreen.decisions.drill.calm import Measured
from evergreen.decisions.drill.caught import MONITORS, Caught, Drilled

FOUND = Drilled(
    model="visits",
    version=3,
    start=date(2024, 4, 1),
    end=date(2024, 5, 1),
    caught=1,
    of=2,
    faults=(
        Caught(
            fault="unit-x100", caught=True, what="", by=("faults", "shift"), after_rows=1_234, told="page",
            decision="held back until [the data] is mended",
        ),
        Caught(fault="time-shift", caught=False, what="[at] is 6 hours late", windows=3, decision="do not retrain"),
    ),
    left_out=("renamed-category",),
    said_before=("shift: [zone], shifted",),
    skipped=("2024-05: brier above what was promised",),
)  # fmt: skip


@pytest.fixture
def printed(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(drill, "console", Console(file=out, width=200, color_system=None))
    return out


def test_program_reads_the_score_the_faults_and_what_each_monitor_is_worth():
    told = json.loads(json.dumps(drill.told(FOUND)))
    assert (told["caught"], told["of"]) == (1, 2)
    assert {"fault", "caught", "by", "after_rows", "told", "decision"} <= told["faults"][0].keys()
    assert told["without"] == dict.fromkeys(MONITORS, 1)


def test_person_reads_what_caught_each_fault_and_what_was_missed(printed):
    drill.show(FOUND)
    text = printed.getvalue()
    assert "1 of 2 faults caught" in text
    assert "faults, shift" in text
    assert "1,234" in text
    assert "held back until [the data] is mended" in text
    assert "Missed: [at] is 6 hours late, in the last 3 windows" in text
    assert "Left out: renamed-category" in text
    assert "Said without any fault, so it catches nothing: shift: [zone], shifted" in text
    assert "Not taken" in text


def test_stated_error_stands_beside_the_measured_one(printed):
    known = {"of": "windows of 30 days", "stated": 0.01, "n": 200, "low": 0.0, "high": 0.018}
    drill.show_calm(
        (
            Measured(alarm="shift", raised=0, measured=0.0, kept=True, **known),
            Measured(alarm="faults", raised=10, measured=0.05, kept=False, **known),
            Measured(alarm="harm", of="streams", stated=0.05, why_not="nothing was promised"),
        )
    )
    text = printed.getvalue()
    assert "0 of 200, 0.0%" in text
    assert "0.0% to 1.8%" in text
    assert "more than stated" in text
    assert "not drawn: nothing was promised" in text
