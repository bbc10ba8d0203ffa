"""The schema: any value of any origin becomes what Python says it is, alone as among others, or is set aside."""

import json
import math
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.config.contract.columns import Column
from evergreen.data.typed.schema import ROW, UNREADABLE, arrow_schema, conform, from_pandas, to_pandas

TYPES = ("number", "integer", "category", "text", "timestamp", "boolean")


NEW_YORK = "America/New_York"


def column(kind: str, name: str = "x", **more) -> Column:
    return Column(name=name, type=kind, role="feature", **more)


def read(values, kind: str, *, zone: str = "UTC", **more) -> list:
    """Return each value as it is read; one that cannot be is given as a tuple of what is noted of it."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    typed = conform(pa.RecordBatch.from_arrays([array], ["x"]), [column(kind, **more)], zone=zone)
    typed.validate(full=True)
    assert typed.schema == arrow_schema([column(kind)])
    assert len(typed) == len(array)
    notes = [json.loads(note) if note else {} for note in typed[UNREADABLE].to_pylist()]
    assert all(value is None for value, note in zip(typed["x"].to_pylist(), notes, strict=True) if note)
    return [(note["x"],) if note else value for value, note in zip(typed["x"].to_pylist(), notes, strict=True)]


def one(value, kind: str, **more):
    return read([value] if not isinstance(value, pa.Array) else value, kind, **more)[0]


@pytest.mark.parametrize("text", ["", "NA", "NaN", "nan", "null", "None", "N/A", "#N/A", "NULL"])
@pytest.mark.parametrize("kind", ["number", "integer", "timestamp", "boolean"])
def test_word_for_missing_is_missing_where_no_text_is_wanted(text, kind):
    assert one(text, kind) is None


def test_word_for_missing_is_a_text_where_text_is_wanted():
    assert read(["NA", "", None], "category") == ["NA", "", None]


def test_words_for_missing_are_those_of_the_contract():
    rows = pa.RecordBatch.from_pydict({"x": ["-", "NA", "1"]})
    typed = conform(rows, [column("number")], zone="UTC", missing=("-",))
    assert typed["x"].to_pylist() == [None, None, 1.0]
    assert typed[UNREADABLE].to_pylist() == [None, '{"x": "NA"}', None]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_stays_as_it_is_unless_it_holds_a_nul_or_spaces_alone(text):
    whole = None if text.isspace() else (text,) if "\0" in text else text
    for kind in (pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        assert one(pa.array([text], kind), "text") == whole
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        assert one(pa.array([text.encode()], kind), "text") == whole


def test_leading_zeros_and_spaces_of_a_text_stay():
    assert read(["007", " a ", ""], "category") == ["007", " a ", ""]


def test_bytes_that_are_no_utf8_are_unreadable_alone():
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        assert read(pa.array([b"a", b"\xff", b"1", None], kind), "text") == ["a", ("\\xff",), "1", None]
        assert read(pa.array([b"a", b"\xff", b"1", None], kind), "number") == [("a",), ("\\xff",), 1.0, None]
    assert read(pa.array([b"\xffa", b"123"[:2]], pa.binary(2)), "integer") == [("\\xffa",), 12]


def test_string_column_whose_bytes_are_no_utf8_is_read_as_bytes():
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"a", b"caf\xe9", b"1"]).buffers())
    assert read(broken, "text") == ["a", ("caf\\xe9",), "1"]
    assert read(broken, "number") == [("a",), ("caf\\xe9",), 1.0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float_as_text_reads_as_the_same_float(number):
    text = one(number, "text")
    assert float(text) == number
    assert "." not in text or not number.is_integer() or abs(number) > 2**53


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([True]), "true"),
        (pa.array([3.0], pa.float32()), "3"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([1.5], pa.float16()), "1.5"),
        (pa.array([date(2013, 1, 31)]), "2013-01-31"),
        (pa.array([datetime(2013, 1, 31)], pa.timestamp("ns")), "2013-01-31"),
        (pa.array([datetime(2013, 1, 31, 5)], pa.timestamp("s")), "2013-01-31 05:00:00"),
        (pa.array([datetime(2013, 1, 31, 5, 0, 0, 120_000)], pa.timestamp("ms")), "2013-01-31 05:00:00.12"),
        (pa.array([datetime(2013, 1, 31, 5, 0, 0, 120_000)], pa.timestamp("ns")), "2013-01-31 05:00:00.12"),
        (pa.array([datetime(2013, 1, 31, 5, tzinfo=UTC)], pa.timestamp("us", NEW_YORK)), "2013-01-31 05:00:00Z"),
        (pa.array([time(12, 30)], pa.time32("s")), "12:30:00"),
        (pa.array([time(12, 30)], pa.time64("ns")), "12:30:00"),
    ],
)
def test_other_values_have_one_text_whatever_their_width(array, text):
    assert one(array, "text") == text


def test_truth_values_are_read_in_their_usual_spellings():
    assert read(["true", "FALSE", " True", "1", "0", "1.0", "0.0"], "boolean") == [
        True, False, True, True, False, True, False,
    ]  # fmt: skip
    for kind in (pa.int8(), pa.uint64(), pa.float64(), pa.float32(), pa.decimal128(5, 2)):
        assert read(pa.array([1, 0, None], pa.int8()).cast(kind), "boolean") == [True, False, None]
    assert read([True, False, None], "boolean") == [True, False, None]


def test_truth_values_are_read_in_the_spelling_of_the_contract_only():
    assert read(["N", "Y", "y", "1", None], "boolean", spelling=("N", "Y")) == [False, True, ("y",), ("1",), None]
    assert read([1.0, 2.0], "boolean", spelling=("1", "2")) == [False, True]


@pytest.mark.parametrize("value", ["yes", "t", "2", 2, 0.5, date(2013, 1, 1), b"\xff", [True]])
def test_other_values_are_no_truth_values(value):
    assert isinstance(one(value, "boolean"), tuple)


def instants(wall: datetime, zone: str) -> set[datetime]:
    """Return the instants at which clocks show a wall time: none in a gap, two in a fold."""
    both = {wall.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)}
    return {each for each in both if each.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall}


ODD_TEXTS = st.sampled_from(
    ["1", "-7", "+5", "007", " 8 ", "1.0", "2.50", "1e3", "1.", ".5", "0x1F", "0X1f", "9223372036854775807", "nan(x)",
     "9223372036854775808", "0009223372036854775807", "1e400", "nan", "inf", "NA", "", "true", "False", "1_0", "a\0b",
     "2013", "2013-01-31", "2013-01-31T05Z", "2013-01-31 05:30", "2013-01-31T05:30:15.1234567", "2013-01-31T05:30+0130",
     "2013-03-10 02:30", "2013-11-03 01:30", "1600-01-01", "now", "2013-1-5", "é", "漢\u202e", "x" * 40]
)  # fmt: skip


DICTIONARY = pa.dictionary(pa.int8(), pa.string())


ANY_TIME = st.integers(-(2**62), 2**62)


ORIGINS = st.one_of(
    st.tuples(st.sampled_from([pa.string(), pa.large_string(), pa.string_view(), DICTIONARY]), st.just(ODD_TEXTS)),
    st.tuples(
        st.sampled_from([pa.binary(), pa.large_binary(), pa.binary_view()]),
        st.just(st.one_of(ODD_TEXTS.map(str.encode), st.binary(max_size=6))),
    ),
    st.tuples(st.just(pa.binary(2)), st.just(st.binary(min_size=2, max_size=2))),
    st.tuples(st.sampled_from([pa.int64(), pa.float64()]), st.just(st.integers(-(2**53), 2**53))),
    st.tuples(st.sampled_from([pa.int8(), pa.uint8(), pa.int16(), pa.uint32()]), st.just(st.integers(0, 100))),
    st.tuples(st.just(pa.uint64()), st.just(st.integers(0, 2**64 - 1))),
    st.tuples(st.just(pa.float64()), st.just(st.floats())),
    st.tuples(st.sampled_from([pa.float32(), pa.float16()]), st.just(st.floats(width=16))),
    st.tuples(
        st.sampled_from([pa.decimal128(38, 4), pa.decimal256(50, 4)]),
        st.just(st.decimals(-(10**30), 10**30, places=4, allow_nan=False, allow_infinity=False)),
    ),
    st.tuples(st.sampled_from([pa.decimal32(7, 2), pa.decimal64(9, 2)]), st.just(st.decimals(-999, 999, places=2))),
    st.tuples(st.just(pa.bool_()), st.just(st.booleans())),
    st.tuples(
        st.builds(
            pa.timestamp,
            st.sampled_from(["s", "ms", "us", "ns"]),
            st.sampled_from([None, "UTC", NEW_YORK, "+05:30", "Foo/Bar"]),
        ),
        st.just(ANY_TIME),
    ),
    st.tuples(st.sampled_from([pa.date32(), pa.time32("s")]), st.just(st.integers(0, 86_399))),
    st.tuples(st.sampled_from([pa.date64(), pa.time64("us")]), st.just(st.integers(0, 86_399).map(lambda n: n * 1000))),
    st.tuples(st.sampled_from([pa.duration("s"), pa.duration("ns")]), st.just(ANY_TIME)),
    st.tuples(st.just(pa.month_day_nano_interval()), st.just(st.just((1, 2, 3)))),
    st.tuples(st.just(pa.list_(pa.int64())), st.just(st.lists(st.integers(-9, 9), max_size=2))),
    st.tuples(st.just(pa.list_(pa.int64(), 1)), st.just(st.just([1]))),
    st.tuples(st.just(pa.struct([("a", pa.string())])), st.just(st.just({"a": "1"}))),
    st.tuples(st.just(pa.map_(pa.string(), pa.int64())), st.just(st.just([("a", 1)]))),
    st.tuples(st.just(pa.list_view(pa.int8())), st.just(st.just([1]))),
    st.tuples(st.just(pa.null()), st.just(st.none())),
)


def plain(values: pa.Array) -> list:
    """Return values as Python has them; none where Python cannot hold one, or does not know its zone."""
    try:
        return values.to_pylist()
    except (OverflowError, LookupError, ValueError):
        return []


def built(kind: pa.DataType, values: list) -> pa.Array:
    if kind == DICTIONARY:
        return pa.array(values, pa.string()).dictionary_encode()
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.array(values, pa.int64()).cast(kind)
    return pa.array(values, kind)


@given(st.data())
@settings(max_examples=400)
def test_value_is_read_alike_alone_and_among_others(data):
    kind, strategy = data.draw(ORIGINS)
    values = built(kind, data.draw(st.lists(st.none() | strategy, max_size=8)))
    begin = data.draw(st.integers(0, len(values)))
    batch = pa.RecordBatch.from_arrays([values], ["x"]).slice(begin)
    for declared in TYPES:
        together = conform(batch, [column(declared)], zone=NEW_YORK)
        together.validate(full=True)
        assert together.num_rows == batch.num_rows
        alone = [conform(batch.slice(n, 1), [column(declared)], zone=NEW_YORK) for n in range(batch.num_rows)]
        joined = pa.Table.from_batches(alone, together.schema).drop_columns(ROW)
        assert joined.equals(pa.Table.from_batches([together]).drop_columns(ROW))
        # What came is read, missing, or noted: nothing vanishes.
        gone = pc.and_(together["x"].is_null(), together[UNREADABLE].is_null()).to_pylist()
        for value, lost in zip(plain(batch["x"]), gone, strict=False):
            assert not lost or value in (None, "", "NA", "nan", b"", b"NA", b"nan") or value != value


def test_extension_types_and_runs_are_read_as_what_they_store():
    assert read(pa.array(['{"a": 1}'], pa.json_()), "text") == ['{"a": 1}']
    assert read(pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None], pa.int8())), "boolean") == [True, None]
    ids = [uuid.UUID(int=2**128 - 1), uuid.UUID(int=7)]
    assert read(pa.array([*(one.bytes for one in ids), None], pa.uuid()), "text") == [*map(str, ids), None]
    assert read(pc.run_end_encode(pa.array(["a", "a", None, "1"])), "number") == [("a",), ("a",), None, 1.0]


def test_null_inside_a_dictionary_is_missing():
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 0]), pa.array(["7", None]))
    assert read(codes, "integer") == [7, None, None, 7]
    assert read(codes, "category") == ["7", None, None, "7"]


def test_union_is_unreadable():
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    for kind in TYPES:
        assert all(isinstance(each, tuple) for each in read(union, kind))


def test_notes_are_added_to_those_that_came_and_never_replace_them():
    rows = pa.RecordBatch.from_pydict(
        {
            "x": ["no", "no", "1", None],
            "y": ["1", "bad", "1", None],
            UNREADABLE: pa.array(['{"z": "old"}', None, None, '{"*": "whole"}']),
            ROW: pa.array([11, 12, 13, 14], pa.int64()),
        }
    )
    typed = conform(rows, [column("number"), column("number", "y")], zone="UTC")
    assert [json.loads(note) if note else None for note in typed[UNREADABLE].to_pylist()] == [
        {"z": "old", "x": "no"}, {"x": "no", "y": "bad"}, None, {"*": "whole"},
    ]  # fmt: skip
    assert typed[ROW].to_pylist() == [11, 12, 13, 14]
    again = conform(
        rows.set_column(2, UNREADABLE, pa.array(['{"x": "as written"}'] + [None] * 3)), [column("number")], zone="UTC"
    )
    assert json.loads(again[UNREADABLE][0].as_py()) == {"x": "as written"}


def test_columns_come_in_the_order_of_the_contract_and_others_are_dropped():
    rows = pa.RecordBatch.from_pydict({"extra": [1], "b": ["2"], "a": ["1"]})
    typed = conform(rows, [column("integer", "a"), column("text", "b")], zone="UTC")
    assert typed.to_pylist() == [{"a": 1, "b": "2", ROW: 0, UNREADABLE: None}]


def test_empty_batch_has_the_types():
    for values in (
        pa.array([], pa.string()),
        pa.nulls(0),
        pa.array([], pa.timestamp("ns")),
        pa.array([], pa.float64()),
    ):
        for kind in TYPES:
            assert read(values, kind) == []


def typed_of(series: pd.Series, kind: str, zone: str = NEW_YORK) -> list:
    batch = from_pandas(pd.DataFrame({"x": series}), [column(kind)])
    return read(batch["x"], kind, zone=zone)


SAME = {
    "texts": (
        "category",
        ["a", None, "é", "007"],
        ["str", "object", "string[pyarrow]", "string[python]", "category", pd.ArrowDtype(pa.large_string())],
    ),
    "integers": (
        "integer",
        [1, None, -(2**53), 7],
        ["Int64", "object", "float64", "Float64", pd.ArrowDtype(pa.int64()), pd.ArrowDtype(pa.decimal128(20, 0))],
    ),
    "truths": ("boolean", [True, None, False], ["boolean", "object", pd.ArrowDtype(pa.bool_()), "category"]),
    "numbers": ("number", [0.5, None, -3.0], ["float64", "Float64", "object", "category", "float32"]),
}


@pytest.mark.parametrize("which", SAME)
def test_equal_values_of_any_dtype_are_typed_alike(which):
    kind, values, dtypes = SAME[which]
    for dtype in dtypes:
        series = pd.Series(values, dtype="object").astype(dtype)
        for index in (None, range(100, 100 + len(values))):
            assert typed_of(series if index is None else series.set_axis(index), kind) == values, dtype
    categorical = pd.Series(pd.Categorical(values))
    assert typed_of(categorical, kind) == values


def test_times_of_any_dtype_are_typed_alike():
    instants = [datetime(2013, 1, 31, 5, tzinfo=UTC), None, datetime(2013, 7, 1, tzinfo=UTC)]
    aware = pd.Series(pd.to_datetime(instants))
    naive = aware.dt.tz_convert(NEW_YORK).dt.tz_localize(None)
    shapes = [aware.dt.as_unit(unit) for unit in ("s", "ms", "us", "ns")] + [naive.dt.as_unit("ns"), naive]
    shapes += [aware.dt.tz_convert("Asia/Kolkata"), aware.astype("object"), naive.astype("object"), aware.astype(str)]
    shapes += [aware.astype("category"), aware.copy().astype(pd.ArrowDtype(pa.timestamp("ms", "UTC")))]
    for series in shapes:
        series = series.where(aware.notna())
        assert typed_of(series, "timestamp") == instants, series.dtype


def test_object_column_that_mixes_kinds_of_times_keeps_what_each_says():
    naive, day = datetime(2013, 1, 31, 5, 30), date(2013, 1, 31)
    aware = naive.replace(tzinfo=UTC)
    local = naive.replace(tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    midnight = datetime(2013, 1, 31, tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)
    for values, expected in (
        ([naive, aware], [local, aware]),
        ([aware, naive, None], [aware, local, None]),
        ([day, naive], [midnight, local]),
        ([day, aware, pd.NaT], [midnight, aware, None]),
        ([pd.Timestamp(naive), pd.Timestamp(aware)], [local, aware]),
    ):
        assert typed_of(pd.Series(values, dtype="object"), "timestamp") == expected


def test_object_column_of_mixed_values_is_read_value_by_value():
    values = [1, "2", 3.0, 0.5, True, None, math.nan, "x", Decimal("4.00"), 2**70, b"5", date(2013, 1, 31), [1]]
    series = pd.Series(values, dtype="object")
    numbers = [1.0, 2.0, 3.0, 0.5, ("true",), None, None, ("x",), 4.0, float(2**70), 5.0, ("2013-01-31",), ("[1]",)]
    assert typed_of(series, "number") == numbers
    texts = ["1", "2", "3", "0.5", "true", None, None, "x", "4", str(2**70), "5", "2013-01-31", "[1]"]
    assert typed_of(series, "text") == texts


@given(
    st.lists(
        st.one_of(st.none(), st.integers(), st.floats(-(2.0**53), 2.0**53), st.text(max_size=3), st.booleans()),
        max_size=6,
    )
)
@settings(max_examples=40)
def test_object_column_is_read_alike_alone_and_among_others(values):
    series = pd.Series(values, dtype="object")
    for kind in TYPES:
        alone = [typed_of(series.iloc[n : n + 1], kind)[0] for n in range(len(series))]
        together = typed_of(series, kind)
        # What is noted of a number may be 1 or 1.0; that it is noted may not depend on the others.
        assert [isinstance(each, tuple) or each for each in together] == [isinstance(e, tuple) or e for e in alone]


def test_lone_surrogates_are_unreadable():
    series = pd.Series(["a", "\ud800b", None, "c"], dtype="object")
    assert typed_of(series, "text") == ["a", ("\\xed\\xa0\\x80b",), None, "c"]


def test_integers_beyond_int64_are_unreadable_integers_and_rounded_numbers():
    series = pd.Series([2**63, -1, 2**70, None], dtype="object")
    assert typed_of(series, "integer") == [(str(2**63),), -1, (str(2**70),), None]
    assert typed_of(series, "number") == [float(2**63), -1.0, float(2**70), None]
    assert typed_of(pd.Series([2**64 - 1], dtype="uint64"), "integer") == [(str(2**64 - 1),)]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series(pd.period_range("2013-01", periods=2, freq="M")),
        pd.Series(pd.interval_range(0, 2)),
        pd.Series(pd.timedelta_range("1h", periods=2)),
        pd.Series([object(), complex(1)], dtype="object"),
        pd.Series([np.array([1]), {"a": 1}], dtype="object"),
        pd.Series(pd.arrays.SparseArray([1.0, 2.0])),
    ],
    ids=lambda values: str(values.dtype),
)
def test_any_dtype_is_read_or_noted_never_a_failure(series):
    for kind in TYPES:
        assert len(typed_of(series, kind)) == 2
    assert all(isinstance(each, tuple) for each in typed_of(series, "timestamp"))


def test_typed_rows_as_pandas_keep_integers_beside_missing_ones():
    rows = pa.RecordBatch.from_pydict({"n": ["9007199254740993", None], "b": ["true", None], "t": ["a", None]})
    frame = to_pandas(conform(rows, [column("integer", "n"), column("boolean", "b"), column("text", "t")], zone="UTC"))
    assert frame["n"].tolist() == [9007199254740993, pd.NA]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "n": "Int64", "b": "boolean", "t": "str", ROW: "Int64", UNREADABLE: "str",
    }  # fmt: skip


@pytest.mark.parametrize("words", [["a", "b", "é"], ["a", "b\0c", "d"], ["a", None, "a"], [b"a", b"\xff", b"b"]])
@pytest.mark.parametrize("as_dictionary", [True, False])
def test_coded_texts_are_the_texts(words, as_dictionary):
    stored = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 1], pa.int8()), pa.array(words))
    batch = pa.RecordBatch.from_arrays([stored if as_dictionary else stored.dictionary_decode()], names=["x"])
    plain = conform(batch, [column("text")], zone="UTC")
    coded = conform(batch, [column("text")], zone="UTC", coded=True)
    assert coded.schema.field("x").type == pa.dictionary(pa.int32(), pa.string())
    assert coded.column("x").dictionary.null_count == 0
    assert coded.to_pydict() == plain.to_pydict()


EURO = Column(name="x", type="number", role="feature", spelling={"decimal": ",", "thousands": ".", "after": ""})


def test_numbers_that_are_no_texts_have_no_spelling():
    values = pa.RecordBatch.from_pydict({"x": [1.234, -200.0, None]})
    assert conform(values, [EURO], zone="UTC").column("x").to_pylist() == [1.234, -200.0, None]

    mixed = from_pandas(pd.DataFrame({"x": pd.Series([1.234, "1.234,5", 7], dtype=object)}), [EURO])
    assert conform(mixed, [EURO], zone="UTC").column("x").to_pylist() == [1.234, 1234.5, 7.0]


def test_number_of_a_json_file_is_itself_or_not_readable_where_the_spelling_reads_another():
    texts = pa.RecordBatch.from_pydict({"x": ["12.5", "1.234", "1.234,5", "7", "1e-3"]})

    typed = conform(texts, [EURO], zone="UTC", from_json=True)

    assert typed.column("x").to_pylist() == [12.5, None, 1234.5, 7.0, 0.001]
    assert typed.column(UNREADABLE).to_pylist() == [None, '{"x": "1.234"}', None, None, None]


def test_words_of_a_column_are_missing_however_they_are_written_and_in_it_alone():
    rh = Column(name="rh", type="number", role="feature", missing=("-200",))
    sign = Column(name="sign", type="category", role="feature", missing=("?",))
    batch = pa.RecordBatch.from_pydict({"rh": ["-200", "-200.00", "5", " -200 "], "sign": ["-200", " ? ", " ", "+"]})

    for coded in (False, True):
        typed = conform(batch, [rh, sign], zone="UTC", coded=coded)
        assert typed.column("rh").to_pylist() == [None, None, 5.0, None]
        assert typed.column("sign").to_pylist() == ["-200", None, None, "+"]
        assert typed.column(UNREADABLE).null_count == 4
    for values in (pa.array([-200, 5]), pa.array([-200.0, 5.0])):
        assert conform(pa.RecordBatch.from_arrays([values], ["rh"]), [rh], zone="UTC").column("rh").to_pylist() == [
            None,
            5,
        ]
