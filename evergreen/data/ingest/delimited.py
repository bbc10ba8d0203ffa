"""CSV and TSV, as text, at the speed of Arrow's parser."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from evergreen.base.artifacts.refs import Item
from evergreen.data.ingest.faults import bad_header, empty, not_parsed, unreadable_rows, with_rows
from evergreen.data.ingest.streams import MARK, MIB, READ_BYTES, Utf8, open_bytes, shown
from evergreen.data.typed.schema import ROW, UNREADABLE

DELIMITERS = {"csv": ",", "tsv": "\t"}
SPELLED = {",": "a comma", "\t": "a tab", ";": "';'", "|": "'|'"}
SNIFFED_LINES = 20
# As many in a row and not one good: the header is not that of the rows. They wait in memory for the next good row.
MOST_RAGGED = 200_000


def batches(item: Item, missing: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a delimited file, every column as text; raises DataError as `readers.read` says."""
    delimiter = DELIMITERS[item.format]
    with open_bytes(item) as raw, Utf8(raw) as stream:
        head = stream.read(READ_BYTES)
        if not head.strip():
            raise empty(item)
        if head.startswith(b"PAR1"):
            raise not_parsed(item, "this is a Parquet file, not text")
        _check_delimiter(item, head, delimiter)
        ragged = _Ragged()
        with _explained(item):
            reader = _parser(_Headed(head, stream), delimiter, missing, ragged.set_aside)
        schema = reader.schema
        _check_names(item, schema.names)
        while True:
            with _explained(item):
                batch = _next(reader)
            if batch is None:
                break
            numbers, between = ragged.numbered(len(batch))
            yield from _readable(batch, numbers, delimiter, marked=stream.marked)
            if between:
                yield _set_aside(schema, between)
        if rest := list(ragged.waiting):
            yield _set_aside(schema, rest)


class _Ragged:
    """The rows that have another number of values than the header, and the numbers that they leave to the others."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, str]] = deque()
        self._first = 1

    def set_aside(self, row: pyarrow.csv.InvalidRow) -> str:
        """Take a row from the parser, which counts the header."""
        self.waiting.append((row.number - 1, row.text))
        return "skip" if len(self.waiting) < MOST_RAGGED else "error"

    def numbered(self, rows: int) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """Return the numbers of the next so many good rows, and the ragged rows before the last of them."""
        first, between = self._first, list[tuple[int, str]]()
        while self.waiting and self.waiting[0][0] < first + rows + len(between):
            between.append(self.waiting.popleft())
        self._first = first + rows + len(between)
        numbers = np.arange(first, self._first)
        return np.delete(numbers, [number - first for number, _ in between]) if between else numbers, between


def _parser(
    source: "_Headed",
    delimiter: str,
    missing: tuple[str, ...],
    set_aside: Callable[[pyarrow.csv.InvalidRow], str],
) -> pyarrow.csv.CSVStreamingReader:
    return pyarrow.csv.open_csv(
        pa.PythonFile(source, "r"),
        # Without threads the parser numbers the rows, and is as fast: it converts nothing but text.
        read_options=pyarrow.csv.ReadOptions(block_size=READ_BYTES, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            default_column_type=pa.string(), strings_can_be_null=True, null_values=list(missing), check_utf8=False
        ),
    )


@contextmanager
def _explained(item: Item) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if "straddling" not in str(error):
            raise
        why = f"a row, or a value in quotes, does not end within {READ_BYTES // MIB} MiB"
        raise not_parsed(item, why) from error


def _next(reader: pyarrow.csv.CSVStreamingReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None


class _Headed:
    """A stream whose beginning has been looked at already."""

    closed = False

    def __init__(self, head: bytes, rest: Utf8) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        given, self._head = self._head[:size], self._head[size:]
        while len(given) < size and (more := self._rest.read(size - len(given))):  # the header must be in one block
            given = given + more if given else more
        return given

    def close(self) -> None:
        """Leave it open: it is not ours."""


def _readable(batch: pa.RecordBatch, numbers: np.ndarray, delimiter: str, *, marked: bool) -> Iterator[pa.RecordBatch]:
    broken = np.zeros(len(batch), dtype=bool)
    if marked:
        for column in batch.columns:
            broken |= pc.match_substring(column, MARK).fill_null(False).to_numpy(zero_copy_only=False)
    if not broken.any():
        if len(batch):
            yield with_rows(batch, pa.array(numbers))
        return
    bad = batch.filter(pa.array(broken))
    if len(bad) < len(batch):
        yield with_rows(batch.filter(pa.array(~broken)), pa.array(numbers[~broken]))
    rows = zip(*(column.to_pylist() for column in bad.columns), strict=True)
    texts = [shown(delimiter.join(value or "" for value in row)) for row in rows]
    yield unreadable_rows(batch.schema, numbers[broken].tolist(), texts)


def _set_aside(schema: pa.Schema, rows: list[tuple[int, str]]) -> pa.RecordBatch:
    return unreadable_rows(schema, [number for number, _ in rows], [shown(text) for _, text in rows])


def _check_names(item: Item, names: list[str]) -> None:
    if any(MARK in name for name in names):
        raise bad_header(item, "the header is not UTF-8 text", "Save the file as UTF-8.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        listed = ", ".join(f"'{name}'" for name in repeated)
        raise bad_header(item, f"the header names columns twice: {listed}", "Give each column a name of its own.")
    reserved = [name for name in names if name in (ROW, UNREADABLE)]
    if reserved:
        raise bad_header(item, f"the header names '{reserved[0]}', which Evergreen adds itself", "Rename that column.")


def _check_delimiter(item: Item, head: bytes, delimiter: str) -> None:
    lines = [line for line in head.decode("utf-8", "replace").splitlines()[: SNIFFED_LINES + 1] if line.strip()]
    whole = lines[:-1] or lines
    if delimiter in whole[0]:
        return
    for other in SPELLED:
        counts = {line.count(other) for line in whole}
        if len(counts) == 1 and counts != {0}:
            hint = {"\t": "Set source.format to tsv.", ",": "Set source.format to csv."}
            raise bad_header(
                item,
                f"looks separated by {SPELLED[other]}; {item.format} is separated by {SPELLED[delimiter]}",
                hint.get(other, f"Write the file with {SPELLED[delimiter]} between its values."),
            )
