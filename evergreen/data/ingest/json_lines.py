"""JSON, as text: one object per line or in one array, numbers as they are spelled."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest import charsets, json_arrays
from evergreen.data.ingest.faults import bad_header, empty, not_parsed, unreadable_rows, with_rows
from evergreen.data.ingest.items import setting
from evergreen.data.ingest.streams import MIB, READ_BYTES, Utf8, open_bytes, shown
from evergreen.data.typed.schema import ROW, UNREADABLE

LONGEST_LINE = 16 * MIB
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def batches(item: Item, missing: tuple[str, ...], layout: Layout) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a JSON file; a column appears with the first batch that has it."""
    names: dict[str, None] = {}
    nulls = pa.array(missing, pa.string())
    first = 1
    for lines in _blocks(item, layout):
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        broken: list[tuple[int, str]] = []
        for number, line in enumerate(lines, first):
            row = _row(line)
            if row is None:
                broken.append((number, shown(line.decode())))
            else:
                rows.append(row)
                numbers.append(number)
        first += len(lines)
        names.update(dict.fromkeys(name for row in rows for name in row))
        for reserved in (ROW, UNREADABLE):
            if reserved in names:
                raise bad_header(item, f"a row names '{reserved}', which Evergreen adds itself", "Rename that column.")
        schema = pa.schema([(name, pa.string()) for name in names])
        if rows:
            columns = [_column([row.get(name) for row in rows], nulls) for name in names]
            batch = pa.RecordBatch.from_arrays(columns, schema=schema) if columns else _columnless(len(rows))
            yield with_rows(batch, pa.array(numbers, pa.int64()))
        if broken:
            yield unreadable_rows(schema, [number for number, _ in broken], [text for _, text in broken])


def _blocks(item: Item, layout: Layout) -> Iterator[list[bytes]]:
    """Yield the lines that are not blank, or the elements of an array, some MiB of them at a time."""
    begun = False
    with open_bytes(item) as raw, Utf8(raw, charsets.encoding_of(item, layout)) as stream:
        rest = b""
        while block := stream.read(READ_BYTES):
            *whole, rest = (rest + block).split(b"\n")
            if item.format == "json" and not begun and (array := b"\n".join([*whole, rest]).lstrip()).startswith(b"["):
                yield from json_arrays.elements(item, array, stream)
                return
            if len(rest) > LONGEST_LINE:
                raise not_parsed(item, f"a line does not end within {LONGEST_LINE // MIB} MiB")
            lines = [line for line in whole if line.strip()]
            if lines and not begun:
                begun = True
                _check_lines(item, lines[0])
            if lines:
                yield lines
        if rest.strip():
            if not begun:
                _check_lines(item, rest)
            yield [rest]
        elif not begun:
            raise empty(item)


def _check_lines(item: Item, line: bytes) -> None:
    if line.lstrip().startswith(b"["):
        raise bad_header(
            item, "looks like one JSON array; jsonl has one object on each line", setting("format", "json")
        )
    if item.format == "json" and line.lstrip().startswith(b"{") and not _is_row(line):
        raise bad_header(
            item,
            "looks like one JSON object; expected an array of rows, or one row on each line",
            "Write the rows as an array: [{...}, {...}].",
        )


def _is_row(line: bytes) -> bool:
    """Return whether a line is an object, and not one of columns."""
    try:
        values = json.loads(line).values()
    except (ValueError, RecursionError):
        return False
    return any(not isinstance(value, (dict, list)) for value in values)


def _row(line: bytes) -> dict[str, Any] | None:
    """Return a line's values, numbers as their spelling, or None if it is not one object, or holds what is not text."""
    try:
        row = _SPELLING.decode(line.decode())
        if not isinstance(row, dict):
            return None
        if b"{" in line[1:] or b"[" in line:
            for name, value in row.items():
                if isinstance(value, (dict, list)):
                    row[name] = json.dumps(json.loads(line)[name], ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None
    if b"\\u" in line and any(_NOT_TEXT.search(text) for pair in row.items() for text in pair if isinstance(text, str)):
        return None
    return row


def _column(values: list[Any], nulls: pa.Array) -> pa.Array:
    try:
        column = pa.array(values, pa.string())
    except (TypeError, pa.ArrowInvalid):  # there are booleans
        column = pa.array([str(value).lower() if isinstance(value, bool) else value for value in values], pa.string())
    return pc.if_else(pc.is_in(column, value_set=nulls), pa.scalar(None, pa.string()), column)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key is there twice")
    return members


def _columnless(rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(rows)], names=["-"]).select([])


_SPELLING = json.JSONDecoder(object_pairs_hook=_once, parse_float=str, parse_int=str, parse_constant=str)
