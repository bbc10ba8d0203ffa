"""Rows one by one and column by column: both give, bit for bit, what the features and the columns step give."""

from datetime import UTC, datetime

import compiling
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.adapters.onnx_export.compiling import rows_of
from evergreen.config.params.features import FeatureParams
from evergreen.data.typed.schema import to_pandas
from evergreen.learning import features
from evergreen.learning.model.compiled.plan import CompiledError

MIXED = {
    "encode": {"zone": "onehot", "shop": "target", "zone_side": "onehot"},
    "numeric": {"missing_indicators": True},
}
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**6 for year in (1678, 2262))
NEAR = [1_678_604_400, 1_699_163_999, 1_699_164_000, 0, -1, 1_583_020_799, -2_717_650_800]  # clocks change, leap days
FINITE = st.floats(allow_nan=False, allow_infinity=False)
MOMENTS = st.one_of(
    st.integers(FIRST, LAST - 1),
    st.integers(1_500_000_000, 1_800_000_000).map(lambda seconds: seconds * 10**6),
    st.builds(lambda seconds, more: seconds * 10**6 + more, st.sampled_from(NEAR), st.integers(-2, 2)),
)
NUMBERS = st.one_of(
    FINITE, st.sampled_from([0.0, -0.0, 5.0, 10.0, 15.0, 1e30, -1e30, 1.1e30, 5e-324]), st.integers(-3, 9)
)
ROWS = st.lists(
    st.tuples(
        MOMENTS,
        st.none() | MOMENTS,
        st.sampled_from([None, "north", "south", "moon", "nan", "never seen", ""]) | st.text(max_size=3),
        st.none() | st.integers(-2, 45).map(str),
        st.none() | NUMBERS.map(float),
        st.none() | st.sampled_from([0, 1, 3, -1]) | st.integers(-(2**63), 2**63 - 1),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, "Ada", "Bob", "Eve"]),
        st.none() | NUMBERS.map(float),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def mixed():
    """Return a pipeline of every encoding and every kind of feature, its scorer and its parameters."""
    pipeline, _, form = compiling.made("binary", "lightgbm", params=MIXED)
    return pipeline, compiling.scorer(form), FeatureParams.model_validate({**compiling.EVERYTHING, **MIXED})


def batch_of(rows):
    """Return typed rows as `conform` types them."""
    kinds = [pa.timestamp("us", "UTC")] * 2 + [pa.string()] * 2 + [pa.float64(), pa.int64(), pa.bool_(), pa.string()]
    arrays = [
        pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), [*kinds, pa.float64()], strict=True)
    ]
    names = ["start", "booked", "zone", "shop", "fare", "seats", "member", "passport", "last_fare"]
    return pa.RecordBatch.from_arrays(arrays, names=names)


def bits(numbers):
    return np.ascontiguousarray(numbers).view(np.int64)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(ROWS)
def test_rows_and_batch_are_what_features_and_the_columns_step_make(mixed, rows):
    pipeline, scorer, params = mixed
    batch = batch_of(rows)
    built = features.build(to_pandas(batch), compiling.contract(), params, compiling.LOOKUPS)
    expected = pipeline["columns"].transform(built)

    together = scorer.encode_batch(batch)
    assert np.array_equal(bits(together), bits(expected))
    assert np.array_equal(bits(scorer.encode_rows(rows)), bits(together))


def test_training_rows_are_encoded_as_training_encoded_them(mixed):
    pipeline, scorer, params = mixed
    inputs = features.inputs(compiling.contract(), params)
    built = features.build(compiling.rows(), compiling.contract(), params, compiling.LOOKUPS)
    batch = compiling.batch(compiling.rows())

    expected = pipeline["columns"].transform(built[inputs.names])
    assert np.array_equal(bits(scorer.encode_batch(batch)), bits(expected))
    assert np.array_equal(bits(scorer.encode_rows(rows_of(batch, scorer))), bits(expected))


def test_columns_may_come_in_any_order_dictionaries_slices_and_without_the_past(mixed):
    _, scorer, _ = mixed
    table = compiling.rows().assign(last_fare=np.nan)
    batch = compiling.batch(table)
    expected = scorer.encode_batch(batch)

    names = [name for name in batch.schema.names if name != "last_fare"]
    turned = batch.select(names[::-1])
    coded = pa.RecordBatch.from_arrays(
        [each.dictionary_encode() if pa.types.is_string(each.type) else each for each in turned],
        names=turned.schema.names,
    )
    assert np.array_equal(scorer.encode_batch(turned), expected)
    assert np.array_equal(scorer.encode_batch(coded.slice(17, 40)), expected[17:57])


def test_batch_that_lacks_a_column_is_refused_by_its_name(mixed):
    with pytest.raises(CompiledError, match="no column 'fare'"):
        mixed[1].encode_batch(compiling.batch(compiling.rows()).drop_columns(["fare"]))


def test_no_row_has_no_numbers(mixed):
    empty = compiling.batch(compiling.rows()).slice(0, 0)

    assert mixed[1].encode_batch(empty).shape == mixed[1].encode_rows([]).shape == (0, mixed[1].plan.width)
    assert mixed[1].estimate_batch(empty).shape == (0,)


def test_missing_value_and_the_category_of_the_same_letters_differ(mixed):
    _, scorer, _ = mixed
    row = [*rows_of(compiling.batch(compiling.rows().head(1)), scorer)[0]]
    codes = {zone: scorer.encode_rows([[*row[:2], zone, *row[3:]]]).tobytes() for zone in (None, "nan", "unseen")}

    assert len(set(codes.values())) == 3
    assert pd.isna(compiling.rows()["zone"]).any()
    assert (compiling.rows()["zone"] == "nan").any()
