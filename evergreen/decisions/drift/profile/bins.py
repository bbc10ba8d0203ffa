"""The cells of a reference: quantiles of numbers and times, and the categories that are not rare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evergreen.config.contract.columns import ColumnType
from evergreen.decisions.drift.profile.arrays import decoded, mismatch, numbers
from evergreen.decisions.drift.profile.profile import ColumnBins, Floats, Kind

MOST_SAMPLED = 2**17
SEED = 13
FALSE_TRUE = ("false", "true")
KINDS: dict[ColumnType, Kind] = {
    "number": "number", "integer": "number", "timestamp": "timestamp", "boolean": "boolean",
    "category": "category", "text": "category",
}  # fmt: skip
Piece = tuple[Floats, dict[str, Any]]  # what was drawn for each row, and by column its values


def bins_of(
    batches: pa.Table | Iterable[pa.RecordBatch],
    types: Mapping[str, ColumnType],
    *,
    n_bins: int = 10,
    max_categories: int = 50,
    min_rows: int = 20,
    max_sampled: int = MOST_SAMPLED,
) -> dict[str, ColumnBins]:
    """Return the cells of each column, cut on a reference in one pass.

    Cells are cut on all rows up to `max_sampled`, and beyond on a random sample, between half that and that many, which
    depends on the order of the rows alone and not on how they are cut into batches. What lies in a cell is counted on
    all rows, whoever cut it.

    Parameters
    ----------
    types : by column, as the contract says them; what the model says may be among them. A text has one cell for
        whatever it says and one of missing values. A column that the reference has not, or in another type, gets one
        such cell too, and will be `lost` when the reference is profiled.
    n_bins : of numbers and times, between quantiles; a value that fills a whole one gets a cell of its own.
    max_categories : that get a cell, the most frequent of those with at least `min_rows` rows in the sample.

    Examples
    --------
    >>> rows = pa.table({"delay": [0.0] * 6 + [1.0, 2.0, 3.0, 4.0], "carrier": ["AA"] * 9 + ["ZZ"]})
    >>> bins = bins_of(rows, {"delay": "number", "carrier": "category"}, n_bins=2, min_rows=2)
    >>> bins["delay"].edges.tolist(), bins["carrier"].categories
    ([-5e-324, 0.0], ('AA',))
    """
    if isinstance(batches, pa.Table):
        batches = batches.to_batches()
    sample = _sample(batches, types, max_sampled)
    made: dict[str, ColumnBins] = {}
    for name, declared in types.items():
        kind, parts = KINDS[declared], [values[name] for _, values in sample if name in values]
        if kind == "boolean":
            made[name] = ColumnBins(kind, categories=FALSE_TRUE)
        elif kind == "category":
            made[name] = ColumnBins(kind, categories=_frequent(parts, most=max_categories, least=min_rows))
        else:
            values = np.concatenate([np.empty(0), *parts])
            values = values[np.isfinite(values)]
            origin = float(np.quantile(values, 0.5, method="inverted_cdf")) if len(values) else 0.0
            made[name] = ColumnBins(kind, edges=quantile_edges(values, n_bins), origin=origin)
    return made


def quantile_edges(values: Floats, n_bins: int) -> Floats:
    """Return the edges of bins (low, high] between quantiles of finite values, shape (n,); rising, at most 2 * n_bins.

    A value that several quantiles share is cut off below too, so that it stands alone.

    Examples
    --------
    >>> quantile_edges(np.arange(1.0, 101.0), 4).tolist()
    [25.0, 50.0, 75.0]
    """
    if len(values) == 0:
        return np.empty(0)
    quantiles = np.quantile(values, np.linspace(0, 1, n_bins + 1), method="inverted_cdf")
    different, times = np.unique(quantiles, return_counts=True)
    with np.errstate(over="ignore"):  # below the least number is -inf
        below = np.nextafter(different[times > 1], -np.inf)
    return np.unique(np.concatenate([quantiles[1:-1], below]))


def _sample(batches: Iterable[pa.RecordBatch], types: Mapping[str, ColumnType], most: int) -> list[Piece]:
    """Return the rows whose draw lies below the largest power of 1/2 that leaves at most `most`."""
    rng, share, pieces, n = np.random.default_rng(SEED), 1.0, list[Piece](), 0
    for batch in batches:
        draws = rng.random(batch.num_rows)
        piece = _below((draws, dict(_sampled(batch, types))), share)
        pieces.append(piece)
        n += len(piece[0])
        while n > most:
            share /= 2
            pieces = [_below(piece, share) for piece in pieces]
            n = sum(len(draws) for draws, _ in pieces)
    return pieces


def _sampled(batch: pa.RecordBatch, types: Mapping[str, ColumnType]) -> Iterator[tuple[str, Any]]:
    """Yield the columns whose cells depend on their values, as float64 or as Arrow."""
    for name, declared in types.items():
        kind, at = KINDS[declared], batch.schema.get_field_index(name)
        if declared in ("text", "boolean") or at < 0 or mismatch(batch.schema.types[at], kind):
            continue
        yield name, batch.column(at) if kind == "category" else numbers(batch.column(at))


def _below(piece: Piece, share: float) -> Piece:
    draws, columns = piece
    kept = draws < share
    if kept.all():
        return piece
    mask = pa.array(kept)
    return draws[kept], {
        name: values[kept] if isinstance(values, np.ndarray) else decoded(values.filter(mask))
        for name, values in columns.items()
    }


def _frequent(parts: Sequence[pa.Array], *, most: int, least: int) -> tuple[str, ...]:
    counts: dict[str, int] = {}
    for values in parts:
        for one in pc.value_counts(decoded(values)).to_pylist():
            if one["values"] is not None:
                counts[one["values"]] = counts.get(one["values"], 0) + one["counts"]
    ordered = sorted(counts, key=lambda name: (-counts[name], name))
    return tuple(name for name in ordered[:most] if counts[name] >= least)
