"""A document in Markdown (CommonMark with GitHub's tables), in which nothing that came from data is acted on."""

import re
from collections.abc import Sequence

from evergreen.record.registry.card.document import (
    Block,
    Cell,
    Command,
    Document,
    Facts,
    Heading,
    Interval,
    Items,
    Paragraph,
    Rows,
    ToDo,
    Token,
    number,
    plain,
)
from evergreen.record.registry.card.values import Logged

# What begins something inside a line: code, emphasis, links, HTML, entities, cells, mentions, formulas; and what makes
# a link of a bare address: "://", "www.", the dot before letters.
ACTING = re.compile(r"[\\`*_\[\]<>|~&$@{}]|:(?=/)|/(?=/)|\.(?=[^\W\d_])")
FIRST = re.compile(r"^([#+\-=:]|\d+[.)](?= |$))")  # what begins a heading, a list or a rule, at the start of a line
EMPTY = "(empty)"
CODE = re.compile(r"[\w.:/@+=,-]+", re.ASCII)  # what a span of code may hold without being torn or ended


def render(document: Document) -> str:
    """Return the page; it ends with a newline."""
    head = f"# {text(document.kind)}: {text(document.title)}"
    return "\n\n".join([head, *map(_block, document.blocks)]) + "\n"


def text(written: str) -> str:
    """Return a text as it is shown by any renderer: on one line, acted on nowhere.

    Examples
    --------
    >>> text("<b>1 * 2</b> | see [this](http://a.example)")
    '\\\\<b\\\\>1 \\\\* 2\\\\</b\\\\> \\\\| see \\\\[this\\\\](http\\\\:\\\\//a\\\\.example)'
    """
    escaped = ACTING.sub(lambda found: f"\\{found[0]}", plain(written))
    return FIRST.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", escaped)


def items(lines: Sequence[str]) -> str:
    """Return texts as a list."""
    return "\n".join(f"- {text(line) or EMPTY}" for line in lines)


def _block(block: Block) -> str:
    match block:
        case Heading(level, title):
            return f"{'#' * level} {text(title)}"
        case Paragraph(written):
            return text(written) or EMPTY
        case Items(texts):
            return items(texts)
        case Command(typed):
            return f"```sh\n{plain(typed).replace('`', '')}\n```"
        case ToDo(written):
            return f"> **To be completed by a person:** {text(written)}"
        case Facts(rows):
            return _table(("", ""), [(name, cell) for name, cell in rows if cell is not None])
        case Rows(head, rows):
            return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    lines = [[text(name) for name in head], ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Logged():
            return number(cell)
        case Interval(low, high):
            return f"{number(low)} to {number(high)}"
        case Token(name):
            return f"`{name}`" if CODE.fullmatch(name) else text(name)
        case str():
            return text(cell)
