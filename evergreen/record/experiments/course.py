"""An experiment over time: what each of its looks would have shown, by what was known then."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from evergreen.base.values import Value
from evergreen.decisions.experiments.decision import decide
from evergreen.decisions.experiments.design import Design, MetricName
from evergreen.decisions.experiments.metrics import Array, needs_label
from evergreen.decisions.experiments.ratios import Units
from evergreen.decisions.experiments.reading import Reading, readings
from evergreen.decisions.experiments.sample_ratio import SampleRatio, sample_ratio
from evergreen.decisions.experiments.verdict import Decision
from evergreen.record.experiments.rows import EPOCH, MICROSECOND, Rows

POINTS = 24  # looks of a report


class Look(Value):
    """What an experiment showed at a time. `units`, `labelled`: how many units, and those with a label that counts."""

    at: datetime
    units: SampleRatio
    labelled: SampleRatio | None
    readings: tuple[Reading, ...]
    decision: Decision


class Report(Value):
    """An experiment as it stands: the looks over time, the last of which is now.

    `mixed`: units that met several variants, which are left out; `keyless`: rows without the unit's columns, each a
    unit of its own; `fell_back`: rows that the champion answered in a variant's place, by variant and why.
    """

    looks: tuple[Look, ...]
    rows: int
    mixed: int
    keyless: int
    fell_back: dict[str, int]

    @property
    def last(self) -> Look:
        return self.looks[-1]


def report(design: Design, rows: Rows, times: Sequence[datetime]) -> Report:
    """Return what looks at these times, at least one, showed or would have shown."""
    return Report(
        looks=tuple(look(design, rows, at) for at in times),
        rows=len(rows),
        mixed=rows.mixed,
        keyless=rows.keyless if design.unit else 0,
        fell_back=dict(rows.fell_back),
    )


def look(design: Design, rows: Rows, at: datetime) -> Look:
    """Return what was known at a time, and what follows from it."""
    until = (at - EPOCH) // MICROSECOND
    units: dict[tuple[MetricName, str], Units] = {}
    received = rows.received <= until
    for metric, values in rows.metrics.items():
        counts = (rows.known <= until if needs_label(metric) else received) & np.isfinite(values)
        before = rows.before.get(metric)
        if before is not None and not np.isfinite(before[counts]).all():
            before = None
        for place, arm in enumerate(rows.arms):
            of_arm = counts & (rows.arm == place)
            if of_arm.any():
                units[metric, arm] = _by_unit(
                    rows.unit[of_arm], values[of_arm], None if before is None else before[of_arm]
                )
    shares = (design.champion_share, *(variant.share for variant in design.variants))
    ratio = _ratio(rows, received, shares, of="units")
    ratios = [ratio]
    if any(needs_label(one.metric) for one in design.asked):
        ratios.append(_ratio(rows, received & (rows.known <= until), shares, of="labelled units"))
    found = readings(design, units)
    return Look(
        at=at,
        units=ratio,
        labelled=ratios[1] if len(ratios) > 1 else None,
        readings=found,
        decision=decide(design, found, ratios, mixed=rows.mixed),
    )


def times(begun: datetime, now: datetime, *, points: int = POINTS) -> list[datetime]:
    """Return times of looks from the beginning to now, the last of them now."""
    step = max(now - begun, timedelta(0)) / points
    return [now - step * back for back in range(points - 1, -1, -1)] if step else [now]


def _by_unit(unit: npt.NDArray[np.int64], values: Array, before: Array | None) -> Units:
    codes = np.unique(unit, return_inverse=True)[1]
    return Units(
        sums=np.bincount(codes, weights=values).astype(np.float64),
        rows=np.bincount(codes).astype(np.float64),
        before=None if before is None else np.bincount(codes, weights=before).astype(np.float64),
    )


def _ratio(rows: Rows, counts: npt.NDArray[np.bool_], shares: Sequence[float], *, of: str) -> SampleRatio:
    seen = [len(np.unique(rows.unit[counts & (rows.arm == place)])) for place in range(len(rows.arms))]
    return sample_ratio(seen, shares, of=of)
