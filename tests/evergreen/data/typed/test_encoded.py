"""Bytes that are texts, UUIDs or neither."""

import uuid

import pyarrow as pa
import pytest

from evergreen.data.typed import encoded

IDS = [uuid.uuid5(uuid.NAMESPACE_DNS, f"host-{k}") for k in range(50)]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.string(), pa.large_string()])
def test_bytes_are_the_texts_that_they_spell(kind: pa.DataType) -> None:
    words = ["north", "süd", "", None, "東"]
    came = pa.array([None if word is None else word.encode() for word in words], pa.binary()).cast(kind)
    assert encoded.texts(came).to_pylist() == words


def test_bytes_that_are_no_utf_8_are_null_beside_those_that_are() -> None:
    assert encoded.texts(pa.array([b"caf\xe9", b"tea", b"\xff\xfe", None], pa.binary())).to_pylist() == [
        None, "tea", None, None,
    ]  # fmt: skip


def test_sixteen_bytes_are_a_uuid_unless_they_are_a_printable_text() -> None:
    came = [*(one.bytes for one in IDS), b"SN-0001-2024-XYZ", "süd-süd-süd-0".encode(), None]
    read = encoded.texts(pa.array(came, pa.binary(16))).to_pylist()
    assert read == [*map(str, IDS), "SN-0001-2024-XYZ", "süd-süd-süd-0", None]


def test_uuids_of_a_slice_are_those_of_its_rows() -> None:
    came = pa.array([*(one.bytes for one in IDS), None], pa.uuid())
    assert encoded.unwrapped(came.slice(3, 40)).to_pylist() == [str(one) for one in IDS[3:43]]
    assert encoded.unwrapped(came.slice(50)).to_pylist() == [None]
    assert encoded.unwrapped(came.slice(0, 0)).to_pylist() == []


def test_lengths_of_time_keep_their_fractions() -> None:
    assert encoded.seconds(pa.array([1, -2_500, None], pa.duration("ms"))).to_pylist() == [0.001, -2.5, None]
