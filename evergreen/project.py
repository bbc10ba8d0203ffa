"""An opened project: its settings, parameters and contract, and the places they name."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.artifacts.refs import SourceRef
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError
from evergreen.base.files import file_digest
from evergreen.base.values import Value, digest_of
from evergreen.config import consistency
from evergreen.config.card import CardText
from evergreen.config.contract.contract import Contract, Declared
from evergreen.config.contract.decision import DecisionPolicy
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.params import Params
from evergreen.config.settings import Settings
from evergreen.decisions.gate.campaign import Level, next_level
from evergreen.learning.tuning.choice import Choice
from evergreen.record import tracker
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.outcomes import VersionFacts, champion_facts, gates_asked
from evergreen.record.plan import commits, identity
from evergreen.record.plan.commits import Commit
from evergreen.record.plan.steps import STEPS, Given

if TYPE_CHECKING:
    from evergreen.data.validation.own import Expectation
    from evergreen.learning.features.lookups import LookupRef


class Asked(Value):
    """What a project was opened with. `overrides`: ``section.key=value``, applied to the parameters of `params_file`.

    `allow_dirty`: whether a version may come from changes that are not committed, whatever the settings say.
    """

    env: str = "local"
    params_file: str = "params.yaml"
    overrides: tuple[str, ...] = ()
    allow_dirty: bool = False


@dataclass(frozen=True)
class Project:
    """What every door opens first, once; reading it imports nothing heavy.

    `decision`: the contract's policy on decisions; no step is given it, and no model is another one for it.
    """

    asked: Asked
    settings: Settings
    params: Params
    contract: Contract
    decision: DecisionPolicy | None = None

    @classmethod
    def open(
        cls,
        env: str = "local",
        params_file: str = "params.yaml",
        overrides: Sequence[str] = (),
        *,
        allow_dirty: bool = False,
    ) -> "Project":
        """Read settings, parameters and the dataset's contract.

        Raises
        ------
        ConfigError for the first fault in any of them.
        """
        settings = Settings.load(env)
        if allow_dirty:
            settings = settings.model_copy(update={"allow_dirty": True})
        params = Params.load(settings.project / params_file, overrides)
        declared = Declared.read(settings.project / "configs" / params.dataset / "contract.yaml")
        contract = declared.contract
        if params.features.embargo_days < contract.label_delay_days:
            raise ConfigError(
                "CFG014",
                f"features.embargo_days is {params.features.embargo_days}, but a target is known only after "
                f"{contract.label_delay_days} days: train rows would have targets from the test period",
                where=params_file,
                next_step="Raise features.embargo_days, or correct label_delay_days in the contract.",
            )
        consistency.check(params, contract)
        asked = Asked(env=env, params_file=params_file, overrides=tuple(overrides), allow_dirty=allow_dirty)
        return cls(asked=asked, settings=settings, params=params, contract=contract, decision=declared.decision)

    def for_period(self, start: date, end: date) -> "Project":
        """Return the same project for the rows of another period."""
        return replace(self, params=self.params.for_period(start, end))

    def until(self, end: date, *, since: date | None = None) -> "Project":
        """Return the same project for the rows before `end`; raises ConfigError if the period would be empty.

        Parameters
        ----------
        since : the first day; None for that of the parameters.
        """
        begin = [f"ingest.start={since}"] if since else []
        asked = self.asked.model_copy(update={"overrides": (*self.asked.overrides, f"ingest.end={end}", *begin)})
        return replace(
            self, asked=asked, params=Params.load(self.settings.project / asked.params_file, asked.overrides)
        )

    @property
    def name(self) -> str:
        """The model's name, which is the dataset's."""
        return self.contract.name

    @property
    def workspace(self) -> Workspace:
        return Workspace(root=self.settings.workspace)

    @cached_property
    def given(self) -> Given:
        """What the steps of a training are given."""
        return Given(
            contract=self.contract,
            params=self.params,
            locate=self._locate,
            expectations=self.expectations(),
            locate_lookups=self.lookups,
            today=self.today(),
            ws=self.workspace,
            datasets=self.datasets,
            storage=self.settings.studies(),
        )

    def _locate(self) -> SourceRef:
        from evergreen.data.ingest import sources

        return sources.locate(self.contract, self.settings)

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
        from evergreen.data.validation import own

        return own.load(path)

    @property
    def card_file(self) -> Path:
        """Where people say what only they can of the model."""
        return self.settings.project / "configs" / self.params.dataset / "card.yaml"

    @cached_property
    def card(self) -> CardText:
        """What people say of the model now; raises ConfigError for a fault in it."""
        return CardText.load(self.card_file)

    def lookups(self) -> "tuple[LookupRef, ...]":
        """Return the files of `features.lookups`, hashed; raises ConfigError if one is not there."""
        if not self.params.features.lookups:
            return ()
        from evergreen.learning.features import lookups

        return lookups.locate(self.params.features, self.settings.project)

    def look_back(self, champion: VersionFacts) -> IngestParams | None:
        """Return the period of the parameters and what its rows' features look back on; None if they look at none."""
        from evergreen.learning.features import history
        from evergreen.learning.model import model

        asked = model.asked(self.workspace.path(champion.artifact.uri), champion.artifact.sha256)
        days, period = history.days_back(*asked), self.params.ingest
        if not days:
            return None
        if period.start is None or days == math.inf:
            return IngestParams(end=period.end)
        return IngestParams(start=period.start - timedelta(days=days), end=period.end)

    def ledger(self) -> Ledger:
        return Ledger.open(self.settings)

    def champion(self) -> VersionFacts:
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

    def level(self) -> Level:
        """Return the error that the next gate by the rule `superiority` may make, and what is left of a campaign's."""
        asked = gates_asked(self.ledger(), self.name)
        return next_level(asked, now=datetime.now(UTC), alpha=self.params.gate.alpha)

    def warm_start(self, train: str) -> Choice | None:
        """Return where tuning begins on the train rows of that digest: with the champion's family and parameters.

        Rows that were tuned on before begin where they began then, whoever is champion by now: so running a training
        again is the same training. None without a champion, where its folder is not here, or without `tune.warm_start`.
        """
        if not self.params.tune.warm_start:
            return None
        began = self.ledger().find(self.name, "start", train)
        return _choice(began.payload["start"]) if began else self.champion_choice()

    def keep_warm_start(self, train: str) -> Choice | None:
        """Return `warm_start`, and keep it for the next time that these rows are tuned on."""
        start = self.warm_start(train)
        if not self.params.tune.warm_start:
            return None
        kept = self.ledger().record(self.name, "start", train, {"start": start and start.model_dump(mode="json")})
        return _choice(kept.payload["start"])

    def champion_choice(self) -> Choice | None:
        """Return the champion's family and parameters; None without one, or where its folder is not here."""
        champion = champion_facts(self.ledger(), self.name)
        if champion is None:
            return None
        manifest = self.workspace.path(champion.artifact.uri) / MANIFEST
        if not manifest.exists() or file_digest(manifest) != champion.artifact.sha256:
            return None
        about = json.loads(manifest.read_bytes())
        return Choice(family=about["family"], params=about["params"])

    def may_train(self) -> Commit:
        """Return the commit that a training comes from, before anything is read.

        Raises
        ------
        ConfigError if changes to what decides a training are not committed, unless the settings allow it, if the
        package of a tracker is not installed, if a family does not take its search space or its parameters, if a file
        of `features.lookups` is not there, or if people have not said what `card.require` asks of them.
        Unavailable if the configured database of the studies does not answer.
        """
        from evergreen.base import databases
        from evergreen.learning.tuning import families, space  # which brings scikit-learn

        tracker.require(self.settings.trackers)
        commit = commits.read(self.settings.project)
        if not self.settings.allow_dirty:
            commit.require_clean(self.settings.project)
        space.check(self.params.tune.families, self.contract.task)
        for family, chosen in self.params.train.baseline.items():
            families.check(family, chosen, self.contract.task)
        self._require_card()
        _ = self.given.lookup_files
        if self.settings.study_url:
            databases.require_studies(self.settings.study_url)
        return commit

    def _require_card(self) -> None:
        lacking = [name for name in self.params.card.require if name in self.card.missing]
        if lacking:
            raise ConfigError(
                "CRD002",
                f"card.require asks what nobody has said of '{self.name}': {', '.join(lacking)}",
                where=str(self.card_file),
                next_step=f'Say it there, such as {lacking[0]}: "a sentence".',
            )

    @property
    def recipe(self) -> str:
        """The digest of what a model is made of but rows: contract, features, search, final fit and seed."""
        made_of = (self.params.features, self.params.tune, self.params.train, self.params.seed)
        return digest_of([self.contract, *made_of])

    def digests(self) -> dict[str, str]:
        """Return the digests of the code that the training steps reach and of all parameters."""
        return {
            "code_digest": digest_of([identity.code_digest(f"tasks.{step}") for step in STEPS]),
            "params_digest": digest_of(self.params),
        }


def _choice(kept: dict[str, Any] | None) -> Choice | None:
    return Choice.model_validate(kept) if kept else None
