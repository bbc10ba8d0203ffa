"""Dataset versions of a few rows, in every type and in zones whose clocks change."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from evergreen.base.artifacts.refs import DatasetRef
from evergreen.config.contract.columns import Column
from evergreen.data import datasets
from evergreen.data.datasets import Manifest, Writer
from evergreen.data.typed.schema import ROW, arrow_schema

NEW_YORK, ST_JOHNS, ASUNCION = "America/New_York", "America/St_Johns", "America/Asuncion"
COLUMNS = [
    Column(name=name, type=kind, role="feature")
    for name, kind in [
        ("at", "timestamp"), ("n", "integer"), ("m", "integer"), ("x", "number"), ("t", "text"), ("u", "category"),
        ("b", "boolean"),
    ]
]  # fmt: skip
SCHEMA = arrow_schema(COLUMNS)
TYPES = {field.name: str(field.type) for field in SCHEMA}


def rows_of(rows: list[dict], first: int = 1) -> pa.RecordBatch:
    numbered = [{ROW: number, **row} for number, row in enumerate(rows, first)]
    return pa.RecordBatch.from_pylist(numbered, SCHEMA)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def write(folder: Path, batches: list[pa.RecordBatch], *, time="at", zone=NEW_YORK, item="ab" * 32):
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(folder, item=item, time=time, zone=zone)
    for batch in batches:
        writer.add(batch)
    return writer.close(), writer.unordered


def manifest_of(fragments, *, items=(), types=None, when=datetime(2026, 1, 1, tzinfo=UTC)) -> Manifest:
    return Manifest(
        name="d", digest=datasets.digest(types or TYPES, fragments), rows=sum(part.rows for part in fragments),
        types=types or TYPES, items=items, fragments=tuple(fragments), source="file", made_with="m", ingested_at=when,
    )  # fmt: skip


def publish(root: Path, batches: list[pa.RecordBatch], name: str = "v", **more) -> tuple[Path, DatasetRef, Manifest]:
    folder = root / f".made-{name}"
    fragments, _ = write(folder, batches, **more)
    manifest = manifest_of(fragments)
    datasets.publish(root / name, manifest, {part.path: folder / part.path for part in fragments})
    return root / name, ref_of(manifest, name), manifest


def ref_of(manifest: Manifest, name: str = "v") -> DatasetRef:
    return DatasetRef(uri=name, rows=manifest.rows, facts=manifest.facts, sha256=manifest.digest)


def digest_of(rows: list[dict]) -> tuple[int, int]:
    return datasets.content_sums(rows_of(rows))
