"""Looks: which of them decides, what they know of days, and what somebody is told at once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.faults.verdict import Faults
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.promise import Promise
from evergreen.decisions.drift.harm.watch import Harm
from evergreen.decisions.drift.shift.verdict import Shift
from evergreen.decisions.performance import Performance
from evergreen.decisions.retrain.decision import Decision
from evergreen.record.labels.verdict import Labels
from evergreen.record.looks import Look, known_days, pages

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)
NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
PROMISE = Promise(loss="brier", at_gate=0.1, at_most=0.15, tolerance=0.02, evidence="told")
COUNTS = {"n_reference": 9, "n_window": 9}
SHIFT = Shift(verdict="shifted", evidence="moved", persistent=True, blocks_reference=9, blocks_window=9, **COUNTS)
QUIET = Decision(retrain=False, unknown=False, triggers=(), reasons=(), summary="nothing fired")


def look(start=MARCH, end=APRIL, *, hours=0, data="d", days=(), **found) -> Look:
    given = {
        "source": "source", "rows": 9, "quarantined": 0, "data": data, "shift": SHIFT, "recent": None,
        "faults": Faults(verdict="none", evidence="all sound", **COUNTS),
        "skew": Skew(verdict="not enough data", evidence="nothing was served", n_pairs=0),
        "labels": Labels(verdict="complete", evidence="", as_of=NOON, start=None, end=NOON, needed=0.9),
        "performance": Performance(
            verdict="unknown", evidence="", n_labelled=0, n_unlabelled=0, confidence=0.95, metric="roc_auc"
        ),
        "estimated": Estimated.model_construct(verdict="not enough data", evidence=""),
        "harm": Harm(verdict="kept", evidence="as promised", promise=PROMISE, limit=20.0),
        "causes": (), "days": days, "profile": None, "report": None, "model": "visits", "version": 1, "start": start,
        "end": end, "as_of": NOON + timedelta(hours=hours), "made_with": "m", "seen_until": None, "pages": (),
        "decision": QUIET,
    }  # fmt: skip
    return Look.model_construct(**{**given, **found})


def test_look_is_named_by_champion_period_time_and_what_was_looked_at():
    first = look()
    assert first.incident == "v1:2024-03-01:2024-04-01"
    assert first.key.startswith("v1:2024-03-01:2024-04-01:20240601T120000Z:")
    others = [look(data="e"), look(hours=1), look(made_with="n"), look(version=2), look(end=MAY)]
    assert len({first.key, look().key, *(other.key for other in others)}) == 6


def test_each_day_is_known_once_as_the_latest_look_that_judged_it_says():
    def day(number, loss):
        return Day(day=date(2024, 3, number), n=10, loss=loss)

    late = look(hours=5, days=(day(1, 2.0), day(2, 3.0)))
    early = look(MARCH, date(2024, 3, 8), days=(day(2, 9.0), day(3, 4.0)))
    assert known_days([late, early]) == known_days([early, late]) == [day(1, 2.0), day(2, 3.0), day(3, 4.0)]


BROKEN = Harm(verdict="broken", evidence="since Monday", promise=PROMISE, limit=20.0)
FAULT = Faults(verdict="fault", evidence="minutes is constant", **COUNTS)
SKEWED = Skew.model_construct(verdict="skew", evidence="minutes differ")
OPEN = QUIET.model_copy(update={"circuit_open": True, "summary": "three in a row"})


@pytest.mark.parametrize(
    ("found", "decision", "was_open", "told"),
    [
        ({}, QUIET, False, ()),  # shifted rows are a note
        ({"harm": BROKEN}, QUIET, False, ("harm: since Monday",)),
        ({"faults": FAULT}, QUIET, False, ("data fault: minutes is constant",)),
        ({"skew": SKEWED}, QUIET, False, ("skew: minutes differ",)),
        ({}, OPEN, False, ("circuit open: three in a row",)),
        ({}, OPEN, True, ()),
        ({"automatic": BROKEN}, QUIET, False, ("automation: since Monday",)),
        ({"automatic": BROKEN.model_copy(update={"verdict": "kept"})}, QUIET, False, ()),
        ({"faults": FAULT, "harm": BROKEN}, QUIET, False, ("data fault: minutes is constant", "harm: since Monday")),
        ({"faults": FAULT.model_copy(update={"verdict": "unknown"})}, QUIET, False, ()),
    ],
)
def test_fault_skew_and_harm_are_told_at_once_and_an_open_circuit_once(found, decision, was_open, told):
    assert pages(look(**found), decision, was_open=was_open) == told
