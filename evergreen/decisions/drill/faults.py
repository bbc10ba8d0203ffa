"""A dozen faults that data has in real life, put into a copy of rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from evergreen.decisions.drill.window import NUMBERS, Window

FaultName = Literal[
    "unit-x100",
    "null-flood",
    "renamed-category",
    "swapped-columns",
    "stale-upstream",
    "label-definition-changed",
    "concept-flip",
    "delayed-labels",
    "duplicated-rows",
    "time-shift",
    "leaking-column",
    "dead-feature",
]
FLOOD, RELABELLED, REPEATED = 0.6, 0.3, 0.5  # shares of rows
SHIFTED = timedelta(hours=6)


@dataclass(frozen=True)
class Injected:
    """Rows with a fault in some columns, none where it lies in the rows themselves; `what` was done, and since when."""

    rows: pd.DataFrame
    columns: tuple[str, ...]
    what: str
    since: date


def inject(fault: FaultName, window: Window) -> Injected | None:
    """Return rows with a fault, in the columns that the model leans on most; None where no column can have it.

    Nothing but `window` decides what comes out; its rows stay as they are.

    Examples
    --------
    >>> from evergreen.config.contract.columns import Column
    >>> from evergreen.config.contract.contract import Contract
    >>> contract = Contract(
    ...     name="trips",
    ...     description="",
    ...     source={"kind": "file", "path": "t.csv"},
    ...     timezone="UTC",
    ...     label_delay_days=0,
    ...     columns=(
    ...         Column(name="at", type="timestamp", role="time"),
    ...         Column(name="fare", type="number", role="feature"),
    ...         Column(name="tip", type="boolean", role="target"),
    ...     ),
    ... )
    >>> at = pd.to_datetime(["2024-05-01", "2024-05-02"], utc=True)
    >>> rows = pd.DataFrame({"at": at, "fare": [1.0, 2.5], "tip": pd.array([True, False], dtype="boolean")})
    >>> window = Window(rows, contract, {"fare": 1.0}, date(2024, 5, 1), date(2024, 5, 3), seed=7)
    >>> inject("unit-x100", window).rows["fare"].tolist(), inject("concept-flip", window).rows["tip"].tolist()
    ([100.0, 250.0], [False, True])
    >>> inject("renamed-category", window) is None
    True
    """
    return FAULTS[fault](window)


def _unit(window: Window) -> Injected | None:
    name = window.first(*NUMBERS)
    if name is None:
        return None
    return _in(
        window,
        {name: window.rows[name] * 100},
        f"{name} comes in another unit: values are 100 times as large",
    )


def _null_flood(window: Window) -> Injected | None:
    name = window.first(*NUMBERS, "category", "boolean")
    if name is None:
        return None
    flooded = window.rows[name].mask(window.draws() < FLOOD)
    return _in(window, {name: flooded}, f"{FLOOD:.0%} of {name} is missing")


def _renamed(window: Window) -> Injected | None:
    name = window.first("category")
    if name is None:
        return None
    known = window.rows[name].mode()[0]
    renamed = window.rows[name].mask(window.rows[name] == known, f"{known}_new")
    return _in(window, {name: renamed}, f"'{known}' of {name} is called '{known}_new'")


def _swapped(window: Window) -> Injected | None:
    pair = window.leaned_on(*NUMBERS)[:2]
    pair = pair if len(pair) == 2 else window.leaned_on("category")[:2]
    if len(pair) < 2:
        return None
    one, other = pair
    swapped = {one: window.rows[other], other: window.rows[one]}
    return _in(window, swapped, f"{one} and {other} have each other's values")


def _stale(window: Window) -> Injected:
    rows = window.rows[~window.since(window.third)]
    return Injected(rows, (), f"no rows come from {window.third} on", window.third)


def _relabelled(window: Window) -> Injected | None:
    """Return labels under another definition: a wider class, or a number that counts more."""
    target, drawn = window.contract.target, window.draws() < RELABELLED
    labels = window.labels
    if labels.empty:
        return None
    if window.contract.task == "regression":
        more = float(labels.std())
        return _in(window, {target: labels + more}, f"{target} counts {more:.3g} more, its standard deviation")
    wider, narrower = _classes(labels)
    moved = labels.mask((labels == narrower).fillna(False).to_numpy(dtype=bool) & drawn, wider)
    return _in(window, {target: moved}, f"{RELABELLED:.0%} of what was {narrower} of {target} counts as {wider}")


def _classes(labels: pd.Series) -> tuple[object, object]:
    """Return the second most frequent class and the most frequent one."""
    order = labels.value_counts().index
    return (order[1] if len(order) > 1 else order[0]), order[0]


def _flipped(window: Window) -> Injected | None:
    """Return labels that say the opposite: negated, each class the next, or mirrored about the mean."""
    target = window.contract.target
    labels = window.labels
    if labels.empty:
        return None
    if window.contract.task == "binary":
        return _in(window, {target: ~labels.astype("boolean")}, f"{target} is the opposite of what it was")
    if window.contract.task == "regression":
        return _in(window, {target: 2 * labels.mean() - labels}, f"{target} is mirrored about its mean")
    classes = sorted(labels.dropna().unique())
    following = dict(zip(classes, [*classes[1:], *classes[:1]], strict=True))
    return _in(window, {target: labels.map(following)}, f"each class of {target} is the next one")


def _delayed(window: Window) -> Injected | None:
    target, late = window.contract.target, window.since(window.third)
    if window.labels.empty:
        return None
    return Injected(
        window.with_columns({target: window.rows[target].mask(late)}),
        (target,),
        f"{target} is not known of rows from {window.third} on, long after it was due",
        window.third,
    )


def _duplicated(window: Window) -> Injected:
    again = window.rows[window.draws() < REPEATED]
    rows = pd.concat([window.rows, again]).sort_index(kind="stable")
    return Injected(rows, (), f"{REPEATED:.0%} of the rows come twice", window.start)


def _shifted(window: Window) -> Injected:
    time = window.contract.time
    assert time is not None
    hours = SHIFTED.total_seconds() / 3600
    return _in(window, {time: window.rows[time] + SHIFTED}, f"{time} is {hours:.0f} hours late")


def _leaking(window: Window) -> Injected | None:
    """Return a number that is the label itself: its value, or the place of its class among all."""
    name = window.first(*NUMBERS)
    labels = window.labels
    if name is None or labels.empty:
        return None
    if window.contract.task != "regression":
        places = {label: place for place, label in enumerate(sorted(labels.dropna().unique()))}
        labels = labels.astype("object").map(places)
    known = labels.astype("float64").fillna(window.rows[name].astype("float64"))
    return _in(window, {name: known}, f"{name} is the label")


def _dead(window: Window) -> Injected | None:
    name = window.first(*NUMBERS, "category", "boolean")
    if name is None:
        return None
    usual = window.rows[name].mode()[0]
    dead = window.rows[name].where(window.rows[name].isna(), usual)
    return _in(window, {name: dead}, f"{name} is {usual} in all rows")


def _in(window: Window, columns: Mapping[str, object], what: str) -> Injected:
    return Injected(window.with_columns(columns), tuple(columns), what, window.start)


FAULTS: Mapping[FaultName, Callable[[Window], Injected | None]] = {
    "unit-x100": _unit,
    "null-flood": _null_flood,
    "renamed-category": _renamed,
    "swapped-columns": _swapped,
    "stale-upstream": _stale,
    "label-definition-changed": _relabelled,
    "concept-flip": _flipped,
    "delayed-labels": _delayed,
    "duplicated-rows": _duplicated,
    "time-shift": _shifted,
    "leaking-column": _leaking,
    "dead-feature": _dead,
}
