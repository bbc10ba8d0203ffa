"""How a model stands, from the ledger alone and what a running service says of itself."""

from collections.abc import Sequence
from datetime import datetime

from evergreen.record.bandits import bandits
from evergreen.record.experiments.kept import experiments
from evergreen.record.glances import Glance
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry.history import Reign
from evergreen.record.standing import parts
from evergreen.record.standing.rows import rows
from evergreen.record.standing.tiles import Asked, complete_until, tiles, without_champion, without_ledger
from evergreen.record.standing.values import Answering, Part, Standing, Tile, worst
from evergreen.record.standing.words import day, period

MOST_EXPERIMENTS = 5
LATENCY = "The service counts it while it runs: open its /status, or its /metrics"


def standing(
    ledger: Ledger,
    model: str,
    *,
    at: datetime,
    past: bool = False,
    next_look: datetime | None = None,
    answering: Answering | None = None,
) -> Standing:
    """Return how a model stands at a time, or stood then; of the ledger only rows that were there by then are read.

    Parameters
    ----------
    at : in UTC.
    past : whether `at` was asked for; nothing is known then of what a service says or will be looked at.
    next_look : by the schedule; None where nobody keeps one.
    answering : what a running service says of itself; None where none was asked.

    Raises
    ------
    IntegrityError if the ledger is not whole, or an entry does not hold what its kind says; Unavailable if it does not
    answer.
    """
    known = rows(ledger, model, at=at)
    reign = known.reign(at)
    looks = known.looks
    found = without_champion()
    if reign:
        found = tiles(Asked(reign=reign, rows=known, at=at, next_look=next_look, answering=answering))
    last = looks[-1] if looks else None
    filled = next((look for look in reversed(looks) if look.rows), last)
    return Standing(
        model=model,
        at=at,
        past=past,
        sentence=sentence(reign, found, looks, at=at, next_look=next_look, past=past),
        tiles=found,
        champion=parts.champion(reign) if reign else None,
        metric=last.performance.metric if last else None,
        loss=last.harm.promise.loss if last else None,
        next_look=next_look,
        answering=answering,
        latency=_latency(answering),
        windows=tuple(parts.window(look) for look in looks),
        reigns=parts.reigns(known.changes),
        inputs=parts.inputs(filled) if filled else (),
        inputs_of=period(filled.start, filled.end) if filled else None,
        decisions=parts.decided(known),
        incidents=parts.told(known),
        rollouts=parts.rolled_out(known),
        provenance=parts.provenance(reign, known.last),
        experiments=tuple(experiments(ledger, model, at=at)[-MOST_EXPERIMENTS:]),
        bandits=bandits(ledger, model, at=at)[-MOST_EXPERIMENTS:],
    )


def sentence(
    reign: Reign | None,
    found: Sequence[Tile],
    looks: Sequence[Glance],
    *,
    at: datetime,
    next_look: datetime | None = None,
    past: bool = False,
) -> str:
    """Return how things stand in one sentence: who answers, how well, until when that is known, and what is next."""
    if reign is None:
        return f"Nobody {'answered' if past else 'answers'} yet: no version was promoted."
    since = f"Version {reign.version} {'had answered' if past else 'answers'} since {day(reign.entry.at)}"
    until = complete_until(looks)
    labels = f"labels complete to {day(until)}" if until else "no labels are complete yet"
    said = [f"{since}, {health(found)}", labels]
    if not past:
        said.append(f"next look {when(next_look, at)}" if next_look else "no look is scheduled here")
    return "; ".join(said) + "."


def health(found: Sequence[Tile]) -> str:
    """Return the worst of the tiles in words: what is bad is named, then what is not known, then notes."""
    state = worst(tile.state for tile in found)
    named = [tile for tile in found if tile.state == state]
    if state == "OK":
        return "healthy"
    if state == "NOTE":
        return f"healthy, with {'a note' if len(named) == 1 else 'notes'} on {listed(named)}"
    if state == "UNKNOWN":
        return f"not known to be healthy: {listed(named)} cannot be told"
    return f"not healthy: {'; '.join(f'{tile.name.lower()} ({tile.headline})' for tile in named)}"


def listed(found: Sequence[Tile]) -> str:
    """Return the names of tiles as people list them."""
    *first, last = [tile.name.lower() for tile in found]
    return f"{', '.join(first)} and {last}" if first else last


def when(then: datetime, now: datetime) -> str:
    """Return a time to come as people say it, with its time zone unless that is UTC.

    Examples
    --------
    >>> now, *later = (datetime.fromisoformat(f"2026-11-{at}:00+00:00") for at in ("24T20", "24T21", "25T02", "26T02"))
    >>> [when(then, now) for then in later]
    ['today 21:00', 'tonight 02:00', '26 Nov 2026 02:00']
    """
    zone = f" {then:%Z}" if then.utcoffset() else ""
    days = (then.date() - now.astimezone(then.tzinfo).date()).days
    if days == 0:
        return f"today {then:%H:%M}{zone}"
    if days == 1:
        return f"{'tonight' if then.hour < 6 else 'tomorrow'} {then:%H:%M}{zone}"
    return f"{day(then)} {then:%H:%M}{zone}"


def _latency(answering: Answering | None) -> Part:
    if answering is None:
        return Part(name="latency", state="UNKNOWN", says="not known from here", resolve=LATENCY)
    if answering.p50 is None:
        return Part(name="latency", state="UNKNOWN", says="no request yet", resolve="It follows with the first request")
    says = f"half of the requests within {_ms(answering.p50)}, 99 % within {_ms(answering.p99)}"
    return Part(name="latency", state="OK", says=says)


def _ms(seconds: float | None) -> str:
    return "more than 10 s" if seconds is None else f"{seconds * 1000:.3g} ms"


def unread(model: str, why: str, *, at: datetime, answering: Answering) -> Standing:
    """Return how a model stands while its ledger does not answer: what its service says, and the rest unknown.

    Parameters
    ----------
    why : why the ledger cannot be read.
    """
    found = without_ledger(answering, why)
    return Standing(
        model=model,
        at=at,
        past=False,
        sentence=f"Version {answering.version} answers; how well is not known: the ledger cannot be read.",
        tiles=found,
        champion=None,
        metric=None,
        loss=None,
        next_look=None,
        answering=answering,
        latency=_latency(answering),
        windows=(),
        reigns=(),
        inputs=(),
        inputs_of=None,
        decisions=(),
        incidents=(),
        provenance=(),
    )
