"""An opened project: its settings, parameters and contract, and the places they name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from evergreen import consistency, ingest, plan
from evergreen.artifacts import SourceRef, Workspace, digest_of
from evergreen.contract import Contract
from evergreen.errors import ConfigError
from evergreen.ledger import Ledger
from evergreen.outcomes import ChampionFacts, champion_facts
from evergreen.params import Params
from evergreen.settings import Settings

if TYPE_CHECKING:
    from evergreen.validation.own import Expectation


@dataclass(frozen=True)
class Project:
    """What every door opens first; reading it imports nothing heavy."""

    settings: Settings
    params: Params
    contract: Contract

    @classmethod
    def open(cls, env: str = "local", params_file: str = "params.yaml", overrides: Sequence[str] = ()) -> "Project":
        """Read settings, parameters and the dataset's contract.

        Raises
        ------
        ConfigError for the first fault in any of them.
        """
        settings = Settings.load(env)
        params = Params.load(settings.project / params_file, overrides)
        contract = Contract.load(settings.project / "configs" / params.dataset / "contract.yaml")
        if params.features.embargo_days < contract.label_delay_days:
            raise ConfigError(
                "CFG014",
                f"features.embargo_days is {params.features.embargo_days}, but a target is known only after "
                f"{contract.label_delay_days} days: train rows would have targets from the test period",
                where=params_file,
                next_step="Raise features.embargo_days, or correct label_delay_days in the contract.",
            )
        consistency.check(params, contract)
        return cls(settings=settings, params=params, contract=contract)

    def for_period(self, start: date, end: date) -> "Project":
        """Return the same project for the rows of another period."""
        return replace(self, params=self.params.for_period(start, end))

    @property
    def name(self) -> str:
        """The model's name, which is the dataset's."""
        return self.contract.name

    @property
    def workspace(self) -> Workspace:
        return Workspace(root=self.settings.workspace)

    def source(self) -> SourceRef:
        return ingest.locate(self.contract, self.settings)

    @property
    def datasets(self) -> Path:
        """Where dataset versions are kept, a folder for each dataset."""
        return self.settings.home / "datasets"

    def today(self) -> date | None:
        """Return the day that rows are late or early against: the end of the period, or else the clock's.

        None where the contract has no such rule, so that results do not depend on the day.
        """
        if self.contract.freshness_days is None and self.contract.future_days is None:
            return None
        return self.params.ingest.end or datetime.now(ZoneInfo(self.contract.timezone)).date()

    def expectations(self) -> "tuple[Expectation, ...]":
        """Return what people expect of the data beside the contract: configs/<dataset>/expectations.json."""
        path = self.settings.project / "configs" / self.params.dataset / "expectations.json"
        if not path.exists():
            return ()
        from evergreen.validation import own

        return own.load(path)

    def ledger(self) -> Ledger:
        return Ledger(self.settings.ledger())

    def champion(self) -> ChampionFacts:
        """Return what is known of the champion; raises ConfigError, saying how to get one, if there is none."""
        facts = champion_facts(self.ledger(), self.name)
        if facts is None:
            raise ConfigError(
                "STA001",
                f"'{self.name}' has no champion yet",
                where=str(self.settings.home),
                next_step="Train one: evergreen run",
            )
        return facts

    def digests(self) -> dict[str, str]:
        """Return the digests of the code that the training steps reach and of all parameters."""
        return {
            "code_digest": digest_of([plan.code_digest(f"tasks.{step}") for step in plan.STEPS]),
            "params_digest": digest_of(self.params),
        }
