"""A profile as one table: what each column looked like on each day, to be kept as Parquet and asked with SQL."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from evergreen.decisions.drift.profile.profile import ColumnBins, Profile, mean_of, variance_of

ABOUT = b"evergreen.profile"
SCHEMA = pa.schema(
    [
        ("day", pa.date32()),
        ("column", pa.string()),
        ("kind", pa.string()),
        ("rows", pa.int64()),
        ("missing", pa.int64()),
        ("infinite", pa.int64()),
        ("finite", pa.int64()),
        ("mean", pa.float64()),
        ("variance", pa.float64()),
        ("min", pa.float64()),
        ("max", pa.float64()),
        ("sum", pa.float64()),
        ("squares", pa.float64()),
        ("cells", pa.list_(pa.struct([("cell", pa.string()), ("count", pa.int64())]))),
    ]
)
OTHER, MISSING = "(other)", "(missing)"


def to_table(profile: Profile) -> pa.Table:
    """Return a profile as a table: a row for each day and column that is not lost, columns of `SCHEMA`.

    `squares` is the sum of the squares of the distances from the column's origin; `mean`, `min` and `max` of times are
    microseconds since 1970; null what a column or a day without values does not have. Cells, days without columns and
    what is lost are in the schema's metadata, so that `from_table` brings the same profile back.
    """
    rows = [row for at in range(len(profile.days)) for row in _rows(profile, at)]
    about = {
        "bins": {name: _as_json(of) for name, of in profile.bins.items()},
        "days": [[day.isoformat(), int(n)] for day, n in zip(profile.days, profile.rows, strict=True)],
        "lost": dict(profile.lost),
        "undated": profile.undated,
    }
    return pa.Table.from_pylist(rows, SCHEMA.with_metadata({ABOUT: json.dumps(about)}))


def from_table(table: pa.Table) -> Profile:
    """Return the profile that `to_table` made a table of; its rows may have come in any order.

    Raises
    ------
    ValueError if it is no such table.
    """
    if ABOUT not in (table.schema.metadata or {}):
        raise ValueError("this table holds no profile: its schema says nothing of cells")
    about = json.loads(table.schema.metadata[ABOUT])
    bins = {name: _from_json(of) for name, of in about["bins"].items()}
    at = {date.fromisoformat(day): position for position, (day, _) in enumerate(about["days"])}
    kept = [name for name in bins if name not in about["lost"]]
    counts = {name: np.zeros((len(at), bins[name].n_cells), np.int64) for name in kept}
    moments = {name: np.zeros((len(at), 6)) for name in kept if bins[name].is_numeric}
    for row in table.to_pylist():
        name, position = row["column"], at[row["day"]]
        counts[name][position] = [cell["count"] for cell in row["cells"]]
        if name in moments:
            least, most = (bound if row[of] is None else row[of] for of, bound in (("min", np.inf), ("max", -np.inf)))
            moments[name][position] = [row["finite"], row["sum"], row["squares"], least, most, row["infinite"]]
    return Profile(
        bins=bins,
        days=tuple(at),
        rows=np.array([n for _, n in about["days"]], np.int64),
        counts=counts,
        moments=moments,
        lost=about["lost"],
        undated=about["undated"],
    )


def cell_names(bins: ColumnBins) -> list[str]:
    """Return what to call each cell.

    Examples
    --------
    >>> cell_names(ColumnBins("number", edges=np.array([0.5, 3.0])))
    ['(-inf, 0.5]', '(0.5, 3.0]', '(3.0, inf)', '(missing)']
    >>> cell_names(ColumnBins("category", categories=("AA", "UA")))
    ['AA', 'UA', '(other)', '(missing)']
    """
    if not bins.is_numeric:
        return [*(bins.categories or ()), OTHER, MISSING]
    edges = [] if bins.edges is None else [repr(float(edge)) for edge in bins.edges]
    ends = zip(["-inf", *edges], [*edges, "inf"], strict=True)
    return [*(f"({low}, {high}{')' if high == 'inf' else ']'}" for low, high in ends), MISSING]


def _rows(profile: Profile, at: int) -> Iterator[dict[str, Any]]:
    for name, counts in profile.counts.items():
        bins = profile.bins[name]
        cells = [{"cell": cell, "count": int(count)} for cell, count in zip(cell_names(bins), counts[at], strict=True)]
        row = {
            "day": profile.days[at],
            "column": name,
            "kind": bins.kind,
            "rows": int(profile.rows[at]),
            "missing": int(counts[at][-1]),
            "cells": cells,
        }
        yield row | (_numeric(profile.moments[name][at], bins) if name in profile.moments else {})


def _numeric(moments: np.ndarray[Any, np.dtype[np.float64]], bins: ColumnBins) -> dict[str, Any]:
    finite, total, squares, least, most, infinite = moments.tolist()
    mean, variance = float(mean_of(moments)), float(variance_of(moments, bins.origin))
    return {
        "infinite": int(infinite),
        "finite": int(finite),
        "mean": None if np.isnan(mean) else mean,
        "variance": None if np.isnan(variance) else variance,
        "min": least if finite else None,
        "max": most if finite else None,
        "sum": total,
        "squares": squares,
    }


def _as_json(bins: ColumnBins) -> dict[str, Any]:
    return {
        "kind": bins.kind,
        "edges": None if bins.edges is None else bins.edges.tolist(),
        "categories": bins.categories,
        "origin": bins.origin,
    }


def _from_json(said: Mapping[str, Any]) -> ColumnBins:
    return ColumnBins(
        kind=said["kind"],
        edges=None if said["edges"] is None else np.array(said["edges"], np.float64),
        categories=None if said["categories"] is None else tuple(said["categories"]),
        origin=said["origin"],
    )
