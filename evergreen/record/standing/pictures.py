"""The page's charts, each from the windows alone."""

from collections.abc import Callable, Sequence
from datetime import date

from evergreen.record.standing.chart import (
    Axis,
    End,
    band,
    bars,
    days_axis,
    hits,
    line,
    middle,
    plot,
    steps,
    values_axis,
)
from evergreen.record.standing.values import Standing, Window

MOST_MARKS = 12  # versions named above a chart


def performance(found: Standing) -> str:
    """Return the model's metric: measured, solid with its interval, and estimated, dashed; versions marked."""
    windows, metric = found.windows, found.metric or "metric"
    known = [v for w in windows for v in (w.value, w.low, w.high, w.estimated)]
    days, values = _days(windows), values_axis(known)
    drawn = (
        band(_course(windows, lambda w: w.low), _course(windows, lambda w: w.high), days, values)
        + line(_course(windows, lambda w: w.estimated), days, values, kind="guess", dots="guessed")
        + line(_course(windows, lambda w: w.value), days, values, kind="main", dots="dots")
        + hits([(w.start, w.end, _said(w, metric)) for w in windows], days)
    )
    ends = _ends([("measured", [w.value for w in windows]), ("estimated", [w.estimated for w in windows])])
    said = "; ".join(f"{end.name} {end.shown}" for end in ends)
    about = f"{metric} of {len(windows)} windows, last {said}"
    return plot(drawn, days, values, about=about, shown=_round, high=260, ends=ends, marks=_versions(windows))


def losses(found: Standing) -> str:
    """Return the mean loss of a label beside what was promised and what was estimated without labels."""
    windows = found.windows
    known = [v for w in windows for v in (w.loss, w.estimated_loss, w.promised)]
    days, values = _days(windows), values_axis(known, zero=True)
    drawn = (
        steps([(w.start, w.end, w.promised) for w in windows], days, values, kind="limit")
        + line(_course(windows, lambda w: w.estimated_loss), days, values, kind="guess", dots="guessed")
        + line(_course(windows, lambda w: w.loss), days, values, kind="main", dots="dots")
    )
    ends = _ends(
        [
            ("measured", [w.loss for w in windows]),
            ("estimated", [w.estimated_loss for w in windows]),
            ("promised at most", [w.promised for w in windows]),
        ]
    )
    about = f"{found.loss} per label, {'; '.join(f'{end.name} {end.shown}' for end in ends)}"
    return plot(drawn, days, values, about=about, shown=_round, high=180, ends=ends, marks=_versions(windows))


def traffic(found: Standing) -> str:
    """Return the rows of each window: filled where they were served, hollow where they are the source's."""
    windows = found.windows
    days, values = _days(windows), values_axis([w.rows for w in windows], zero=True)
    drawn = "".join(
        bars([(w.start, w.end, float(w.rows)) for w in windows if w.source == source], days, values, kind=kind)
        for source, kind in (("served", "bars"), ("source", "hollow"))
    )
    drawn += bars([(w.start, w.end, float(w.refused)) for w in windows if w.refused], days, values, kind="lost")
    drawn += hits([(w.start, w.end, f"{_period(w)}: {w.rows:,} rows, {w.refused:,} refused") for w in windows], days)
    last = windows[-1]
    ends = [End("rows", last.rows, f"{last.rows:,}", is_main=True)]
    return plot(drawn, days, values, about=f"rows, last {last.rows:,}", shown=_round, high=150, ends=ends)


def coverage(found: Standing) -> str:
    """Return which share of the due labels came, beside what is needed."""
    windows = found.windows
    days, values = _days(windows), Axis(0.0, 1.0, (0.0, 0.5, 1.0))
    drawn = bars([(w.start, w.end, w.coverage) for w in windows if w.coverage is not None], days, values, kind="bars")
    drawn += steps([(w.start, w.end, w.needed) for w in windows], days, values, kind="limit")
    said = [(w.start, w.end, f"{_period(w)}: {w.n_labelled:,} of {w.n_due:,} due labels came") for w in windows]
    drawn += hits(said, days)
    ends = []
    if windows[-1].needed is not None:
        ends.append(End("needed", windows[-1].needed, f"{windows[-1].needed:.0%}"))
    share = next((w.coverage for w in reversed(windows) if w.coverage is not None), None)
    about = "no label is due yet" if share is None else f"{share:.0%} of the due labels came, last"
    return plot(drawn, days, values, about=about, shown=lambda v: f"{v:.0%}", high=150, ends=ends)


def _course(windows: Sequence[Window], value: Callable[[Window], float | None]) -> list[tuple[date, float | None]]:
    """Return a value of each window at its middle, and nothing between two where days were left out."""
    course: list[tuple[date, float | None]] = []
    until = windows[0].start
    for window in windows:
        if window.start > until:
            course.append((until, None))
        course.append((middle(window.start, window.end), value(window)))
        until = max(until, window.end)
    return course


def _days(windows: Sequence[Window]) -> Axis:
    return days_axis(min(w.start for w in windows), max(w.end for w in windows))


def _versions(windows: Sequence[Window]) -> list[tuple[date, str]]:
    """Return where each version was looked at first; the last ones where there are many."""
    seen: dict[int, date] = {}
    for window in windows:
        seen.setdefault(window.version, window.start)
    return [(start, f"v{version}") for version, start in seen.items()][-MOST_MARKS:]


def _ends(series: Sequence[tuple[str, Sequence[float | None]]]) -> list[End]:
    """Return what is written at the right of each series: its last value."""
    ends = []
    for name, values in series:
        last = next((value for value in reversed(values) if value is not None), None)
        if last is not None:
            ends.append(End(name, last, _short(last), is_main=name == "measured"))
    return ends


def _said(window: Window, metric: str) -> str:
    measured = "not measured"
    if window.value is not None and window.low is not None and window.high is not None:
        measured = f"{metric} {window.value:.4f} [{window.low:.4f}, {window.high:.4f}]"
    guessed = "" if window.estimated is None else f", estimated {window.estimated:.4f}"
    return f"{_period(window)}, version {window.version}: {measured}{guessed}"


def _period(window: Window) -> str:
    return f"{window.start} to {window.end}"


def _short(value: float) -> str:
    """Return a number with three digits."""
    return _round(float(f"{value:.3g}"))


def _round(value: float) -> str:
    """Return a number that is round, such as a tick, with all its digits."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.12g}{unit}"
    return f"{value:.12g}"
