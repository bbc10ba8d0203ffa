"""A document as one page that needs no network, in which nothing that came from data is acted on."""

import html
from collections.abc import Iterator, Sequence

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

WIDTH, HEIGHT, MARGIN = 160, 16, 6  # of an interval's picture, in pixels
STYLE = """
:root{color-scheme:light dark;--ink:#1c2321;--soft:#5c6a66;--line:#dfe5e2;--paper:#fff;--raised:#f5f8f6;--green:#1a7f4e;
--amber:#9a6700;--red:#b42318;--mark:#8a9793}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebe8;--soft:#9aa7a2;--line:#2e3835;--paper:#121715;--raised:#1a211e;
--green:#4cc38a;--amber:#e0a83d;--red:#f0837a;--mark:#71807a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.5rem 4rem}
header{border-bottom:1px solid var(--line);padding-bottom:1rem;margin-bottom:1.5rem}
header p{margin:0;color:var(--soft);font-size:.85rem;letter-spacing:.06em;text-transform:uppercase}
h1{margin:.2rem 0 0;font-size:1.9rem;line-height:1.2;overflow-wrap:anywhere}
h2{margin:2.6rem 0 .8rem;font-size:1.25rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{margin:1.5rem 0 .4rem;font-size:1rem}
p,ul{max-width:46rem;margin:.5rem 0}
li{margin:.25rem 0}
.badge{display:inline-block;margin-left:.7rem;padding:.12rem .6rem;border-radius:1rem;font-size:.85rem;font-weight:600;
vertical-align:.35rem;letter-spacing:.03em;color:var(--paper);background:var(--soft)}
.PASS{background:var(--green)}.INCONCLUSIVE{background:var(--amber)}.FAIL{background:var(--red)}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;min-width:60%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.38rem 1.4rem .38rem 0;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:500;white-space:nowrap}
tbody th{color:var(--soft);font-weight:500;width:14rem}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody th+td{overflow-wrap:anywhere}
.note{color:var(--soft);font-size:.85rem;margin-top:-.3rem}
code{font:.86em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--raised);border:1px solid var(--line);border-radius:.4rem;padding:.7rem .9rem;overflow-x:auto}
.todo{border-left:3px solid var(--amber);background:var(--raised);padding:.5rem .9rem;margin:.7rem 0;max-width:46rem}
.interval{display:flex;gap:.7rem;align-items:center;white-space:nowrap;font-variant-numeric:tabular-nums}
svg{flex:none;overflow:visible}
.axis{stroke:var(--line)}.span{stroke:var(--green);stroke-width:4;stroke-linecap:round}.at{fill:var(--green);
stroke:var(--paper);stroke-width:1.5}.other{stroke:var(--mark);stroke-width:1.5}
@media print{body{font-size:11px}main{max-width:none;padding:0}h2{break-after:avoid}tr,.todo{break-inside:avoid}
.scroll{overflow:visible}}
"""


def render(document: Document) -> str:
    """Return the page."""
    title, kind = text(document.title), text(document.kind)
    badge = (
        f'<span class="badge {_class(document.verdict)}">{text(document.verdict)}</span>' if document.verdict else ""
    )
    body = "\n".join(map(_block, document.blocks))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{kind}: {title}</title><style>{STYLE}</style></head>\n<body><main>\n"
        f"<header><p>{kind}</p><h1>{title}{badge}</h1></header>\n{body}\n</main></body></html>\n"
    )


def text(written: str) -> str:
    """Return a text for a page: on one line, acted on nowhere."""
    return html.escape(plain(written))


def _class(verdict: str) -> str:
    return verdict if verdict in ("PASS", "FAIL", "INCONCLUSIVE") else "none"


def _block(block: Block) -> str:
    match block:
        case Heading(level, title):
            return f"<h{level}>{text(title)}</h{level}>"
        case Paragraph(written):
            return f"<p>{text(written)}</p>"
        case Items(texts):
            return f"<ul>{''.join(f'<li>{text(one)}</li>' for one in texts)}</ul>"
        case Command(typed):
            return f"<pre><code>{text(typed)}</code></pre>"
        case ToDo(written):
            return f'<p class="todo"><strong>To be completed by a person:</strong> {text(written)}</p>'
        case Facts(rows):
            cells = (f"<tr><th>{text(name)}</th>{_cell(cell)}</tr>" for name, cell in rows if cell is not None)
            return f'<div class="scroll"><table><tbody>{"".join(cells)}</tbody></table></div>'
        case Rows(head, rows):
            return _rows(head, rows)


def _rows(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    right = [all(isinstance(row[at], Logged | None) for row in rows) for at in range(len(head))]
    names = "".join(
        f'<th class="n">{text(name)}</th>' if is_right else f"<th>{text(name)}</th>"
        for name, is_right in zip(head, right, strict=True)
    )
    lines = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    marks = {name for row in rows for cell in row if isinstance(cell, Interval) for name, _ in cell.others}
    pictured = any(isinstance(cell, Interval) for row in rows for cell in row)
    ticks = f"; ticks: {', '.join(sorted(marks))}" if marks else ""
    note = f'<p class="note">Dot: the value; bar: its interval{text(ticks)}.</p>' if pictured else ""
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>{note}'


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return "<td></td>"
        case Logged():
            return f'<td class="n">{_number(cell)}</td>'
        case Interval(low, high):
            return (
                f'<td><span class="interval">{_picture(cell)}<span>{_number(low)} to {_number(high)}</span></span></td>'
            )
        case Token(name):
            return f"<td><code>{text(name)}</code></td>"
        case str():
            return f"<td>{text(cell)}</td>"


def _number(logged: Logged) -> str:
    return f'<data value="{logged.value!r}" title="{text(logged.name)}">{number(logged)}</data>'


def _picture(interval: Interval) -> str:
    """Return an interval with its value, and ticks where others lie, on a line from the least to the greatest."""
    ends = [interval.low.value, interval.high.value, interval.value.value, *(one.value for _, one in interval.others)]
    least, most = min(ends), max(ends)
    spread = most - least or 1.0

    def at(value: float) -> str:
        return f"{MARGIN + (value - least) / spread * (WIDTH - 2 * MARGIN):.1f}"

    others = [(name, at(one.value)) for name, one in interval.others]
    low, high, value = (at(one.value) for one in (interval.low, interval.high, interval.value))
    return "".join(_shapes(interval, low, high, value, others))


def _shapes(interval: Interval, low: str, high: str, value: str, others: list[tuple[str, str]]) -> Iterator[str]:
    middle = HEIGHT // 2
    said = "; ".join(f"{name} {number(one)}" for name, one in interval.others)
    yield f'<svg width="{WIDTH}" height="{HEIGHT}" role="img"><title>{text(said or "interval")}</title>'
    yield f'<line class="axis" x1="0" x2="{WIDTH}" y1="{middle}" y2="{middle}"/>'
    for name, place in others:
        tick = f'<line class="other" x1="{place}" x2="{place}" y1="2" y2="{HEIGHT - 2}">'
        yield f"{tick}<title>{text(name)}</title></line>"
    yield f'<line class="span" x1="{low}" x2="{high}" y1="{middle}" y2="{middle}"/>'
    yield f'<circle class="at" cx="{value}" cy="{middle}" r="4.5"/></svg>'
