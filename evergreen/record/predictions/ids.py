"""Ids of predictions: they say where a record stands to those who hold the log, and nothing to who has none.

32 hex digits: 6 of the hour since 1970, 6 of the process, 4 of the offset where its segment ended then in units of
4096 bytes, and 16 that are random.
"""

import os
import re
import time
from pathlib import Path

from evergreen.record.predictions.frames import SegmentReader
from evergreen.record.predictions.records import Columns, Logged
from evergreen.record.predictions.segment import SEGMENTS, SUFFIX

ID = re.compile(r"[0-9a-f]{32}")
OFFSET_UNIT = 4096


class IdMaker:
    """Makes the ids of one process, which is known by `token`."""

    def __init__(self, token: str) -> None:
        self._token = token

    def make(self, n: int, hour: int, end: int) -> list[str]:
        """Return ids of rows that are appended in this hour, at or after the offset `end`."""
        before = f"{hour:06x}{self._token}{min(end // OFFSET_UNIT, 0xFFFF):04x}"
        random = os.urandom(8 * n).hex()
        return [before + random[at : at + 16] for at in range(0, 16 * n, 16)]


def place(prediction_id: str) -> tuple[int, str, int]:
    """Return the hour since 1970, the process and the offset that an id names."""
    return int(prediction_id[:6], 16), prediction_id[6:12], int(prediction_id[12:16], 16) * OFFSET_UNIT


def find(folder: Path, prediction_id: str) -> tuple[Columns, Logged] | None:
    """Return what a segment, or else the table, holds of a prediction; None if neither does.

    Only what the id names is read: some megabytes of the segments of one process around one hour, or its files there.
    """
    if ID.fullmatch(prediction_id) is None:
        return None
    hour, token, offset = place(prediction_id)
    for path in _segments_of(folder, token, hour):
        try:
            with SegmentReader(path) as reader:
                found = reader.find(prediction_id, after=offset) or (offset and reader.find(prediction_id, after=0))
        except FileNotFoundError:  # it went into the table meanwhile
            continue
        if found:
            return found
    return _in_table(folder, prediction_id, hour, token)


def _in_table(folder: Path, prediction_id: str, hour: int, token: str) -> tuple[Columns, Logged] | None:
    if not (folder / "table").is_dir():
        return None
    from evergreen.record.predictions import table

    for at in (hour, hour + 1, hour - 1):
        named = f"{_named(at)}-{token}-*.parquet"
        for day in sorted({_day(each) for each in (at - 1, at, at + 1)}):
            for path in sorted((folder / "table" / f"date={day}").glob(named)):
                found = table.find_row(path, prediction_id)
                if found:
                    return found
    return None


def _named(hour: int) -> str:
    return time.strftime("%Y%m%dT%H", time.gmtime(hour * 3600))


def _day(hour: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(hour * 3600))


def _segments_of(folder: Path, token: str, hour: int) -> list[Path]:
    names = [f"{_named(each)}-{token}-*{SUFFIX}" for each in (hour, hour + 1, hour - 1)]
    return [path for name in names for path in sorted((folder / SEGMENTS).glob(name))]
