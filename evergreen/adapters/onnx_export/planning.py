"""The plan of a fitted pipeline: what its columns step reads of a row, and what is derived before it."""

from collections.abc import Mapping
from itertools import count

import msgspec
import pandas as pd

from evergreen.adapters.onnx_export.encoding import Encoding, NotConvertibleError
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.features.derived import PERIODS
from evergreen.learning.model.compiled.curves import Link
from evergreen.learning.model.compiled.plan import (
    VERSION,
    Bucket,
    Calendar,
    Cell,
    Curve,
    Lookup,
    Plan,
    PlanColumn,
    Wave,
)

WAVES: tuple[Wave, ...] = ("sin", "cos")


def plan_of(
    encoding: Encoding,
    contract: Contract,
    features: FeatureParams,
    lookups: Mapping[str, pd.DataFrame],
    *,
    columns: tuple[PlanColumn, ...],
    classes: tuple[str, ...],
    link: Link,
    calibration: Curve | None,
) -> Plan:
    """Return the plan of a pipeline whose columns step is `encoding`.

    Raises
    ------
    NotConvertibleError if a column is made by a function of the user's own.
    """
    place = {column.name: at for at, column in enumerate(columns)}
    instants = [at for at, column in enumerate(columns) if column.type == "timestamp"]
    values = count(len(columns))
    number = {at: at for at in range(len(columns))} | {at: next(values) for at in instants}
    made: dict[str, int] = {name: number[at] for name, at in place.items()}
    calendar = [Calendar(part, PERIODS[part]) for part in features.calendar]
    calendar += [Calendar(part, PERIODS[part], wave) for part in features.cyclic for wave in WAVES]
    own = dict(made)
    for value in calendar:
        made["_".join(filter(None, (contract.time, value.part, value.wave)))] = next(values)
    for name in (*features.ratios, *features.differences, *features.buckets):
        made[name] = next(values)
    for name, lookup in features.lookups.items():
        made |= {f"{name}_{column}": next(values) for column in lookup.columns}
    if unknown := [name for name in encoding.names if name not in made]:
        raise NotConvertibleError(f"column '{unknown[0]}' is made by a function of your own")
    of = [made[name] for name in encoding.names]
    return Plan(
        version=VERSION,
        task=contract.task,
        classes=classes,
        zone=contract.timezone,
        columns=columns,
        time=place[contract.time] if contract.time and calendar else None,
        seconds=tuple(instants),
        calendar=tuple(calendar),
        ratios=tuple((own[above], own[below]) for above, below in features.ratios.values()),
        differences=tuple((own[left], own[right]) for left, right in features.differences.values()),
        buckets=tuple(Bucket(own[bucket.of], bucket.edges) for bucket in features.buckets.values()),
        lookups=tuple(
            Lookup(place[lookup.by], tuple(lookups[name].index.tolist()), _cells(lookups[name], lookup.columns))
            for name, lookup in features.lookups.items()
        ),
        categories=tuple(msgspec.structs.replace(each, of=of[each.of]) for each in encoding.categories),
        numbers=tuple(msgspec.structs.replace(each, of=of[each.of]) for each in encoding.numbers),
        width=encoding.width,
        link=link,
        calibration=calibration,
    )


def _cells(table: pd.DataFrame, names: tuple[str, ...]) -> tuple[tuple[Cell, ...], ...]:
    columns = (table[name].astype("object").where(table[name].notna(), None) for name in names)
    return tuple(tuple(column.tolist()) for column in columns)
