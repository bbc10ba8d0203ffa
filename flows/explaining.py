"""What is known of a window, put together for the question why its loss rose."""

from collections.abc import Sequence
from datetime import date

from evergreen.decisions.drift.causes import Evidence, Interval, Window
from evergreen.decisions.drift.estimated.decision import Estimated
from evergreen.decisions.drift.faults.skew import Skew
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.drift.harm.watch import Harm, excess
from evergreen.record.looks import Look
from tasks.drift import Drifted
from tasks.fresh import Fresh
from tasks.performance import Measured


def evidence_of(
    seen: Drifted,
    skewed: Skew,
    harm: Harm,
    measured: Measured,
    *,
    estimated: Estimated,
    fresh: Fresh | None,
    own: Sequence[Look],
    start: date,
    age_days: int | None,
) -> Evidence:
    """Return the evidence of a window.

    Parameters
    ----------
    own : the looks that decide of the champion's other windows.
    start : of this window.
    age_days : since the champion's data ended.
    """
    gate = measured.promise.at_gate
    since = harm.since or start
    windows = {look.start: look.days for look in own if look.start < start} | {start: measured.days}
    judged = {day.day: day for days in windows.values() for day in days}
    history = (
        Window(start=begin, excess=found)
        for begin, days in sorted(windows.items())
        if gate is not None and (found := _interval(days, gate))
    )
    return Evidence(
        faults=seen.faults,
        skew=skewed,
        shift=seen.shift.verdict,
        shifted=seen.shift.named("shifted"),
        predictions_shifted=any(column.verdict == "shifted" for column in seen.shift.predictions),
        harm=harm.verdict,
        at_gate=gate,
        realised=_interval([day for day in judged.values() if day.day >= since], 0.0),
        estimated=_figures(estimated.loss, estimated.loss_low, estimated.loss_high),
        fresh=_figures(fresh.gain, fresh.low, fresh.high) if fresh else None,
        age_days=age_days,
        history=tuple(history),
    )


def _interval(days: Sequence[Day], over: float) -> Interval | None:
    """Return by how much the mean loss of days exceeds another, with its interval; None of too few days."""
    return _figures(*excess(days, over)) if days else None


def _figures(value: float | None, low: float | None, high: float | None) -> Interval | None:
    return None if value is None or low is None or high is None else Interval(value=value, low=low, high=high)
