"""Rows one at a time, in plain Python: for so few that an array's fixed costs would outweigh them."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evergreen.learning.model.compiled import calendars
from evergreen.learning.model.compiled.plan import Bucket, Calendar, Lookup, Pairs, Plan

LARGEST = 1e30  # beyond it numbers are cut, as they are when a model is fitted
Typed = float | int | str | bool | None
Values = list[Any]
Step = Callable[[Values], None]


class RowEncoder:
    """The plan as steps over the values of one row; equal rows have the bits that `BatchEncoder` gives them."""

    def __init__(self, plan: Plan) -> None:
        self._steps = _steps(plan)
        self._blank = [0.0] * plan.width
        codes = [c for c in plan.categories if c.width == 1]
        self._codes = [(c.of, c.at, _one(c.missing, c.unseen, zip(c.keys, c.numbers, strict=True))) for c in codes]
        wide = [c for c in plan.categories if c.width > 1]
        self._wide = [(c.of, _all(c.at, c.missing, c.unseen, zip(c.keys, c.numbers, strict=True))) for c in wide]
        plain = [number for number in plan.numbers if number.centre is None]
        self._plain = [(number.of, number.at, number.missing) for number in plain]
        self._scaled = [
            (number.of, number.at, number.missing, number.centre, number.scale)
            for number in plan.numbers
            if number.centre is not None and number.scale is not None
        ]
        self._flags = [(number.of, *number.flag) for number in plan.numbers if number.flag is not None]

    def encode(self, row: Sequence[Typed]) -> list[float]:
        """Return the numbers of a row of typed values, in the order of the plan's columns."""
        values: Values = list(row)
        encoded = self._blank.copy()
        for step in self._steps:
            step(values)
        for of, at, (known, unseen) in self._codes:
            encoded[at] = known.get(values[of], unseen)
        for of, (pairs, others) in self._wide:
            for at, number in pairs.get(values[of], others):
                encoded[at] = number
        for of, at, missing in self._plain:
            value = values[of]
            if value is None:
                encoded[at] = missing
            else:
                encoded[at] = value if -LARGEST <= value <= LARGEST else _cut(value)
        for of, at, missing, centre, scale in self._scaled:
            value = values[of]
            if value is None:
                encoded[at] = missing
            else:
                encoded[at] = ((value if -LARGEST <= value <= LARGEST else _cut(value)) - centre) / scale
        for of, at, there, absent in self._flags:
            encoded[at] = absent if values[of] is None else there
        return encoded


def _one(missing: Pairs, unseen: Pairs, known: Any) -> tuple[Mapping[str | None, float], float]:
    number = {key: _single(pairs) for key, pairs in known}
    return {**number, None: _single(missing)}, _single(unseen)


def _single(pairs: Pairs) -> float:
    return pairs[0][1] if pairs else 0.0


def _all(at: int, missing: Pairs, unseen: Pairs, known: Any) -> tuple[Mapping[str | None, Pairs], Pairs]:
    def placed(pairs: Pairs) -> Pairs:
        return tuple((at + offset, number) for offset, number in pairs)

    return {**{key: placed(pairs) for key, pairs in known}, None: placed(missing)}, placed(unseen)


def _cut(value: float) -> float:
    return LARGEST if value > LARGEST else -LARGEST


def _steps(plan: Plan) -> list[Step]:
    """Return what appends the derived values to a row's own, in the order that the plan numbers them."""
    steps = [_seconds(of) for of in plan.seconds]
    if plan.calendar and plan.time is not None:
        steps.append(_calendar(plan.time, calendars.Zone(plan.zone), plan.calendar))
    steps += [_ratio(above, below) for above, below in plan.ratios]
    steps += [_difference(left, right) for left, right in plan.differences]
    steps += [_bucket(bucket) for bucket in plan.buckets]
    return steps + [_lookup(lookup) for lookup in plan.lookups]


def _seconds(of: int) -> Step:
    def step(values: Values) -> None:
        instant = values[of]
        # By way of nanoseconds, which is how the pipeline's times become seconds.
        values.append(None if instant is None else float(instant * 1_000) / 1e9)

    return step


def _calendar(time: int, zone: calendars.Zone, parts: Sequence[Calendar]) -> Step:
    asked = [(calendars.number_of(value.part), calendars.table(value).tolist()) for value in parts]
    nothing = [None] * len(parts)

    def step(values: Values) -> None:
        instant = values[time]
        if instant is None:
            values.extend(nothing)
            return
        wall = instant + zone.offset(instant)
        for number, table in asked:
            values.append(table[number(wall)])

    return step


def _ratio(above: int, below: int) -> Step:
    def step(values: Values) -> None:
        dividend, divisor = values[above], values[below]
        if dividend is None or divisor is None or not divisor:
            values.append(None)
        else:
            values.append(_finite(float(dividend) / float(divisor)))

    return step


def _difference(left: int, right: int) -> Step:
    def step(values: Values) -> None:
        first, second = values[left], values[right]
        values.append(None if first is None or second is None else _finite(float(first) - float(second)))

    return step


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _bucket(bucket: Bucket) -> Step:
    of, edges = bucket.of, bucket.edges

    def step(values: Values) -> None:
        value = values[of]
        values.append(None if value is None else float(bisect_right(edges, float(value))))

    return step


def _lookup(lookup: Lookup) -> Step:
    by, cells = lookup.by, dict(zip(lookup.keys, zip(*lookup.columns, strict=True), strict=True))
    nothing = (None,) * len(lookup.columns)

    def step(values: Values) -> None:
        values.extend(cells.get(values[by], nothing))

    return step
