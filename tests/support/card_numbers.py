"""The numbers of a card, read back from its Markdown by a parser that knows nothing of how it was written."""

import functools
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NAMED = {
    "rows kept": "rows_kept",
    "rows set aside": "rows_quarantined",
    "rows it was fitted on": "rows_train",
    "rows it was judged on": "rows_gate",
    "answered with true from a probability of": "threshold",
}
AS_THEY_ARE = ("better is", "unit")


@functools.lru_cache(maxsize=4)
def parsed(markdown: str) -> list[Token]:
    """Return what the parser makes of a page."""
    return PARSER.parse(markdown)


def tables(markdown: str) -> Iterator[list[list[str]]]:
    """Yield every table as rows of cells, the head first."""
    rows: list[list[str]] = []
    for token in parsed(markdown):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows:
            rows[-1].append(said(token))
        elif token.type == "table_close":
            yield rows
            rows = []


def said(token: Token) -> str:
    """Return what a reader sees of an inline token."""
    return "".join(child.content for child in token.children or [])


def numbers(markdown: str) -> dict[str, str]:
    """Return every number of a card as it is shown, by the name that the card says it is logged under."""
    found: dict[str, str] = {}
    for head, *rows in tables(markdown):
        if head == ["", ""]:
            found |= {NAMED[name]: shown for name, shown in rows if name in NAMED}
        elif head[0] == "metric":
            for metric, *cells in rows:
                found |= _of_metric(metric, dict(zip(head[1:], cells, strict=True)))
        elif head[1] == "logged as":
            for _, place, *cells in rows:
                found |= {f"{place}.{what}": shown for what, shown in zip(head[2:], cells, strict=True)}
    return {name: shown for name, shown in found.items() if shown}


def _of_metric(metric: str, cells: dict[str, str]) -> dict[str, str]:
    named = {"value": metric, "model": metric, "before": f"{metric}_before", "after": f"{metric}_after"}
    named |= {f"gain_{end}": f"gain_{metric}_{end}" for end in ("low", "high")}
    found: dict[str, str] = {}
    for column, shown in cells.items():
        if column == "interval":
            found |= dict(zip((f"{metric}_low", f"{metric}_high"), shown.split(" to "), strict=False))
        elif column not in AS_THEY_ARE:
            found[named.get(column, f"{column}_{metric}")] = shown
    return found


def is_shown_of(shown: str, value: float) -> bool:
    """Return whether a number is the value, rounded to the digits that are shown."""
    digits = shown.replace(",", "")
    mantissa, _, exponent = digits.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return abs(float(digits) - value) <= 0.5000001 * 10.0**-decimals
