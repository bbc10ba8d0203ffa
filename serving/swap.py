"""The running service follows the ledger: a new champion is verified, loaded and tried beside the one that answers."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal

from evergreen.base.errors import ResourceError, Unavailable
from evergreen.decisions.automation.degrees import Automation
from evergreen.decisions.rollout.traffic import Traffic
from evergreen.learning.model.release import Release
from serving import last_degree, last_served
from serving.arms import SETTLED, Arms, Routed
from serving.loading import NotLoaded, line, load
from serving.routing import Routing
from serving.served import Served

if TYPE_CHECKING:
    from serving.app import Service
    from serving.champions import Champions, Known

LOOK_SECONDS = 3.0
LONGEST_LOOK_SECONDS = 8.0  # while the ledger does not answer; a promotion is taken within 10 s of its return too
SHORTEST_PAUSE = 0.5  # after a look that took longer than the time between two
SWAP_SECONDS = 30.0
RELOAD_SECONDS = 15.0  # less than what a service that ends leaves to open requests
What = Literal["swapped", "unchanged", "refused", "restart", "waiting", "unavailable"]
Source = Literal["ledger", "last served", "package"]
NO_EPOCH = 0  # of a service that does not answer with the ledger's champion: no rule is of it
STAYS = ("swapped", "unchanged", "refused", "restart")  # until the ledger changes
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What came of a look at the ledger: the version that answers now, the champion, and why they differ if they do.

    `outcome`: "refused" of a champion that is damaged, not signed or does not answer as it should; "restart" of one
    that needs other code than runs; "waiting" while its package is not here; "unavailable" while the ledger does not
    answer.
    """

    outcome: What
    version: int
    champion: int | None = None
    why: str = ""


class Follower:
    """Keeps a service answering with the ledger's champion, from a thread of its own.

    Whatever goes wrong, the release that answers keeps answering. A champion that is refused is tried again when the
    ledger changes, or when somebody asks for it.

    Attributes
    ----------
    source : how it is known that this release is the one to serve: "ledger", "last served", or "package" of one that
        was started from a package and follows nothing.
    tell_others : asks the other workers to look too.
    """

    def __init__(self, service: "Service", *, source: Source = "package") -> None:
        self.source: Source = source
        self.tell_others: Callable[[], object] = lambda: None
        self._service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._wake, self._is_over = threading.Event(), False
        self._asked: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._champions: Champions | None = None
        self._last: tuple[int, Outcome] | None = None  # of the epoch that was looked at last
        self._told: Outcome | None = None
        self._arms = Arms(service.settings)
        self._routed = Routed("ended")
        self._seen_traffic: tuple[Traffic | None, Served, int] | None = None
        self._thread = threading.Thread(target=self._follow, name="follow-champion", daemon=True)

    @property
    def follows(self) -> bool:
        return self._loop is not None

    @property
    def routed(self) -> Routed:
        """What came of the rule of traffic that was looked at last."""
        return self._routed

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look; `loop` is where the service answers."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Look no more; one that has begun ends with the process."""
        self._is_over = True
        self._wake.set()

    def ask(self) -> Future[Outcome]:
        """Have the ledger looked at now, and a champion that was refused tried again; return what will come of it."""
        answer: Future[Outcome] = Future()
        self._asked.put(answer)
        self._wake.set()
        return answer

    def look(self, *, anew: bool = False) -> Outcome:
        """Look at the ledger once, and take its champion if it is another one; blocks while that is loaded.

        Parameters
        ----------
        anew : try a champion again that was refused.
        """
        with self._lock:
            try:
                outcome = self._look(anew)
            except Exception as error:  # whatever it is, the release that answers goes on
                log.debug("the ledger cannot be read", exc_info=True)
                outcome = self.unavailable(line(error))
            self._tell(outcome)
            return outcome

    def unavailable(self, why: str) -> Outcome:
        """Return the outcome of a look at a ledger that does not answer."""
        return self._outcome("unavailable", why=why)

    def _follow(self) -> None:
        self._remember()
        apart = pause = LOOK_SECONDS  # whoever started the service has just looked
        while True:
            self._wake.wait(pause)
            if self._is_over:
                return
            self._wake.clear()
            asked = [self._asked.get() for _ in range(self._asked.qsize())]
            began = time.monotonic()
            outcome = self.look(anew=bool(asked))
            for answer in asked:
                if answer.set_running_or_notify_cancel():
                    answer.set_result(outcome)
            worse = outcome.outcome == "unavailable"
            apart = min(LONGEST_LOOK_SECONDS, 2 * apart) if worse else LOOK_SECONDS
            pause = max(SHORTEST_PAUSE, apart - (time.monotonic() - began))

    def _look(self, anew: bool) -> Outcome:
        champions, model = self._opened(), self._answering.model
        epoch = champions.epoch(model)
        self._follow_degree(champions.automation(model))
        if self._last and self._last[0] == epoch and not anew and self._last[1].outcome in STAYS:
            before = self._last[1]
            outcome = replace(before, outcome="unchanged", why="") if before.outcome == "swapped" else before
        else:
            outcome = self._take(champions.known(model))
            self._last = epoch, outcome
        answers = outcome.champion == self._answering.version
        self._route(champions, epoch if answers else NO_EPOCH, anew)
        return outcome

    def _follow_degree(self, automation: Automation | None) -> None:
        """Let it hold for what is answered from now on, if another one stands in the ledger."""
        before = self._service.automation
        if automation == before:
            return
        self._in_loop(lambda: self._service.decide_by(automation))
        last_degree.write(self._service.settings.home, self._answering.model, automation)
        degree = automation.degree if automation else "auto"
        log.info("the degree of automation is %s now, %s before", degree, before.degree if before else "auto")

    def _opened(self) -> "Champions":
        if self._champions is None:
            from serving.champions import Champions  # which takes a while: the first answers need not wait for it

            self._champions = Champions(self._service.settings)
        return self._champions

    def _take(self, known: "Known") -> Outcome:
        """Make a champion answer, unless it does already or must not."""
        release, began = known.release, time.monotonic()
        if release == self._answering:
            self.source = "ledger"
            return self._outcome("unchanged", champion=release.version)
        try:
            loaded = self._arms.held(known) or load(release, known.package, self._service.settings)
        except NotLoaded as error:
            log.debug("version %d cannot be loaded", release.version, exc_info=True)
            return self._outcome(error.outcome, champion=release.version, why=error.why)
        self._between_steps(partial(self._service.swap, loaded.served))
        self.source = "ledger"
        self._remember(loaded.digest)
        other = f"; its {loaded.other} runs after a restart" if loaded.other else ""
        why = f"loaded in {time.monotonic() - began:.1f} s{other}"
        return self._outcome("swapped", champion=release.version, why=why)

    def _route(self, champions: "Champions", epoch: int, anew: bool) -> None:
        """Take up the rule of traffic that the ledger has, or leave the one that stood."""
        served, before = self._service.loaded(), self._service.routing
        traffic = champions.traffic(served.release.model)
        now = (traffic, served, epoch)
        if self._seen_traffic == now and self._routed.outcome in SETTLED and not (anew and before is None):
            return
        routing = (
            None
            if traffic is None
            else self._arms.routing(traffic, served, epoch, partial(champions.version, served.release.model))
        )
        if isinstance(routing, Routing):
            routed = Routed("routed", routing.traffic.rule)
        else:
            routed, routing = routing or Routed("ended"), None
        if routing is not None or before is not None:
            self._between_steps(partial(self._service.route, routing))
        if routing is None:
            self._arms.forget()
        self._seen_traffic = now
        self._tell_routed(routed)

    def _tell_routed(self, routed: Routed) -> None:
        """Log and count what is news of a rule."""
        before, self._routed = self._routed, routed
        if routed == before:
            return
        if routed.outcome == "routed":
            log.info("traffic is divided by %s", routed.rule)
        elif routed.outcome == "ended":
            log.info("the champion answers alone")
        else:
            log.error("the champion answers alone: %s is %s: %s", routed.rule, routed.outcome, routed.why)
        self._in_loop(partial(self._service.metrics.routed, routed.outcome))

    def _between_steps(self, change: Callable[[], object]) -> None:
        """Change what answers in the event loop, between two of its steps: what counts there belongs to its thread."""
        done = threading.Event()

        def changed() -> None:
            change()
            done.set()

        self._in_loop(changed)
        done.wait(SWAP_SECONDS)

    def _in_loop(self, call: Callable[[], object]) -> None:
        """Have the event loop do something; one that has ended needs nothing done any more."""
        assert self._loop
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)

    def _remember(self, digest: str | None = None) -> None:
        """Keep what is served as the copy to start from; where it cannot be written the service goes on without."""
        digest = digest or self._service.settings.package_digest
        if digest:
            try:
                last_served.write(self._service.settings.home, self._answering, digest)
            except ResourceError as error:
                log.warning("what is served is not kept for the next start: %s", error)

    @property
    def _answering(self) -> Release:
        return self._service.loaded().release

    def _outcome(self, what: What, *, champion: int | None = None, why: str = "") -> Outcome:
        served = self._service.served
        return Outcome(what, served.release.version if served else 0, champion, why)

    def _tell(self, outcome: Outcome) -> None:
        """Log and count what is news; a look that finds what the last one found says nothing."""
        news = replace(outcome, outcome="unchanged", why="") if outcome.outcome == "swapped" else outcome
        if news == self._told:
            return
        before, self._told = self._told, news
        if outcome.outcome == "swapped":
            log.info("version %d answers now, %s", outcome.version, outcome.why)
        elif outcome.outcome == "unavailable":
            log.warning("version %d keeps answering: the ledger does not: %s", outcome.version, outcome.why)
        elif outcome.outcome != "unchanged":
            text = "version %d keeps answering: champion %s is %s: %s"
            said = {"refused": "refused", "restart": "for a restart", "waiting": "not here yet"}[outcome.outcome]
            log.error(text, outcome.version, outcome.champion, said, outcome.why)
        elif before is not None and before.outcome == "unavailable":
            log.info("the ledger answers again; version %d is champion", outcome.version)
        if outcome.outcome != "unchanged":
            counted = outcome.outcome if outcome.outcome in ("swapped", "refused") else "failed"
            self._in_loop(partial(self._service.metrics.swapped, counted))


@asynccontextmanager
async def following(service: "Service") -> AsyncIterator[None]:
    """Follow the ledger while the block runs, if the settings say so."""
    if service.settings.follow_champion:
        service.follower.start(asyncio.get_running_loop())
    try:
        yield
    finally:
        service.follower.stop()


async def reload(service: "Service") -> Outcome:
    """Look at the ledger now, take its champion, and say what came of it; other workers are asked to do the same.

    A ledger that hangs is "unavailable" after `RELOAD_SECONDS`.

    Raises
    ------
    Unavailable if this service follows no ledger.
    """
    if not service.follower.follows:
        raise Unavailable(
            "SRV031",
            "this service follows no ledger: it serves the package that it was started from",
            next_step="Start it with evergreen serve, or with EVERGREEN_FOLLOW_CHAMPION=true.",
        )
    service.follower.tell_others()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(service.follower.ask()), RELOAD_SECONDS)
    except TimeoutError:
        return service.follower.unavailable(f"no answer within {RELOAD_SECONDS:g} s; /readyz names what is served")
