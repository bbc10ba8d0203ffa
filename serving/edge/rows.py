"""Rows of a file, one at a time: lines of JSON, or cells below a header."""

import csv
from collections.abc import Iterator, Sequence
from typing import IO, Any

import msgspec

from evergreen.base.errors import DataError
from serving.edge.predictor import Predictor, Row
from serving.edge.refusals import MAX_SHOWN, Refused

MAX_LINE = 1_000_000


def json_rows(stream: IO[bytes]) -> Iterator[Row | Refused]:
    """Yield the object of each line of JSON, or why the line is none; blank lines are passed over."""
    decode = msgspec.json.Decoder(dict[str, bool | int | float | str | None]).decode
    while line := stream.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            yield Refused(None, line[:MAX_SHOWN].decode(errors="replace"), f"a line of at most {MAX_LINE} bytes")
        elif line.strip():
            yield _decoded(decode, line)


def _decoded(decode: Any, line: bytes) -> Row | Refused:
    try:
        row: Row = decode(line)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        what = " ".join(str(error).split())[:200]
        return Refused(None, line.decode(errors="replace").strip(), f"a JSON object of plain values ({what})")
    return row


def csv_rows(stream: IO[str], predictor: Predictor) -> Iterator[Row | Refused]:
    """Yield the rows below a header, each cell as the text that it is.

    Raises
    ------
    DataError if the header lacks a column, or names one that is not asked for; or the text is no CSV.
    """
    lines = csv.reader(stream, strict=True)
    names = [column.name for column in (*predictor.columns, *predictor.keys, *predictor.parts)]
    try:
        header = next(lines, [])
        _require_columns(header, names, set(_needed(header, predictor)))
        for cells in lines:
            if len(cells) != len(header):
                if cells:
                    yield Refused(None, ",".join(cells), f"{len(header)} cells, as in the header")
                continue
            yield dict(zip(header, cells, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        where = f"line {lines.line_num}"
        raise DataError("PKG006", f"not a CSV file: {error}", where=where, next_step="Correct the file.") from error


def _needed(header: Sequence[str], predictor: Predictor) -> Iterator[str]:
    for column in predictor.columns:
        if column.parts and column.name not in header:
            yield from (part.name for part in column.parts)
        elif not column.given:
            yield column.name


def _require_columns(header: Sequence[str], names: Sequence[str], needed: set[str]) -> None:
    faults = [
        *(f"it lacks '{name}'" for name in sorted(needed - {*header})),
        *(f"'{name}' is not asked for" for name in header if name not in names),
        *(f"'{name}' stands twice" for name in sorted({name for name in header if header.count(name) > 1})),
    ]
    if faults:
        raise DataError(
            "PKG006",
            f"the header does not fit: {'; '.join(faults[:5])}",
            where="line 1",
            next_step=f"Columns: {', '.join(dict.fromkeys(names))}.",
        )
