"""How things stand, as values: one sentence, five tiles, and what is behind them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

from evergreen.base.values import Value
from evergreen.record.bandits import Bandit
from evergreen.record.experiments.kept import Experiment
from evergreen.record.review.values import Length

State = Literal["OK", "NOTE", "UNKNOWN", "BAD"]
WORSE: tuple[State, ...] = ("OK", "NOTE", "UNKNOWN", "BAD")
TileName = Literal["Serving", "Data", "Harm", "Freshness", "Decisions"]


class Part(Value):
    """One thing that was looked at. `resolve`: what to do about it, or what would tell; never None where UNKNOWN."""

    name: str
    state: State
    says: str
    resolve: str | None = None


class Tile(Value):
    """One of five questions; `state` is that of the worst of its parts, and `headline` says it in a few words."""

    name: TileName
    state: State
    headline: str
    parts: tuple[Part, ...]


class Champion(Value):
    """Who answers, since when, and who let it in; `made_of`: the day after its last row."""

    version: int
    since: datetime
    by: str
    why: str
    kind: str
    made_of: date | None
    metrics: dict[str, float]


class Window(Value):
    """What is known of a window: how good the answers were, by labels and by estimate, and how many there were.

    `value` of the model's metric with its interval, and `estimated` without labels; `loss` per label in [0, 1] beside
    `promised`; `coverage`: the labelled share of those that are due. None is what could not be told.
    """

    start: date
    end: date
    version: int
    as_of: datetime
    source: str
    rows: int
    refused: int
    value: float | None
    low: float | None
    high: float | None
    estimated: float | None
    loss: float | None
    estimated_loss: float | None
    promised: float | None
    labels: str
    n_due: int
    n_labelled: int
    coverage: float | None
    needed: float | None


class Input(Value):
    """A column that the model uses, in the last window; `effect`: how much the answers moved with its shift.

    `moved`: in standard deviations of a row. `missing`: its share before and now. `fault`: what is broken.
    """

    name: str
    state: State
    verdict: str
    effect: float | None
    moved: float | None
    missing: tuple[float | None, float | None]
    fault: str | None
    evidence: str


class Decided(Value):
    """What was decided after a window, and what came of it.

    `outcome`: promoted, refused, proposed, or None where nothing was made. `cost`: seconds of CPU; `gain`: what the
    candidate won over the champion on the same rows, as `gain_of` measures it; None where nobody measured it.
    """

    at: datetime
    start: date
    end: date
    version: int
    decision: Literal["retrain", "keep", "held back", "unknown"]
    why: str
    decided_by: str | None
    rung: str | None
    would_change: tuple[str, ...]
    outcome: str | None
    became: int | None
    training: bool
    cost: float | None
    gain: float | None
    gain_of: str | None


class RolledOut(Value):
    """A rollout: under way while `ended` is None. `says`: why it waits, or how it ended; `answered`: rows by then.

    `share`: of the traffic that the version answers, 0 in a shadow.
    """

    name: str
    version: int
    champion: int
    plan: str
    step: str
    share: float
    since: datetime
    ended: datetime | None
    did: str
    by: str
    says: str
    state: State
    answered: int


class Told(Value):
    """An incident: open while `until` is None. `runbook`: the page that says what to do, relative to the project."""

    title: str
    subject: str
    severity: Literal["page", "note"]
    since: datetime
    until: datetime | None
    evidence: str
    next_step: str
    runbook: str


class Answering(Value):
    """What a running service says of itself: requests since it started, and how fast predictions were answered.

    `p50` and so on: seconds within which that share of requests for predictions was answered, up to the width of a
    bucket; None before there was one.
    """

    version: int
    source: str
    ready: bool
    requests: int
    failures: int
    p50: float | None
    p95: float | None
    p99: float | None


class Standing(Value):
    """How a model stands at a time. `past`: whether that time was asked for; nothing later is in it then.

    `next_look`: by the schedule, None where there is none. `provenance`: what names the champion's parts and the ledger
    that all of this was read from. `experiments`, `bandits`: the last ones, oldest first. `review`: what waits for
    people, by the log; None where nobody looked.
    """

    model: str
    at: datetime
    past: bool
    sentence: str
    tiles: tuple[Tile, ...]
    champion: Champion | None
    metric: str | None
    loss: str | None
    next_look: datetime | None
    answering: Answering | None
    latency: Part
    windows: tuple[Window, ...]
    reigns: tuple[tuple[int, datetime], ...]
    inputs: tuple[Input, ...]
    inputs_of: str | None
    decisions: tuple[Decided, ...]
    incidents: tuple[Told, ...]
    provenance: tuple[tuple[str, str], ...]
    rollouts: tuple[RolledOut, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    bandits: tuple[Bandit, ...] = ()
    review: Length | None = None

    @property
    def state(self) -> State:
        """The worst of its tiles."""
        return worst(tile.state for tile in self.tiles)


def worst(states: Iterable[State]) -> State:
    """Return the worst of states; what is not known is worse than a note.

    Examples
    --------
    >>> worst(["OK", "UNKNOWN", "NOTE"])
    'UNKNOWN'
    """
    return max(states, key=WORSE.index, default="UNKNOWN")


def tile(name: TileName, *parts: Part) -> Tile:
    """Return a tile of parts, headed by the worst of them, and of equals the first."""
    state = worst(part.state for part in parts)
    return Tile(name=name, state=state, headline=next(part.says for part in parts if part.state == state), parts=parts)
