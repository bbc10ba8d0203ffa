"""Step: a registered and packaged version -> the champion."""

from prefect import task

from evergreen.config.settings import Settings
from evergreen.record.ledger.champions import Champion
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts
from tasks.engine import RETRIED


@task(name="promote", timeout_seconds=600, **RETRIED)
def promote(facts: VersionFacts, *, expected_epoch: int, settings: Settings) -> Champion:
    """Make a version champion in the ledger.

    Raises
    ------
    LostRace if another version was promoted since the candidate was judged.
    """

    ledger = Ledger.open(settings)
    return ledger.promote(
        facts.judged.model, facts.version, facts.model_dump(mode="json"), expected_epoch=expected_epoch
    )
