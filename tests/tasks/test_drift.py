"""The drift step: verdicts on what had happened and the champion had not seen, and a picture beside."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import referenced
import validated

from evergreen.adapters import drift_report
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.params.drift import DriftParams
from evergreen.decisions.drift.profile.table import from_table
from tasks.drift import drift

CONTRACT = validated.contract_of(
    {"name": "at", "type": "timestamp", "role": "time", "nullable": True},
    {"name": "x", "type": "number", "nullable": True},
    {"name": "c", "type": "category"},
    {"name": "note", "type": "text", "role": "ignore"},
).model_copy(update={"timezone": "UTC"})
TYPES = {"x": "number", "c": "category"}
A_DAY = 20


def rows(first, days, *, seed, shift=0.0):
    rng, n = np.random.default_rng(seed), days * A_DAY
    at = pd.date_range(first, periods=n, freq=pd.Timedelta(days=1) / A_DAY, tz="UTC")
    c, x = rng.choice(["a", "b"], n), rng.normal(size=n) + shift
    return pd.DataFrame({"at": at, "x": x, "c": c, "note": "free text", "y": rng.random(n) < 0.5})


def answers(table, *, seed=9, constant=False):
    said = np.full(len(table), 0.7) if constant else np.random.default_rng(seed).random(len(table))
    return pd.DataFrame({"probability": said, "label": said >= 0.5, "event_at": table["at"]})


BEFORE = rows("2024-01-01", 40, seed=1)
GATE = answers(BEFORE.tail(14 * A_DAY)).assign(
    day=BEFORE["at"].tail(14 * A_DAY).dt.tz_localize(None).dt.normalize().astype("datetime64[us]"),
    target=BEFORE["y"].tail(14 * A_DAY),
)
GATE = GATE.drop(columns="event_at").reset_index(drop=True)


@pytest.fixture
def compared(tmp_path, monkeypatch):
    """Compare a window with the rows before it; the picture is not drawn, and what it would be drawn of is kept."""
    drawn = {}

    def draw(before, now, contract, target, *, shift, faults):
        drawn.update(before=before, now=now, target=target, shift=shift, faults=faults)

    monkeypatch.setattr(drift_report, "draw", draw)
    ws = Workspace(root=tmp_path)
    made = referenced.reference(
        referenced.seen(BEFORE, TYPES), "binary", GATE, importances={"x": 0.1, "c": 0.4}
    )  # fmt: skip

    def compared(window, said=None, **more):
        given = {
            "reference": referenced.kept(ws, made), "train": ws.write("train", BEFORE), "earlier": (), "sliding": (),
            "window": "2024-03", "before": datetime(2024, 6, 1, tzinfo=UTC), "judged_from": date(2024, 3, 1),
            "end": date(2024, 3, 31), "today": None, "ws": ws, "contract": CONTRACT, "params": DriftParams(bins=5),
            "seed": 7,
        }  # fmt: skip
        found = drift.fn(
            window if window is None else ws.write("window", window),
            answers=said if said is None else ws.write("answers", said),
            **{**given, **more},
        )
        return found, drawn, ws

    return compared


@pytest.mark.parametrize(("shift", "verdict", "columns"), [(0.0, "steady", ()), (0.8, "shifted", ("x",))])
def test_step_answers_with_the_decisions_and_draws_them(compared, shift, verdict, columns):
    now = rows("2024-03-01", 30, seed=2, shift=shift)
    found, drawn, ws = compared(now)
    assert (found.shift.verdict, found.shift.named("shifted"), found.faults.verdict) == (verdict, columns, "none")
    assert (found.shift.n_reference, found.shift.n_window) == (40 * A_DAY, 30 * A_DAY)
    assert {column.name: column.importance for column in found.shift.columns} == {"x": 0.1, "c": 0.4}
    assert (drawn["shift"], drawn["faults"], drawn["target"]) == (found.shift, found.faults, ws.path(found.picture))
    assert [list(drawn[side]) for side in ("before", "now")] == [["x", "c"]] * 2
    assert drawn["now"]["x"].tolist() == now["x"].tolist()


def test_rows_that_had_not_happened_or_were_seen_are_not_compared(compared):
    window = rows("2024-02-20", 30, seed=2)
    found, _, ws = compared(window, answers(window), before=datetime(2024, 3, 11, 12, tzinfo=UTC))
    assert (found.shift.n_window, found.shift.blocks_window, found.faults.n_window) == (
        10 * A_DAY + A_DAY // 2,
        11,
        210,
    )
    kept = from_table(pq.read_table(ws.verified(found.profile)))
    assert kept.rows.tolist() == [A_DAY] * 10 + [A_DAY // 2]
    assert [str(day) for day in (kept.days[0], kept.days[-1])] == ["2024-03-01", "2024-03-11"]


def test_profile_of_the_window_is_what_the_next_one_is_compared_with(compared):
    first, _, _ = compared(rows("2024-03-01", 30, seed=2))
    assert first.recent is None
    moved = rows("2024-04-01", 30, seed=3, shift=0.8)
    second, _, _ = compared(moved, sliding=(first.profile,), earlier=(first.shift,))
    assert (second.recent.verdict, second.recent.n_reference) == ("shifted", 30 * A_DAY)
    both, _, _ = compared(moved, sliding=(first.profile, second.profile))
    assert both.recent.n_reference == 60 * A_DAY


def test_shift_that_was_there_before_is_persistent(compared):
    moved = rows("2024-03-01", 30, seed=2, shift=0.8)
    first, _, _ = compared(moved)
    again, _, _ = compared(moved, earlier=(first.shift,))
    assert (first.shift.persistent, again.shift.persistent) == (False, True)


def test_answers_are_judged_apart_and_a_constant_one_is_a_fault(compared):
    now = rows("2024-03-01", 30, seed=2)
    usual, _, _ = compared(now, answers(now))
    assert {column.name for column in usual.shift.predictions} == {"_estimate", "_label"}
    assert (usual.shift.verdict, usual.faults.verdict) == ("steady", "none")
    stuck, _, _ = compared(now, answers(now, constant=True))
    assert stuck.shift.verdict == "steady"
    assert stuck.faults.verdict == "fault"
    assert "_estimate" in {fault.column for fault in stuck.faults.columns}


@pytest.mark.parametrize("window", [None, rows("2024-03-01", 30, seed=2).head(0)])
def test_no_rows_are_no_traffic_and_no_picture(compared, window):
    found, drawn, _ = compared(window)
    assert (found.shift.verdict, found.faults.verdict, found.picture, drawn) == ("no traffic", "no traffic", None, {})


def test_few_days_are_not_enough_and_say_how_many_are_needed(compared):
    found, _, _ = compared(rows("2024-03-01", 2, seed=2, shift=0.8))
    assert found.shift.verdict == "not enough data"
    assert "4" in found.shift.evidence


def test_same_rows_twice_are_steady(compared):
    found, _, _ = compared(BEFORE, judged_from=date(2024, 1, 1), end=date(2024, 2, 10))
    assert (found.shift.verdict, found.faults.verdict) == ("steady", "none")
