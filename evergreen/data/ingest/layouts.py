"""How a file is to be read: what its first lines show, and what a contract's source says of a file of another time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import DataError
from evergreen.config.contract.sources import Layout, Source
from evergreen.data.ingest import charsets, heads, readers
from evergreen.data.ingest.delimited import DELIMITERS
from evergreen.data.ingest.faults import bad_header, empty
from evergreen.data.ingest.items import setting
from evergreen.data.ingest.streams import MARK, READ_BYTES, Utf8, open_bytes


@dataclass(frozen=True)
class Seen:
    """What a file shows. `layout`: how it is to be read. `notes`: what a person should know of that.

    `headless`: whether the first line, taken for the header, looks like a row. `titled`: what stands above the header,
    if anything does, and where that is.
    """

    layout: Layout
    notes: tuple[str, ...] = ()
    headless: bool = False
    titled: str = ""


def look(item: Item, said: Layout) -> Seen:
    """Return how a file is to be read: as `said`, and where nothing is, as its first lines show.

    Raises
    ------
    DataError if the file is empty or cannot be read.
    """
    if item.format == "xlsx":
        return Seen(said, _about_sheets(item), titled=_titled_sheet(item))
    if item.format not in DELIMITERS:
        return Seen(said)
    with readers.parsing(item):
        lines, named, is_text = _beginning(item, said)
    if "\0" in lines[0].replace(f"{MARK}\\", ""):  # UTF-16, of which the reader says more
        return Seen(said)
    layout, notes = said, []
    if not is_text and said.encoding is None:
        layout, note = with_encoding(item, layout)
        notes.append(note)
        lines, named, _ = _beginning(item, layout)
    usual = DELIMITERS[item.format]
    delimiter = named or said.delimiter or heads.delimiter_of(heads.bare(lines), usual)
    if not named and delimiter != (said.delimiter or usual):
        layout = layout.model_copy(update={"delimiter": delimiter})
        notes.append(f"its values are taken to be separated by {heads.SPELLED[delimiter]}; --delimiter names another")
    if not said.comment and (comment := heads.comment_of(lines, delimiter)):
        layout = layout.model_copy(update={"comment": comment})
        notes.append(f"lines that begin with {comment!r} are left out as comments")
    rows = heads.records(heads.uncommented(lines, layout.comment, delimiter) if layout.comment else lines, delimiter)
    headless = layout.header and heads.looks_like_a_row(rows) is True
    titled = "" if headless or not layout.header else _titled(lines, delimiter)
    return Seen(layout, (*notes, *_about_header(item, rows, layout, headless=headless)), headless, titled)


def with_encoding(item: Item, layout: Layout) -> tuple[Layout, str]:
    """Return a layout with the encoding that bytes show which are not all UTF-8, and what is to be said of it.

    Raises
    ------
    DataError (DQ002) if they show none.
    """
    seen = charsets.look(item)
    if seen.guess is None:
        raise DataError(
            "DQ002",
            f"the text is not UTF-8: {seen.place}; what else it is cannot be told from its bytes",
            where=item.name,
            next_step=setting("encoding", "what the file was saved in, such as cp1250, cp1251, cp850 or shift_jis"),
        )
    if seen.guess == charsets.UTF8:
        return layout, f"{item.name}: {seen.place} is not UTF-8, as the rest is: rows with such bytes go to quarantine"
    return (
        layout.model_copy(update={"encoding": seen.guess}),
        f"{item.name} is not UTF-8 ({seen.place}) and is read as {seen.guess}; --encoding names another",
    )


def for_file(item: Item, source: Source, needed: Collection[str]) -> Layout:
    """Return how a file that is not the source is to be read, by what the contract says of the source's own files.

    Its format and compression are its own. What the contract says of text with separators holds for all such files,
    but a file that shows another separator or comments has those, and one whose first line has the names of all
    `needed` columns has a header.
    """
    said = source if isinstance(source, Layout) else Layout()
    layout = Layout(**said.model_dump(include=set(Layout.model_fields) - {"format"}))
    if item.format == "xlsx" and not layout.header:
        from evergreen.data.ingest import sheets

        with readers.parsing(item):
            return _headed(layout) if set(needed) <= set(sheets.first_row(item)) else layout
    if item.format not in DELIMITERS:
        return _headed(layout)
    with readers.parsing(item):
        lines, named, _ = _beginning(item, layout)
    usual = layout.delimiter or DELIMITERS[item.format]
    bare = heads.bare(lines)
    if not named and usual not in bare[0]:
        other = heads.delimiter_of(bare, DELIMITERS[item.format])
        usual = other if other in bare[0] else usual
        layout = layout.model_copy(update={"delimiter": usual})
    comment = layout.comment or heads.comment_of(lines, named or usual)
    first = heads.records(heads.uncommented(lines, comment, named or usual) if comment else lines, named or usual)
    layout = layout.model_copy(update={"comment": comment})
    return _headed(layout) if first and set(needed) <= set(first[0]) else layout


def _headed(layout: Layout) -> Layout:
    return layout.model_copy(update={"header": True, "names": ()})


def _beginning(item: Item, layout: Layout) -> tuple[list[str], str | None, bool]:
    """Return the first lines of a file, the separator that they name, and whether they are text in its encoding."""
    with open_bytes(item) as raw, Utf8(raw, charsets.encoding_of(item, layout)) as stream:
        head = stream.read(READ_BYTES)
        is_text = not stream.marked
    named, head = heads.separator(head)
    lines = heads.lines_of(head)
    if not lines:
        raise empty(item)
    return lines, named, is_text


def _about_header(item: Item, rows: Sequence[Sequence[str]], layout: Layout, *, headless: bool) -> list[str]:
    if not layout.header and [value.strip() for value in rows[0]] == list(layout.names):
        raise bad_header(item, "the first line has the names of the columns", "Leave --names and --no-header out.")
    if not layout.header:
        is_header = heads.looks_like_a_row(rows) is False
        return ["the first line looks like a header, and is read as a row"] if is_header else []
    notes = []
    if headless:
        shown = ", ".join(map(repr, rows[0][:4])) + (", …" if len(rows[0]) > 4 else "")
        notes.append(
            f"the first line ({shown}) looks like a row, and is read as the names of the columns; "
            "for a file without a header: --no-header, or --names a,b,…"
        )
    nameless = [at for at, name in enumerate(rows[0]) if not name.strip()]
    if len(nameless) > 1:  # one is a column like any other, whose name is empty
        filled = [at for at in nameless if any(row[at : at + 1] and row[at].strip() for row in rows[1:])]
        which = ", ".join(str(at + 1) for at in nameless)
        what = f"not empty: {', '.join(str(at + 1) for at in filled)}" if filled else "empty"
        notes.append(f"columns without a name in the header are left out: column {which} ({what})")
    return notes


def _titled(lines: Sequence[str], delimiter: str) -> str:
    """Return what stands above the header of a text, if anything does, whatever separates the values below it."""
    for each in dict.fromkeys((delimiter, *heads.SPELLED)):
        rows = heads.records(lines, each)
        if n := heads.titles(rows):
            return _said(rows[0], rows[n])
    return ""


def _titled_sheet(item: Item) -> str:
    from evergreen.data.ingest import sheets

    with readers.parsing(item):
        rows = sheets.first_rows(item, heads.MOST_LINES)
    n = heads.titles(rows)
    return _said(rows[0], rows[n]) if n else ""


def _said(title: Sequence[str], header: Sequence[str]) -> str:
    """Return a table's first title and its header, as a person finds them."""
    first = next(value for value in title if value.strip())
    shown = ", ".join(map(repr, header[:4])) + (", …" if len(header) > 4 else "")
    return f"{first!r} stands above what looks like the header ({shown})"


def _about_sheets(item: Item) -> tuple[str, ...]:
    from evergreen.data.ingest import sheets

    with readers.parsing(item):
        first, *others = sheets.names(item)
    return (f"only the first sheet is read, '{first}', and not: {', '.join(others)}",) if others else ()
