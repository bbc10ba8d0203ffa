"""Step: a registered and packaged version -> the champion."""

from prefect import task

from evergreen.config.settings import Settings
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import GATE, VersionFacts, directly
from tasks.engine import RETRIED


@task(name="promote", timeout_seconds=600, **RETRIED)
def promote(
    facts: VersionFacts,
    *,
    expected_epoch: int,
    settings: Settings,
    fence: tuple[str, int] | None = None,
    by: str = GATE,
    reason: str | None = None,
    direct: bool = False,
) -> Champion:
    """Make a version champion in the ledger, as the gate decided.

    Parameters
    ----------
    fence : the name and the epoch of the lease that the training holds.
    by, reason : who asked the gate and why, where a person did; by default the gate decides, for its own reason.
    direct : that it answers all traffic at once, where a champion answered before; kept with the promotion.

    Raises
    ------
    LostRace if another version was promoted since the candidate was judged, this one was rejected, or the lease is
    somebody else's.
    """
    return Ledger.open(settings).promote(
        facts.judged.model,
        facts.version,
        {**facts.model_dump(mode="json"), "by": by, "reason": reason or facts.judged.reason, **directly(direct)},
        expected_epoch=expected_epoch,
        unless=("rejection", str(facts.version)),
        fence=fence,
    )
