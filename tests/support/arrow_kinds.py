"""Columns of every type that a Parquet file may have, by what becomes of each."""

import json
import uuid
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

HUGE = 2**64 - 1
READ = ("category", "text", "number", "integer", "timestamp", "boolean")


def columns(n: int, rng: np.random.Generator) -> dict[str, tuple[pa.Array, str | None]]:
    """Return columns of n rows by name, and the type that each is read as; None for one that is left out."""
    words = rng.choice(["north", "süd", "east"], n)
    numbers = rng.normal(50, 9, n).round(2)
    whole = rng.integers(0, 40, n)
    ids = [uuid.UUID(bytes=rng.bytes(16), version=4).bytes for _ in range(n)]
    bytes_ = [b"\xff\xfe" + rng.bytes(6) for _ in range(n)]
    return {
        "uint64": (pa.array([HUGE - 7 * k for k in range(n)], pa.uint64()), "category"),
        "beyond_2_53": (pa.array([2**53 + 3 * k for k in range(n)], pa.uint64()), "integer"),
        "waited": (pa.array([timedelta(seconds=float(v)) for v in numbers], pa.duration("us")), "number"),
        "waited_ns": (pa.array((numbers * 1e9).astype("int64"), pa.duration("ns")), "number"),
        "opens": (pa.array([time(int(h) % 24, 30) for h in whole], pa.time64("us")), "category"),
        "opens_ms": (pa.array([time(int(h) % 24, 15) for h in whole], pa.time32("ms")), "category"),
        "price": (pa.array([Decimal(f"{v:.2f}") for v in numbers], pa.decimal128(12, 2)), "number"),
        "pieces": (pa.array([Decimal(int(v)) for v in whole], pa.decimal128(20, 0)), "integer"),
        "large": (pa.array([Decimal(2**80 + k) for k in range(n)], pa.decimal256(50, 0)), "category"),
        "region": (pa.array([word.encode() for word in words], pa.binary()), "category"),
        "region_view": (pa.array(words, pa.string()).cast(pa.binary()).cast(pa.binary_view()), "category"),
        "code": (pa.array([f"C{k % 9:03d}".encode() for k in whole], pa.binary(4)), "category"),
        "spelled": (pa.array([f"{v}".encode() for v in numbers], pa.large_binary()), "number"),
        "uuid": (pa.array(ids, pa.uuid()), "category"),
        "uuid_bytes": (pa.array(ids, pa.binary(16)), "category"),
        "picture": (pa.array(bytes_, pa.binary()), None),
        "sounds": (pa.array(bytes_, pa.binary(8)), None),
        "list": (pa.array([[1, 2]] * n), None),
        "struct": (pa.array([{"a": 1}] * n), None),
        "map": (pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())), None),
        "tensor": (
            pa.FixedShapeTensorArray.from_numpy_ndarray(np.ones((n, 2), dtype=np.int32)), None
        ),
        "coded": (pa.array(words).dictionary_encode(), "category"),
        "coded_bytes": (pa.array([word.encode() for word in words], pa.binary()).dictionary_encode(), "category"),
        "coded_numbers": (pa.array(whole).dictionary_encode(), "integer"),
        "half": (pa.array(numbers.astype(np.float16)), "number"),
        "flag8": (pa.ExtensionArray.from_storage(pa.bool8(), pa.array(whole % 2, pa.int8())), "boolean"),
        "json": (pa.array([json.dumps({"k": int(k) % 5}) for k in whole], pa.json_()), "category"),
        "day": (pa.array([date(2024, 1, 1) + timedelta(days=int(k)) for k in whole], pa.date32()), "timestamp"),
        "null": (pa.nulls(n), "category"),
        "large_text": (pa.array(words, pa.large_string()), "category"),
        "view": (pa.array(words, pa.string_view()), "category"),
    }  # fmt: skip


def table(n: int = 400, *, seed: int = 5) -> tuple[pa.Table, dict[str, str | None]]:
    """Return rows with a column of each kind, some cells missing, and a target that follows two of them."""
    rng = np.random.default_rng(seed)
    made: dict[str, Any] = {}
    for name, (values, _) in columns(n, rng).items():
        gaps = rng.random(n) < 0.04 if name not in ("uint64", "beyond_2_53", "uuid") else np.zeros(n, bool)
        made[name] = (
            pa.array([None if gap else value for gap, value in zip(gaps, values.to_pylist(), strict=True)], values.type)
            if not isinstance(values, pa.ExtensionArray) and not pa.types.is_dictionary(values.type)
            else values
        )
    drawn = np.array(columns(n, np.random.default_rng(seed))["price"][0].to_pylist(), dtype=float)
    made["sold"] = pa.array(np.where(drawn + rng.normal(0, 5, n) > 50, "yes", "no"))
    return pa.table(made), {name: kind for name, (_, kind) in columns(4, rng).items()}
