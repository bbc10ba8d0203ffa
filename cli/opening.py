"""A source that nobody has described yet, opened for `evergreen init`: how its files are read, and what that shows."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import ConfigError, DataError, EvergreenError
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource, Layout, Source
from evergreen.config.settings import Settings
from evergreen.data import ingest
from evergreen.data.ingest import charsets, layouts, local, sources
from evergreen.data.ingest.appearing import Appearing
from evergreen.proposal.profile import Header, TableProfile
from evergreen.proposal.roles import MOST_BAD

Look = Callable[[Source], tuple[TableProfile, bool]]
TEXT = ("csv", "tsv", "json", "jsonl")
MOST_SHOWN = 5

_SETTING = re.compile(r"[Ss]et source\.(\w+) in the contract to (.+?)(?=[.]?$)")
_PLACE = re.compile(r"source\.(path|url) in the contract|(?<=in )source\.path")


@dataclass(frozen=True)
class Opened:
    """A source and what its rows hold.

    `source`: with all that is needed to read it in the same way again. `is_typed`: whether its files carry types.
    `notes`: what a person should know of how it was read. `headless`: whether the first line, taken for the header,
    looks like a row. `titled`: what stands above the header, if anything does.
    """

    source: Source
    table: TableProfile
    is_typed: bool
    notes: tuple[str, ...]
    headless: bool = False
    titled: str = ""


def opened(source: Source, settings: Settings, look: Look) -> Opened:
    """Look at the first lines of a source's first file, and with what they show at all rows.

    Raises
    ------
    DataError or ConfigError if a file cannot be read, or later files lack columns of earlier ones.
    """
    if not isinstance(source, Layout):
        return Opened(source, *look(source), ())
    items = sources.find(source, settings)
    seen = layouts.look(items[0], source)
    source = _as_source(source, seen.layout)
    with _below_its_titles(seen.titled):
        rows = look(source)
    first = Opened(source, *rows, (*_besides(source, settings), *seen.notes), seen.headless, seen.titled)
    strange = _not_utf8(items) if first.table.unreadable and seen.layout.encoding is None else None
    if strange:
        first = _in_its_encoding(first, strange, look)
    return replace(first, notes=(*first.notes, *_about_columns(items, first.source)))


def require_headers(contract: Contract, headers: Sequence[Header]) -> None:
    """Raise DataError (DQ001) for the first file that a run would refuse, because it lacks a declared column."""
    columns = Appearing(contract, several=len(headers) > 1)
    for item, names in headers:
        if names:
            columns.add(item, columns.require(tuple(names), item))
    columns.require_all()


@contextmanager
def advised(opened: Opened | None = None) -> Iterator[None]:
    """Say of errors which option of `init` helps, where they name a key of a contract that is not written yet."""
    try:
        yield
    except EvergreenError as error:
        error.next_step = as_option(error.next_step)
        if isinstance(error, ConfigError) and error.code == "CFG025" and opened and opened.headless:
            width = len(opened.table.columns)
            error.next_step = (
                f"The first line looks like a row: --no-header calls the columns column_1 to column_{width}, "
                "--names a,b,… gives them names."
            )
        elif opened and error.code in ("CFG025", "DQ007") and opened.titled:
            error.next_step = _without_titles(opened.titled)
        elif opened and error.code == "CFG025" and _is_one_column(opened.table):
            error.next_step = (
                "The first line has one name only: if spaces stand between its names, write them with commas; "
                "--delimiter names another sign."
            )
        raise


def _is_one_column(table: TableProfile) -> bool:
    """Return whether what was read has one column, whose name has spaces in it."""
    return len(table.columns) == 1 and any(len(name.split()) > 1 for name in table.columns)


@contextmanager
def _below_its_titles(titled: str) -> Iterator[None]:
    """Say of rows that do not fit the first line that the header stands below it."""
    try:
        yield
    except DataError as error:
        if titled and error.code in ("DQ007", "DQ029"):
            error.next_step = _without_titles(titled)
        raise


def _without_titles(titled: str) -> str:
    return f"{titled}: delete the lines above it."


def as_option(advice: str) -> str:
    """Return advice with an option in place of a contract's key.

    Examples
    --------
    >>> as_option("Set source.delimiter in the contract to ';'.")
    "Add --delimiter ';'."
    >>> as_option("Set source.header in the contract to false.")
    'Add --no-header, or --names a,b,….'
    """

    def option(match: re.Match[str]) -> str:
        key, value = match.groups()
        if key == "header":
            return "Add --no-header, or --names a,b,…"
        return f"Add --{key} with {value}" if " " in value else f"Add --{key} {value}"

    return _PLACE.sub("DATA", _SETTING.sub(option, advice))


def _as_source(source: Source, layout: Layout) -> Source:
    return source.model_copy(update={name: getattr(layout, name) for name in Layout.model_fields})


def _besides(source: Source, settings: Settings) -> tuple[str, ...]:
    if not isinstance(source, FileSource):
        return ()
    names = local.besides(source, project=settings.project)
    return (f"files without rows are left out: {_listed(names)}",) if names else ()


def _not_utf8(items: Sequence[Item]) -> Item | None:
    return next((item for item in items if item.format in TEXT and not charsets.look(item).is_utf8), None)


def _in_its_encoding(first: Opened, item: Item, look: Look) -> Opened:
    source = first.source
    assert isinstance(source, Layout)
    try:
        layout, note = layouts.with_encoding(item, source)
    except DataError:
        if first.table.unreadable > MOST_BAD * (first.table.rows + first.table.unreadable):
            raise
        seen = charsets.look(item)
        layout, note = source, f"{item.name}: {seen.place} is not UTF-8; --encoding names what the file was saved in"
    notes = (*first.notes, note)
    if layout == source:
        return replace(first, notes=notes)
    source = _as_source(source, layout)
    return replace(first, source=source, table=(rows := look(source))[0], is_typed=rows[1], notes=notes)


def _about_columns(items: Sequence[Item], source: Source) -> tuple[str, ...]:
    """Return which columns came with a later file; raises DataError if one is missing from a file after another."""
    headers = {}
    for item in items if len(items) > 1 else ():
        batch = None if item.format in ("json", "jsonl") else next(ingest.batches(item, source, ()), None)
        if batch is not None:
            headers[item.name] = [name for name in batch.schema.names if name and not name.startswith("_")]
    seen: dict[str, str] = {}
    for file, names in headers.items():
        if gone := [name for name in seen if name not in names]:
            raise DataError(
                "DQ001",
                f"missing columns: {_listed(gone)}; {seen[gone[0]]} has '{gone[0]}'",
                where=file,
                next_step="Correct the file, or name a glob of files that have the same columns.",
            )
        seen.update({name: file for name in names if name not in seen})
    first = next(iter(headers), "")
    late = [f"'{name}' ({seen[name]})" for name in seen if seen[name] != first]
    return (f"columns that came with a later file, null in the rows before it: {_listed(late)}",) if late else ()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else "")
