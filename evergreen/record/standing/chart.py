"""Pictures of windows in time: paths that stretch with the page, and labels beside them that do not."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise

from evergreen.record.registry.card.webpage import text

SIDE = 1000  # of a picture, in its own units
MOST_TICKS, MOST_SHOWN_ALONE = 7, 200  # windows beyond which each is no longer a point with a text of its own
MINUTE = 1 / 1440  # of a day
LABEL = 15  # pixels that a label at the right is high
Points = Sequence[tuple[date, float | None]]


@dataclass(frozen=True)
class Axis:
    """The values of one direction that are shown, from `least` to `most`."""

    least: float
    most: float
    ticks: tuple[float, ...] = ()

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1."""
        return (value - self.least) / (self.most - self.least or 1.0)


def values_axis(values: Iterable[float | None], *, zero: bool = False) -> Axis:
    """Return an axis with round ticks around the values that are there.

    Examples
    --------
    >>> values_axis([0.61, None, 0.74]).ticks
    (0.6, 0.65, 0.7, 0.75)
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    least, most = min(known, default=0.0), max(known, default=1.0)
    least = min(least, 0.0) if zero else least
    spread = most - least or abs(most) or 1.0
    power = 10.0 ** math.floor(math.log10(spread / 3))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if spread / (power * factor) <= 3.5)
    first, last = math.floor(least / step + 1e-9), math.ceil(most / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(float(f"{n * step:.12g}") for n in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def days_axis(start: date, end: date) -> Axis:
    """Return the axis of the days from `start` to before `end`, with a tick every so many days or months."""
    first, last = start.toordinal(), max(end.toordinal(), start.toordinal() + 1)
    if last - first <= 70:
        step = next(step for step in (1, 2, 7, 14) if (last - first) / step <= MOST_TICKS or step == 14)
        return Axis(first, last, tuple(float(day) for day in range(first, last, step)))
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next(step for step in (1, 2, 3, 6, 12, 24, 60, 120, 600) if months / step <= MOST_TICKS or step == 600)
    begin = start.year * 12 + start.month - 1
    numbers = range(begin + (-begin) % step, end.year * 12 + end.month, step)
    ticks = [date(number // 12, number % 12 + 1, 1).toordinal() for number in numbers]
    return Axis(first, last, tuple(float(tick) for tick in ticks if first <= tick <= last))


def instants_axis(start: datetime, end: datetime) -> Axis:
    """Return the axis of the time from `start` to `end`, in UTC: by hours or minutes where it is less than two days.

    Examples
    --------
    >>> axis = instants_axis(datetime(2026, 3, 1, 8, 10, tzinfo=UTC), datetime(2026, 3, 1, 17, 5, tzinfo=UTC))
    >>> [day_named(tick, axis) for tick in axis.ticks]
    ['10:00', '12:00', '14:00', '16:00']
    """
    first, last = ordinal(start), max(ordinal(end), ordinal(start) + MINUTE)
    if last - first > 2:
        days = days_axis(start.date(), end.date() + timedelta(days=1))
        return Axis(first, last, tuple(tick for tick in days.ticks if first <= tick <= last))
    steps = [MINUTE * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)]
    step = next(step for step in steps if (last - first) / step <= MOST_TICKS or step == steps[-1])
    ticks = (at * step for at in range(math.floor(first / step), math.ceil(last / step) + 1))
    return Axis(first, last, tuple(tick for tick in ticks if first <= tick <= last))


def ordinal(at: date) -> float:
    """Return a day, or a time in UTC, as a number of days."""
    if isinstance(at, datetime):
        midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight.toordinal() + (at - midnight) / timedelta(days=1)
    return at.toordinal()


def day_named(ordinal: float, axis: Axis) -> str:
    """Return what a tick is called: a time, a day, a month, and the year where one begins."""
    day = date.fromordinal(int(ordinal))
    if axis.most - axis.least <= 2 and len(axis.ticks) > 1 and axis.ticks[1] - axis.ticks[0] < 1:
        minutes = round((ordinal - int(ordinal)) * 1440) % 1440
        return f"{minutes // 60:02}:{minutes % 60:02}"
    if axis.most - axis.least <= 70:
        return f"{day.day} {day:%b}"
    months_apart = len(axis.ticks) > 1 and axis.ticks[1] - axis.ticks[0] < 360
    first = ordinal == axis.ticks[0]
    return (
        f"{day:%b %Y}" if months_apart and (first or day.month == 1) else f"{day:%b}" if months_apart else f"{day:%Y}"
    )


def line(points: Points, days: Axis, values: Axis, *, kind: str, dots: str) -> str:
    """Return a line that breaks where nothing is known; `dots` marks its points, where they are few or stand alone."""
    runs = [list(run) for known, run in groupby(points, lambda point: point[1] is not None) if known]
    paths, marks = [], []
    for run in runs:
        at = [f"{_x(day, days)} {_y(value, values)}" for day, value in run if value is not None]
        if len(at) > 1:
            paths.append("M" + "L".join(at))
        if len(at) == 1 or len(points) <= MOST_SHOWN_ALONE // 4:
            marks += [f"M{one}h0" for one in at]
    drawn = f'<path class="{kind}" d="{"".join(paths)}"/>' if paths else ""
    return drawn + (f'<path class="{dots}" d="{"".join(marks)}"/>' if marks else "")


def band(low: Points, high: Points, days: Axis, values: Axis) -> str:
    """Return what lies between two lines, where both are known."""
    both = [(day, a, b) for (day, a), (_, b) in zip(low, high, strict=True)]
    shapes = []
    for known, run in groupby(both, lambda one: one[1] is not None and one[2] is not None):
        if not known:
            continue
        found = list(run)
        upper = [f"{_x(day, days)} {_y(b, values)}" for day, _, b in found if b is not None]
        lower = [f"{_x(day, days)} {_y(a, values)}" for day, a, _ in reversed(found) if a is not None]
        shapes.append("M" + "L".join(upper + lower) + "Z")
    return f'<path class="band" d="{"".join(shapes)}"/>' if shapes else ""


def bars(spans: Iterable[tuple[date, date, float]], days: Axis, values: Axis, *, kind: str) -> str:
    """Return a bar for each span of days, as high as its value."""
    path = []
    for start, end, value in spans:
        left, right = days.share(start.toordinal()) * SIDE, days.share(end.toordinal()) * SIDE
        gap = min(6.0, (right - left) * 0.18)
        path.append(f"M{left + gap / 2:.1f} {SIDE}V{_y(value, values)}H{right - gap / 2:.1f}V{SIDE}Z")
    return f'<path class="{kind}" d="{"".join(path)}"/>' if path else ""


def steps(spans: Iterable[tuple[date, date, float | None]], days: Axis, values: Axis, *, kind: str) -> str:
    """Return a level for each span of days."""
    path = [
        f"M{_x(start, days)} {_y(value, values)}H{_x(end, days)}" for start, end, value in spans if value is not None
    ]
    return f'<path class="{kind}" d="{"".join(path)}"/>' if path else ""


def hits(spans: Sequence[tuple[date, date, str]], days: Axis) -> str:
    """Return what says a text for each span of days while somebody points at it; nothing where there are too many."""
    if len(spans) > MOST_SHOWN_ALONE:
        return ""
    said = []
    for start, end, told in spans:
        left, right = days.share(start.toordinal()) * SIDE, days.share(end.toordinal()) * SIDE
        box = f'x="{left:.1f}" y="0" width="{right - left:.1f}" height="{SIDE}"'
        said.append(f'<rect class="hit" {box}><title>{text(told)}</title></rect>')
    return "".join(said)


@dataclass(frozen=True)
class End:
    """What stands at the right end of a series: its name, its last value as a number and as text."""

    name: str
    at: float
    shown: str
    is_main: bool = False


def plot(
    drawn: str,
    days: Axis,
    values: Axis,
    *,
    about: str,
    shown: Callable[[float], str],
    high: int,
    ends: Sequence[End] = (),
    marks: Sequence[tuple[date, str]] = (),
) -> str:
    """Return a picture with its axes, what its lines are called beside their ends, and marks above it.

    Parameters
    ----------
    about : what a person hears who does not see it.
    high : in pixels.
    """
    grid = "".join(f"M0 {_y(tick, values)}H{SIDE}" for tick in values.ticks)
    cuts = "".join(f"M{_x(day, days)} 0V{SIDE}" for day, _ in marks)
    labels = [
        f'<span class="y" style="top:{100 - values.share(tick) * 100:.2f}%">{text(shown(tick))}</span>'
        for tick in values.ticks
    ]
    labels += [
        f'<span class="x{" odd" * (i % 2)}" style="left:{days.share(tick) * 100:.2f}%">{day_named(tick, days)}</span>'
        for i, tick in enumerate(days.ticks)
    ]
    labels += [
        f'<span class="mark" style="left:{days.share(day.toordinal()) * 100:.2f}%">{text(named)}</span>'
        for day, named in marks
    ]
    places = _apart([values.share(end.at) for end in ends], least=LABEL / high)
    named = [(" is-main" if end.is_main else "", f"<b>{text(end.shown)}</b> {text(end.name)}") for end in ends]
    labels += [
        f'<span class="end{main}" style="top:{100 - at * 100:.2f}%">{told}</span>'
        for (main, told), at in zip(named, places, strict=True)
    ]
    legend = "".join(f'<span class="{main.strip()}">{told}</span>' for main, told in named)
    stretched = f'viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" role="img" aria-label="{text(about)}"'
    lines = f'<path class="grid" d="{grid}"/><path class="cut" d="{cuts}"/>'
    return (
        f'<p class="legend">{legend}</p><div class="plot" style="--high:{high}px">'
        f"<svg {stretched}>{lines}{drawn}</svg>{''.join(labels)}</div>"
    )


def middle(start: date, end: date) -> date:
    """Return the day in the middle of [start, end)."""
    return start + timedelta(days=(end - start).days // 2)


def _apart(shares: Sequence[float], *, least: float) -> list[float]:
    """Return places as near to these as labels may stand without touching, in the same order of height."""
    order = sorted(range(len(shares)), key=shares.__getitem__)
    placed = list(shares)
    for below, above in pairwise(order):
        placed[above] = max(placed[above], placed[below] + least)
    return placed


def _x(day: date, days: Axis) -> str:
    return f"{days.share(ordinal(day)) * SIDE:.1f}"


def _y(value: float, values: Axis) -> str:
    return f"{SIDE - values.share(value) * SIDE:.1f}"
