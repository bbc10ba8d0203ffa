"""Which model? `params.yaml`, typed: one section per step."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from evergreen.base import documents
from evergreen.base.errors import ConfigError
from evergreen.config.params.approval import ApprovalParams
from evergreen.config.params.card import CardParams
from evergreen.config.params.drift import DriftParams
from evergreen.config.params.evaluate import EvaluateParams
from evergreen.config.params.features import FeatureParams
from evergreen.config.params.gate import GateParams
from evergreen.config.params.harm import HarmParams
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.labels import LabelParams
from evergreen.config.params.monitor import MonitorParams
from evergreen.config.params.retrain import RetrainParams
from evergreen.config.params.rollout import RolloutParams
from evergreen.config.params.train import TrainParams
from evergreen.config.params.tune import TuneParams
from evergreen.config.params.validate import ValidateParams
from evergreen.config.section import Section

SECTION_OF = {"analyse": "evaluate"}  # where a step has no section of its own name


class Params(Section):
    """All of `params.yaml`."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """feeds NumPy, scikit-learn, Optuna and the row samplers"""
    dataset: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    """the folder under `configs/` that holds the contract"""
    ingest: IngestParams
    validate_: ValidateParams = Field(alias="validate")
    features: FeatureParams
    tune: TuneParams
    train: TrainParams
    evaluate: EvaluateParams
    gate: GateParams
    approval: ApprovalParams = ApprovalParams()
    rollout: RolloutParams = RolloutParams()
    drift: DriftParams = DriftParams()
    monitor: MonitorParams = MonitorParams()
    labels: LabelParams = LabelParams()
    harm: HarmParams = HarmParams()
    retrain: RetrainParams
    card: CardParams = CardParams()

    @classmethod
    def load(cls, path: Path, overrides: Sequence[str] = ()) -> "Params":
        """Read `path` and apply ``section.key=value`` overrides, whose values are read as YAML.

        Raises
        ------
        ConfigError with the line of a misspelt key or a bad value.
        """
        data, lines = documents.read(path)
        for override in overrides:
            at = _set(data, override)
            lines = {key: line for key, line in lines.items() if key[: len(at)] != at}
            lines |= {at[:n]: f"--set {override}" for n in range(1, len(at) + 1) if n == len(at) or at[:n] not in lines}
        return documents.check(cls, data, source=str(path), lines=lines)

    def for_period(self, start: date, end: date) -> "Params":
        """Return the same parameters for the rows of another period."""
        return self.model_copy(update={"ingest": IngestParams(start=start, end=end)})

    def section(self, step: str) -> Section:
        """Return the section of `step`."""
        name = SECTION_OF.get(step, step)
        section: Section = getattr(self, {"validate": "validate_"}.get(name, name))
        return section


def _set(data: dict[str, Any], override: str) -> documents.Location:
    path, equals, text = override.partition("=")
    *parents, key = parts = path.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(
            "CFG006",
            f"expected section.key=value, got '{override}'",
            where="--set",
            next_step="For example: --set tune.trials=5",
        )
    try:
        value = documents.value(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            "CFG006",
            f"'{text}' is not a YAML value: {getattr(error, 'problem', None) or error}",
            where=f"--set {path}",
            next_step="Correct the value; quote it for the shell.",
        ) from error
    at = data
    for parent in parents:
        at = at.setdefault(parent, {})
        if not isinstance(at, dict):
            raise ConfigError(
                "CFG006",
                f"'{parent}' holds a value, not a section",
                where=f"--set {path}",
                next_step=f"Set {parent} itself.",
            )
    at[key] = value
    return tuple(parts)
