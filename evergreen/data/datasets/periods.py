"""The part of a dataset version whose time lies in a period."""

from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from evergreen.base.artifacts.tables import ROWS_PER_GROUP
from evergreen.base.months import span
from evergreen.data.datasets.manifest import UNDATED, Fragment, Manifest
from evergreen.data.datasets.months import midnight
from evergreen.data.datasets.writer import Writer


def within(
    path: Path, manifest: Manifest, *, time: str, zone: str, start: date | None, end: date | None, scratch: Path
) -> tuple[tuple[Fragment, ...], dict[str, Path]]:
    """Return the fragments, and their files, that hold the rows of [start, end) and those without a time.

    Whole months are taken as they are; a month that the period cuts is filtered into `scratch`.
    """
    first, last = (midnight(day, zone) if day else None for day in (start, end))
    fragments: list[Fragment] = []
    files: dict[str, Path] = {}
    for fragment in manifest.fragments:
        if fragment.partition == UNDATED or _lies_within(fragment.partition, zone, first, last):
            taken: tuple[Fragment, ...] = (fragment,)
            files[fragment.path] = path / fragment.path
        elif _lies_beyond(fragment.partition, zone, first, last):
            continue
        else:
            taken = _cut(path, fragment, time=time, zone=zone, first=first, last=last, scratch=scratch)
            files |= {part.path: scratch / part.path for part in taken}
        fragments += taken
    return tuple(sorted(fragments, key=lambda part: (part.partition, part.path))), files


def _lies_within(month: str, zone: str, first: datetime | None, last: datetime | None) -> bool:
    begins, ends = span(month)
    starts_in = first is None or first <= midnight(begins, zone)
    return starts_in and (last is None or midnight(ends, zone, last=True) <= last)


def _lies_beyond(month: str, zone: str, first: datetime | None, last: datetime | None) -> bool:
    begins, ends = span(month)
    ends_before = first is not None and midnight(ends, zone, last=True) <= first
    return ends_before or (last is not None and midnight(begins, zone) >= last)


def _cut(
    path: Path,
    fragment: Fragment,
    *,
    time: str,
    zone: str,
    first: datetime | None,
    last: datetime | None,
    scratch: Path,
) -> tuple[Fragment, ...]:
    writer = Writer(scratch, item=fragment.item, time=time, zone=zone)
    with pq.ParquetFile(path / fragment.path) as file:
        for batch in file.iter_batches(ROWS_PER_GROUP):
            inside = pa.array([True] * batch.num_rows)
            for bound, compare in ((first, pc.greater_equal), (last, pc.less)):
                if bound is not None:
                    inside = pc.and_(inside, compare(batch.column(time), pa.scalar(bound, pa.timestamp("us", "UTC"))))
            if inside.true_count:
                writer.add(batch.filter(inside))
    return writer.close()
