"""The rows of a request whose traffic is divided: who is to answer each, what it said, and who answers in its place."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from evergreen.decisions.rollout.traffic import CHAMPION, Arm, Why, fallen
from evergreen.learning.evaluation.estimates import Estimates
from evergreen.learning.model.release import Release
from evergreen.record.predictions.records import Logged
from serving.answers import Predicted, predicted
from serving.decoding import Decoded
from serving.lanes import LONGEST_SECONDS, Ask, Lane
from serving.metrics import Metrics
from serving.reading import Scalar
from serving.routing import Routing
from serving.shadowing import known

log = logging.getLogger(__name__)


class Divided(msgspec.Struct, eq=False):
    """The rows of a request under a rule: their ids, who was drawn for each, and what it said or why it said nothing.

    What nobody said the champion is to answer. `n_away`: variants that have not told yet.
    """

    routing: Routing
    rows: Sequence[Sequence[Scalar]]
    ids: list[str]
    arms: list[Arm]
    said: list[Predicted | None]
    fell: list[Why | None]
    n_away: int = 0

    @classmethod
    def of(cls, routing: Routing, decoded: Decoded, ids: list[str]) -> "Divided":
        arms = list(map(routing.drawn, decoded.rows, decoded.keys, ids))
        return cls(routing, decoded.rows, ids, arms, [None] * len(ids), [None] * len(ids))

    @property
    def is_the_champions(self) -> bool:
        """Whether the champion was drawn for all of it."""
        return all(arm.name == CHAMPION for arm in self.arms)

    @property
    def n_own(self) -> int:
        """How many rows the champion answers, its own or another's."""
        return self.said.count(None)

    @property
    def releases(self) -> list[Release]:
        """Which release answers each row."""
        variants, own = self.routing.variants, self.routing.champion.release
        return [
            own if said is None else variants[arm.name].release for arm, said in zip(self.arms, self.said, strict=True)
        ]

    def take(self, places: Sequence[int], said: Estimates | Why, variant: str) -> list[Why | None]:
        """Take what a variant said of the rows at some places; return of each why the champion answers it, if so."""
        whys: list[Why | None] = [said if isinstance(said, str) else None] * len(places)
        if not isinstance(said, str):
            release = self.routing.variants[variant].release
            whys = [None if is_known else "error" for is_known in known(said)]
            answers = predicted([self.ids[at] for at in places], said, release.threshold)
            for at, answer, why in zip(places, answers, whys, strict=True):
                answer.version = release.version
                self.said[at] = None if why else answer
        for at, why in zip(places, whys, strict=True):
            self.fell[at] = why
        return whys

    def name_in(self, records: Sequence[Logged]) -> None:
        """Say in the records of the rows who answered each, and by which rule that was so."""
        rule = self.routing.traffic.rule
        for record, arm, said, why in zip(records, self.arms, self.said, self.fell, strict=True):
            record.propensity = arm.share
            record.traffic_rule = fallen(rule, arm.name, why) if why else rule
            if said is not None:
                release = self.routing.variants[arm.name].release
                record.variant, record.version, record.model_digest = arm.name, release.version, release.model_digest


class Variants:
    """Asks the variants beside the champion, each in a lane of its own. It belongs to the event loop's thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lanes: dict[str, Lane] = {}
        self._routing: Routing | None = None

    def route(self, routing: Routing | None) -> None:
        """Close the lanes that this routing has no use for."""
        self._routing = routing
        kept = routing.variants if routing is not None and routing.divides else {}
        for name, lane in list(self._lanes.items()):
            if lane.served is not kept.get(name):
                self._lanes.pop(name).close()

    def ask(self, divided: Divided, done: Callable[[], object]) -> None:
        """Ask every variant that was drawn about its rows; `done` is called when all have told, or had their time."""
        routing = divided.routing
        places: dict[str, list[int]] = {}
        for place, arm in enumerate(divided.arms):
            if arm.name != CHAMPION:
                places.setdefault(arm.name, []).append(place)
        divided.n_away = len(places)
        slow_ms = routing.traffic.slow_ms
        for name, at in places.items():
            rows = routing.rows_for(name, [divided.rows[each] for each in at])
            lane = self._lane(routing, name)
            told = partial(self._told, divided, name, at, rows, done)
            lane.ask(Ask(rows, told), slow_ms / 1_000 if slow_ms else LONGEST_SECONDS)
            if lane is not self._lanes.get(name):
                lane.close()  # a rule that is over: nobody asks it again

    def _lane(self, routing: Routing, name: str) -> Lane:
        served, lane = routing.variants[name], self._lanes.get(name)
        if lane is None or lane.served is not served:
            lane = Lane(served, asyncio.get_running_loop(), partial(self._metrics.variant_took, name))
            if routing is self._routing:
                self._lanes[name] = lane
        return lane

    def _told(
        self,
        divided: Divided,
        name: str,
        places: list[int],
        rows: Sequence[Sequence[Scalar]],
        done: Callable[[], object],
        said: Estimates | Why,
    ) -> None:
        try:
            whys = divided.take(places, said, name)
            if not isinstance(said, str):
                self._metrics.predicted(divided.routing.variants[name], said.values, rows)
        except Exception:  # estimates that are none: its rows are the champion's
            log.debug("variant %s said what no answer can be made of", name, exc_info=True)
            whys = divided.take(places, "error", name)
        for why in ("error", "slow"):
            self._metrics.variant_fell_back(name, why, whys.count(why))
        self._metrics.variant_failed(name, whys.count("error"))
        self._metrics.variant_answered(name, whys.count(None))
        divided.n_away -= 1
        if divided.n_away == 0:
            done()
