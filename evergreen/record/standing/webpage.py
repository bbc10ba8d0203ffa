"""How things stand, as one page that asks nobody for anything, in which nothing that came from data is acted on."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from evergreen.record.registry.card.webpage import text
from evergreen.record.standing import pictures, tables
from evergreen.record.standing.markup import facts, glyph, unknown, word
from evergreen.record.standing.style import GLYPHS, STYLE
from evergreen.record.standing.values import Part, Standing, State, Tile, Told
from evergreen.record.standing.words import day

MOST_INCIDENTS = 10
# What a browser may load for this page: nothing but its own style and the picture in its tab, which is empty.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
ORDER: dict[State, int] = {"BAD": 0, "UNKNOWN": 1, "NOTE": 2}  # of what would help


def render(found: Standing) -> str:
    """Return the page."""
    parts = (
        _head(found),
        f'<div class="tiles">{"".join(map(_tile, found.tiles))}</div>',
        _incidents([one for one in found.incidents if one.until is None], title="Open incidents", over=False),
        _help(found.tiles),
        _review(found),
        tables.rollouts(found),
        _performance(found),
        _traffic(found),
        tables.inputs(found),
        tables.experiments(found),
        tables.bandits(found),
        tables.decisions(found),
        tables.windows(found.windows),
        _incidents([one for one in found.incidents if one.until], title="Incidents that are over", over=True),
        _provenance(found),
        "<footer>Read from the ledger alone, and from the service where it answers. The same for programs: "
        "evergreen report --json</footer>",
    )
    body = "\n".join(filter(None, parts))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{found.state}: {text(found.model)}</title><style>{STYLE}</style></head>\n"
        f"<body>{GLYPHS}<main>\n{body}\n</main></body></html>\n"
    )


def _head(found: Standing) -> str:
    when = f"{'as it stood on' if found.past else 'as of'} {day(found.at)}, {found.at:%H:%M} UTC"
    return f'<p class="eyebrow"><b>{text(found.model)}</b><span>{when}</span></p>\n<h1>{text(found.sentence)}</h1>'


def _tile(tile: Tile) -> str:
    others = "".join(
        f"<li>{glyph(part.state)}<span>{_unless_ok(part.state)}{text(part.says)}</span></li>"
        for part in tile.parts
        if part.says != tile.headline
    )
    return (
        f'<article class="tile is-{tile.state}"><header><h2>{tile.name}</h2>{word(tile.state)}</header>'
        f'<p class="headline">{text(tile.headline)}</p><ul class="parts">{others}</ul></article>'
    )


def _unless_ok(state: State) -> str:
    return "" if state == "OK" else f'<b class="{state}">{state}</b> '


def _help(tiles: Iterable[Tile]) -> str:
    """Return what somebody can do, the worst first; a part that several tiles share is told once."""
    found: dict[tuple[State, str, str | None], tuple[list[str], Part]] = {}
    for tile in tiles:
        for part in tile.parts:
            if part.state != "OK":
                found.setdefault((part.state, part.says, part.resolve), ([], part))[0].append(tile.name)
    lines = "".join(
        f'<li><span class="where">{glyph(part.state)}<span>{", ".join(names)}</span></span>'
        f'<span>{text(part.says)}</span><span class="do">{text(part.resolve or "")}</span></li>'
        for names, part in sorted(found.values(), key=lambda one: ORDER[one[1].state])
    )
    return f'<section><h2>What would help</h2><ul class="next">{lines}</ul></section>' if lines else ""


def _incidents(found: Sequence[Told], *, title: str, over: bool) -> str:
    lines = []
    for one in sorted(found, key=lambda one: one.since, reverse=True)[:MOST_INCIDENTS]:
        when = f"from {day(one.since)} to {day(one.until)}" if one.until else f"since {day(one.since)}"
        about = f": {text(one.subject)}" if one.subject else ""
        next_step = "" if over else f"<p>{text(one.next_step)} <code>{text(one.runbook)}</code></p>"
        lines.append(
            f'<div class="incident {one.severity}{" over" * over}"><h3>{text(one.title)}{about}</h3>'
            f'<p class="when">{one.severity} {when}</p><p class="evidence">{text(one.evidence)}</p>{next_step}</div>'
        )
    return f"<section><h2>{title}</h2>{''.join(lines)}</section>" if lines else ""


def _performance(found: Standing) -> str:
    champion = _champion(found)
    if not any(window.value is not None or window.estimated is not None for window in found.windows):
        nothing = unknown("no window was measured or estimated", "Looks measure one once its labels are complete")
        return f'<section class="two"><div><h2>How good the answers are</h2>{nothing}</div>{champion}</section>'
    losses = ""
    if any(window.loss is not None or window.estimated_loss is not None for window in found.windows):
        named = f"Loss of a label beside the promise: {text(found.loss or '')}, lower is better"
        losses = f"<h3>{named}</h3>{pictures.losses(found)}"
    return (
        f'<section class="two"><div><h2>How good the answers are: {text(found.metric or "")}</h2>'
        '<p class="about">Solid: measured once labels are complete, with its interval. Dashed: expected without '
        "labels, blind to a change of what follows from the inputs. Above: the version that answered.</p>"
        f"{pictures.performance(found)}{losses}</div>{champion}</section>"
    )


def _review(found: Standing) -> str:
    """Return what waits for people; nothing where the model refers nothing."""
    review = found.review
    if review is None or not review.referred:
        return ""
    rows = {"rows that wait": f"{review.waiting:,}", "referred so far": f"{review.referred:,}"}
    if review.oldest:
        rows["the oldest since"] = f"{day(review.oldest)}, {review.oldest:%H:%M} UTC"
    how = "A person answers them at /review of the service, or with evergreen review next."
    return f'<section><h2>For people to answer</h2><p class="about">{how}</p>{facts(rows)}</section>'


def _champion(found: Standing) -> str:
    champion = found.champion
    if champion is None:
        part = max(found.tiles[0].parts, key=lambda part: part.state == "UNKNOWN")
        return f"<div><h2>Champion</h2>{unknown(part.says, part.resolve or '')}</div>"
    rows = {
        "version": f"{champion.version}",
        "since": f"{day(champion.since)}, {champion.since:%H:%M} UTC",
        f"{champion.kind} by": champion.by,
        "rows until": day(champion.made_of - timedelta(days=1)) if champion.made_of else "a table without time",
        "champions so far": f"{len({version for version, _ in found.reigns})}",
    }
    shown = found.metric if found.metric in champion.metrics else next(iter(champion.metrics), None)
    if shown:
        rows[f"{shown} at the gate"] = f"{champion.metrics[shown]:.4f}"
    why = f'<div class="why"><dt>why</dt><dd>{text(champion.why)}</dd></div>' if champion.why else ""
    return f"<div><h2>Champion</h2>{facts(rows, more=why)}</div>"


def _traffic(found: Standing) -> str:
    if not found.windows and not found.answering:
        return ""
    drawn, labels = "", ""
    if found.windows:
        drawn = (
            '<p class="about">Rows of each window: filled where they were served, hollow where looks took the '
            f"source's; refused ones in amber below.</p>{pictures.traffic(found)}"
        )
        labels = (
            '<div><h2>Labels</h2><p class="about">Share of the due labels that came, and what a day needs to be '
            f"judged.</p>{pictures.coverage(found)}</div>"
        )
    latency = _latency(found)
    return f'<section class="halves"><div><h2>Traffic and latency</h2>{drawn}{latency}</div>{labels}</section>'


def _latency(found: Standing) -> str:
    live = found.answering
    if live is None or found.latency.state == "UNKNOWN":
        return unknown(f"latency {found.latency.says}", found.latency.resolve or "")
    within = {"half": live.p50, "95 %": live.p95, "99 %": live.p99}
    rows = {
        f"{share} within": "more than 10 s" if at is None else f"{at * 1000:.3g} ms" for share, at in within.items()
    }
    return facts({**rows, "requests": f"{live.requests:,}", "of them without an answer": f"{live.failures:,}"})


def _provenance(found: Standing) -> str:
    shown = "".join(
        f"<div><dt>{text(name)}</dt><dd><code>{text(value)}</code></dd></div>" for name, value in found.provenance
    )
    return f'<section><h2>Where this comes from</h2><dl class="facts names">{shown}</dl></section>' if shown else ""
