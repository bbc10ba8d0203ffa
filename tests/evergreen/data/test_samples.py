"""Rows drawn evenly from a stream, however it is cut."""

import numpy as np
import pyarrow as pa
import pytest

from evergreen.data.samples import Sample


def test_how_the_stream_is_cut_does_not_matter():
    rows = pa.RecordBatch.from_pydict({"n": list(range(1_000))})
    drawn = []
    for size in (1_000, 333, 7):
        sample = Sample(100, seed=3)
        for start in range(0, 1_000, size):
            sample.add(rows.slice(start, size))
        drawn.append(sample.table()["n"].to_pylist())
    assert drawn[0] == drawn[1] == drawn[2]


def test_sample_draws_each_row_with_the_same_chance():
    drawn = np.zeros(1_000)
    for seed in range(200):
        sample = Sample(100, seed=seed)
        for start in range(0, 1_000, 90):
            sample.add(pa.RecordBatch.from_pydict({"n": list(range(start, min(start + 90, 1_000)))}))
        rows = sample.table()["n"].to_pylist()
        assert len(rows) == 100
        assert rows == sorted(rows)
        drawn[rows] += 1
    assert drawn[:500].sum() == pytest.approx(10_000, rel=0.02)
