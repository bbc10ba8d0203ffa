"""Step: a registered and packaged version -> the champion."""

from prefect import task

from evergreen.config.settings import Settings
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import GATE, VersionFacts
from tasks.engine import RETRIED


@task(name="promote", timeout_seconds=600, **RETRIED)
def promote(
    facts: VersionFacts, *, expected_epoch: int, settings: Settings, fence: tuple[str, int] | None = None
) -> Champion:
    """Make a version champion in the ledger, as the gate decided.

    Parameters
    ----------
    fence : the name and the epoch of the lease that the training holds.

    Raises
    ------
    LostRace if another version was promoted since the candidate was judged, or the lease is somebody else's.
    """
    return Ledger.open(settings).promote(
        facts.judged.model,
        facts.version,
        {**facts.model_dump(mode="json"), "by": GATE, "reason": facts.judged.reason},
        expected_epoch=expected_epoch,
        fence=fence,
    )
