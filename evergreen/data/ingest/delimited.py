"""CSV and TSV, as text, at the speed of Arrow's parser."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from evergreen.base.artifacts.refs import Item
from evergreen.config.contract.sources import Layout
from evergreen.data.ingest import charsets, heads
from evergreen.data.ingest.faults import (
    bad_header,
    check_names,
    empty,
    names_of,
    not_parsed,
    unreadable_rows,
    with_rows,
)
from evergreen.data.ingest.heads import SPELLED
from evergreen.data.ingest.items import setting
from evergreen.data.ingest.lines import Headed, Uncommented
from evergreen.data.ingest.streams import MARK, MIB, READ_BYTES, Utf8, open_bytes, shown

DELIMITERS = {"csv": ",", "tsv": "\t"}
# As many in a row and not one good: the header is not that of the rows. They wait in memory for the next good row.
MOST_RAGGED = 200_000


def batches(item: Item, missing: tuple[str, ...], layout: Layout) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a delimited file, every column as text; raises DataError as `readers.read` says."""
    with open_bytes(item) as raw, Utf8(raw, charsets.encoding_of(item, layout)) as stream:
        head = stream.read(READ_BYTES)
        if head.startswith(b"PAR1"):
            raise not_parsed(item, "this is a Parquet file, not text")
        said, head = heads.separator(head)
        delimiter = said or layout.delimiter or DELIMITERS.get(item.format, ",")
        lines = heads.lines_of(head)
        headed = Headed(head, stream)
        source = Uncommented(headed, layout.comment, lines, delimiter) if layout.comment else headed
        if layout.comment:
            lines = heads.uncommented(lines, layout.comment, delimiter)
        if not lines:
            raise empty(item)
        _check_delimiter(item, lines, delimiter)
        names = None if layout.header else names_of(item, layout, heads.value_count(lines[0], delimiter))
        ragged = _Ragged(headers=int(layout.header))
        with _explained(item, ragged, delimiter):
            reader = _parser(source, delimiter, missing, ragged.set_aside, names)
        kept = _check_names(item, reader.schema.names, lines, delimiter)
        schema = pa.schema([reader.schema.field(at) for at in kept])
        while True:
            with _explained(item, ragged, delimiter):
                batch = _next(reader)
            if batch is None:
                break
            numbers, between = ragged.numbered(len(batch))
            yield from _readable(batch, numbers, delimiter, marked=stream.marked, kept=kept)
            if between:
                yield _set_aside(schema, between)
        ragged.refuse_all(item, delimiter)
        if rest := list(ragged.waiting):
            yield _set_aside(schema, rest)


class _Ragged:
    """The rows that have another number of values than the header, and the numbers that they leave to the others."""

    def __init__(self, *, headers: int) -> None:
        self.waiting: deque[tuple[int, str]] = deque()
        self._headers, self._first = headers, 1
        self._widths: set[tuple[int, int]] = set()

    def set_aside(self, row: pyarrow.csv.InvalidRow) -> str:
        """Take a row from the parser, which counts the header."""
        self.waiting.append((row.number - self._headers, row.text))
        self._widths.add((row.actual_columns, row.expected_columns))
        return "skip" if len(self.waiting) < MOST_RAGGED else "error"

    def numbered(self, rows: int) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """Return the numbers of the next so many good rows, and the ragged rows before the last of them."""
        first, between = self._first, list[tuple[int, str]]()
        while self.waiting and self.waiting[0][0] < first + rows + len(between):
            between.append(self.waiting.popleft())
        self._first = first + rows + len(between)
        numbers = np.arange(first, self._first)
        return np.delete(numbers, [number - first for number, _ in between]) if between else numbers, between

    def refuse_all(self, item: Item, delimiter: str) -> None:
        """Raise DataError if all rows, two or more, have one number of values, and the header has another."""
        if self._first > 1 or len(self.waiting) < 2 or len(self._widths) > 1:
            return
        ((values, names),) = self._widths
        sign = SPELLED.get(delimiter, repr(delimiter))
        if values == names + 1 and all(text.rstrip("\r\n").endswith(delimiter) for _, text in self.waiting):
            advice = f"Each row ends with {sign}: end the header with one too, or take it off the rows."
        elif values == names + 1:
            advice = "Add the name that the header lacks: R, for one, leaves out that of the row names."
        else:
            advice = f"Check the header; the values are taken to be separated by {sign}."
        raise bad_header(item, f"rows have {values} values, the header {names}", advice)


def _parser(
    source: Headed | Uncommented,
    delimiter: str,
    missing: tuple[str, ...],
    set_aside: Callable[[pyarrow.csv.InvalidRow], str],
    names: Sequence[str] | None,
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        pa.PythonFile(source, "r"),
        # Without threads the parser numbers the rows, and is as fast: it converts nothing but text.
        read_options=pyarrow.csv.ReadOptions(block_size=READ_BYTES, use_threads=False, column_names=names),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            default_column_type=pa.string(), strings_can_be_null=True, null_values=list(missing), check_utf8=False
        ),
    )


@contextmanager
def _explained(item: Item, ragged: _Ragged, delimiter: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        ragged.refuse_all(item, delimiter)
        if "straddling" not in str(error):
            raise
        why = f"a row, or a value in quotes, does not end within {READ_BYTES // MIB} MiB"
        raise not_parsed(item, why) from error


def _next(reader: pyarrow.csv.CSVStreamingReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None


def _readable(
    batch: pa.RecordBatch, numbers: np.ndarray, delimiter: str, *, marked: bool, kept: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    broken = np.zeros(len(batch), dtype=bool)
    if marked:
        for column in batch.columns:
            broken |= pc.match_substring(column, MARK).fill_null(False).to_numpy(zero_copy_only=False)
    named = batch if len(kept) == batch.num_columns else batch.select(kept)
    if not broken.any():
        if len(batch):
            yield with_rows(named, pa.array(numbers))
        return
    bad = batch.filter(pa.array(broken))
    if len(bad) < len(batch):
        yield with_rows(named.filter(pa.array(~broken)), pa.array(numbers[~broken]))
    rows = zip(*(column.to_pylist() for column in bad.columns), strict=True)
    texts = [shown(delimiter.join(value or "" for value in row)) for row in rows]
    yield unreadable_rows(named.schema, numbers[broken].tolist(), texts)


def _set_aside(schema: pa.Schema, rows: list[tuple[int, str]]) -> pa.RecordBatch:
    return unreadable_rows(schema, [number for number, _ in rows], [shown(text) for _, text in rows])


def _check_names(item: Item, names: list[str], lines: Sequence[str], delimiter: str) -> list[int]:
    """Return the places of the columns that have a name; of one without a name it is an empty one."""
    if any(MARK in name for name in names):
        seen = charsets.look(item)
        is_wide = any(MARK in name.replace(f"{MARK}\\", "") for name in names)
        why = "it holds NUL bytes, as UTF-16 does" if is_wide else seen.place
        likely = "utf-16-le or utf-16-be" if is_wide else "cp1252"
        raise bad_header(
            item,
            f"the header is not UTF-8 text: {why}",
            setting("encoding", f"what the file was saved in, such as {likely}, or save it as UTF-8"),
        )
    nameless = [at for at, name in enumerate(names) if not name.strip()]
    kept = [at for at in range(len(names)) if len(nameless) == 1 or at not in nameless]
    is_row = heads.looks_like_a_row(heads.records(lines, delimiter))
    advice = f"It looks like a row. {setting('header', 'false')}" if is_row else "Give each column a name of its own."
    check_names(item, [names[at] for at in kept], advice)
    return kept


def _check_delimiter(item: Item, lines: Sequence[str], delimiter: str) -> None:
    if delimiter in lines[0]:
        return
    other = heads.delimiter_of(lines, delimiter)
    if other != delimiter:
        raise bad_header(
            item,
            f"looks separated by {SPELLED[other]}; {item.format} is separated by "
            f"{SPELLED.get(delimiter, repr(delimiter))}",
            setting("delimiter", repr(other)),
        )
