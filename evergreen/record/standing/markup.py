"""Small pieces of the page. What comes from data passes through `text`; what else is given here is markup already."""

from collections.abc import Iterable, Mapping

from evergreen.record.registry.card.webpage import text
from evergreen.record.standing.values import State


def glyph(state: State) -> str:
    """Return the shape of a state, which never stands without its word nearby."""
    return f'<svg class="glyph {state}" aria-hidden="true"><use href="#{state}"/></svg>'


def word(state: State) -> str:
    """Return the shape and the word of a state."""
    return f'<span class="state {state}">{glyph(state)}{state}</span>'


def facts(rows: Mapping[str, str], *, kind: str = "", more: str = "") -> str:
    """Return what things are called and what they are; the values are text."""
    shown = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in rows.items())
    return f'<dl class="facts {kind}">{shown}{more}</dl>'


def unknown(says: str, resolve: str) -> str:
    """Return what is not known, and what would tell."""
    return f'<p class="unknown">{glyph("UNKNOWN")}<span><b>UNKNOWN: {text(says)}.</b> {text(resolve)}</span></p>'


def meter(share: float) -> str:
    """Return a bar that is full at 1."""
    return f'<span class="meter"><i style="width:{min(max(share, 0.0), 1.0) * 100:.1f}%"></i></span>'


def table(columns: Mapping[str, str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table, which on a narrow page is a block for each row.

    Parameters
    ----------
    columns : the class of each column by its heading: ``k`` names the row, ``n`` is a number, ``v`` stands beside the
        name where it is narrow, ``wide`` on a line of its own, ``minor`` not at all.
    rows : the markup of each cell.
    """
    heads = "".join(f'<th class="{kind}">{name}</th>' for name, kind in columns.items())
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{kind}" data-l="{name}">{cell}</td>'
            for (name, kind), cell in zip(columns.items(), row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
