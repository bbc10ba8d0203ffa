"""The ledger as a service reads it: who is champion, and which package is the champion's."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from evergreen.base.errors import Unavailable
from evergreen.config.settings import Settings
from evergreen.decisions.automation.degrees import Automation
from evergreen.learning.model.release import Release
from evergreen.record import degree
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import champion_facts
from evergreen.record.registry import bentos

TRAIN = "Train one: evergreen run"


@dataclass(frozen=True)
class Known:
    """What the ledger knows of a champion: its release, and the digest of its package where one was kept."""

    release: Release
    package: str | None


class Champions:
    """The ledger of the settings. It is read and never made: a file that is gone is a ledger that does not answer.

    Nothing stays connected between two calls.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger: Ledger | None = None

    def epoch(self, model: str) -> int:
        """Return the number of the change that made the present champion; of the chain only what is new is read.

        Raises
        ------
        Unavailable if the ledger does not answer, or knows no champion; IntegrityError if it is damaged.
        """
        champion = self.ledger().champion(model)
        if champion is None:
            raise Unavailable("STA001", f"the ledger knows no champion of '{model}'", next_step=TRAIN)
        return champion.epoch

    def automation(self, model: str) -> Automation | None:
        """Return who decides on a model's answers; None where the ledger says nothing of it; the rest as `epoch`."""
        return degree.standing(self.ledger(), model)

    def known(self, model: str) -> Known:
        """Return what the ledger knows of the present champion; the rest as `epoch`."""
        facts = champion_facts(self.ledger(), model)
        if facts is None:
            what = f"the ledger does not know what the champion of '{model}' is"
            raise Unavailable("STA001", what, next_step=TRAIN)
        return Known(release=bentos.release_of(facts), package=facts.package)

    def ledger(self) -> Ledger:
        """Return the ledger; raises Unavailable if its file is not there."""
        url = sa.make_url(self._settings.ledger())
        if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
            raise Unavailable(
                "DEP001", "the ledger is not there", where=url.database, next_step="Put it back, or correct ledger_url."
            )
        if self._ledger is None:
            self._ledger = Ledger.open(self._settings)
        return self._ledger
