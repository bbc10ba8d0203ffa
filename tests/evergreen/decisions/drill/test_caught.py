"""What a look says is told apart by monitor, and the score counts faults that are left if one is not there."""

from datetime import date

import pytest

from evergreen.decisions.drift.faults.verdict import Fault, Faults
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import ColumnShift, Shift
from evergreen.decisions.drill.caught import MONITORS, Alarm, Caught, Drilled, alarms, monitors, said, told

PROMISE = Promise(loss="error", at_gate=0.1, at_most=0.2, tolerance=0.02, evidence="")


def look(*, faults=(), shifted=(), said_otherwise=(), harm="kept", labels="complete"):
    broken = tuple(Fault(column=column, kind=kind, evidence="", share=1.0) for column, kind in faults)
    columns, predictions = (
        tuple(ColumnShift(name=name, verdict="shifted", evidence="") for name in names)
        for names in (shifted, said_otherwise)
    )
    counts = {"n_reference": 9, "n_window": 9}
    return alarms(
        Faults(verdict="fault" if broken else "none", evidence="", columns=broken, **counts),
        Shift(
            verdict="shifted" if columns else "steady", evidence="", persistent=False, blocks_reference=9,
            blocks_window=9, columns=columns, predictions=predictions, **counts,
        ),
        Harm(verdict=harm, evidence="", promise=PROMISE, limit=20.0),
        labels=labels,
    )  # fmt: skip


@pytest.mark.parametrize("labels", ["complete", "no traffic"])
@pytest.mark.parametrize("harm", ["kept", "not enough data", "unknown"])
def test_look_that_finds_nothing_says_nothing(labels, harm):
    assert look(labels=labels, harm=harm) == frozenset()


def test_each_monitor_says_its_own():
    found = look(
        faults=[("fare", "unit"), ("DQ008", "refused"), ("rows", "silent")],
        shifted=["zone"],
        said_otherwise=["_estimate"],
        harm="broken",
        labels="immature",
    )
    assert found == {
        Alarm("faults", "fare", "unit"),
        Alarm("faults", "rows", "silent"),
        Alarm("validate", "DQ008", "refused"),
        Alarm("shift", "zone", "shifted"),
        Alarm("shift", "_estimate", "shifted"),
        Alarm("harm", "", "broken"),
        Alarm("labels", "", "immature"),
    }
    assert monitors(found) == MONITORS
    assert said(found)[:2] == ("faults: fare, unit", "faults: rows, silent")


def test_labels_that_nobody_can_judge_because_rows_were_refused_say_nothing_more():
    assert monitors(look(labels="unknown")) == ("labels",)
    assert monitors(look(faults=[("DQ008", "refused")], labels="unknown")) == ("validate",)


@pytest.mark.parametrize(
    ("by", "who"), [((), None), (("shift",), "note"), (("shift", "labels"), "note"), (("shift", "harm"), "page")]
)
def test_a_page_is_told_at_once_and_shift_and_labels_are_notes(by, who):
    assert told(by) == who


def test_score_without_a_monitor_counts_what_the_others_catch():
    caught = [("harm",), ("harm", "shift"), ("labels",), ()]
    faults = tuple(Caught(fault="concept-flip", caught=bool(by), what="", by=by) for by in caught)
    drilled = Drilled(model="m", version=1, start=date(2024, 1, 1), end=date(2024, 2, 1), caught=3, of=4, faults=faults)
    assert {monitor: drilled.without(monitor) for monitor in MONITORS} == {
        "validate": 3, "faults": 3, "harm": 2, "shift": 3, "labels": 2,
    }  # fmt: skip
