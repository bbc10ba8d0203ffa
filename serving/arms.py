"""The versions that a rule of traffic names, in memory beside the champion for as long as it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from evergreen.config.settings import Settings
from evergreen.decisions.rollout.traffic import CHAMPION, Traffic
from evergreen.learning.model.release import Release
from serving import loading
from serving.loading import Loaded, NotLoaded
from serving.routing import Routing, misfit
from serving.served import Served

if TYPE_CHECKING:  # it brings the ledger, which a service reads only once it answers
    from serving.champions import Known

Outcome = Literal["routed", "ended", "held", "waiting", "refused"]
SETTLED = ("routed", "refused")  # until the rule or the champion changes


@dataclass(frozen=True)
class Routed:
    """What came of a rule. `why` it is not taken up: the champion answers alone then.

    `outcome`: "held" of one that is of another champion than the one that answers; "waiting" while a package of it is
    not here; "refused" of a version that cannot answer what the champion is asked.
    """

    outcome: Outcome
    rule: str = ""
    why: str = ""


class Arms:
    """Loads what rules name, each version once; and lets go of what none names any more."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[int, Loaded] = {}

    def held(self, known: "Known") -> Loaded | None:
        """Return a version that is in memory already and is what the ledger knows of it."""
        loaded = self._loaded.get(known.release.version)
        is_it = loaded is not None and loaded.served.release == known.release and known.package == loaded.digest
        return loaded if is_it else None

    def routing(
        self, traffic: Traffic, champion: Served, epoch: int, known: Callable[[int], "Known | None"]
    ) -> Routing | Routed:
        """Return the routing of a rule, every version of which is checked as a champion is; or why there is none.

        Parameters
        ----------
        epoch : of the ledger's champion now.
        known : what the ledger knows of a version.
        """
        own = {arm.version for arm in traffic.arms if arm.name == CHAMPION}
        if traffic.epoch != epoch or own - {champion.release.version}:
            return Routed("held", traffic.rule, "it is of another champion than the one that answers")
        others: dict[int, Served] = {}
        for version in sorted({arm.version for arm in traffic.arms} - {champion.release.version}):
            try:
                others[version] = self._fitting(version, champion, known(version))
            except NotLoaded as error:
                outcome: Outcome = "waiting" if error.outcome == "waiting" else "refused"
                return Routed(outcome, traffic.rule, f"version {version}: {error.why}")
        self._loaded = {version: self._loaded[version] for version in others}
        return Routing.of(champion, traffic, others)

    def forget(self) -> None:
        """Let go of every version."""
        self._loaded = {}

    def _fitting(self, version: int, champion: Served, known: "Known | None") -> Served:
        if known is None:
            raise NotLoaded("refused", "the ledger does not know it")
        release: Release = known.release
        loaded = self.held(known) or loading.load(release, known.package, self._settings)
        why = misfit(champion, loaded.served)
        if why:
            raise NotLoaded("refused", why)
        self._loaded[version] = loaded
        return loaded.served
