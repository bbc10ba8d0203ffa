"""Where does it run? `configs/env/<name>.yaml` and `EVERGREEN_*` variables, typed. Nothing below reads the environment."""

import difflib
import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from evergreen import documents
from evergreen.errors import ConfigError

PREFIX = "EVERGREEN_"


class Settings(BaseSettings):
    """Where state lives and which servers are used; a variable wins over the file.

    `project`: the folder that holds params.yaml. `home`: all state, relative to the project. `prefect_api_url`,
    `mlflow_tracking_uri`, `ledger_url`, `study_url`: None means embedded, under `home`. `serve_host`, `serve_port`:
    where `evergreen serve` listens. `max_body_bytes`: the largest request that it reads.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    project: Path = Path()
    home: Path = Path(".evergreen")
    prefect_api_url: str | None = None
    mlflow_tracking_uri: str | None = None
    ledger_url: str | None = None
    study_url: str | None = None
    serve_host: str = "127.0.0.1"
    serve_port: int = Field(default=3000, ge=0, le=65535)
    max_body_bytes: int = Field(default=1_000_000, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @classmethod
    def load(cls, name: str = "local", *, start: Path | None = None) -> "Settings":
        """Read `configs/env/<name>.yaml` of the project around `start` (default: the working directory).

        Raises
        ------
        ConfigError if no project is found, the file or a key is unknown, or a variable is misspelt.
        """
        project = find_project(start or Path.cwd())
        path = project / "configs" / "env" / f"{name}.yaml"
        if not path.exists():
            known = sorted(file.stem for file in path.parent.glob("*.yaml"))
            raise ConfigError(
                "CFG007", f"no environment '{name}'", where=str(path), next_step=f"Known: {', '.join(known)}."
            )
        unknown = [
            key
            for key in os.environ
            if key.startswith(PREFIX) and key.removeprefix(PREFIX).lower() not in cls.model_fields
        ]
        if unknown:
            close = difflib.get_close_matches(unknown[0], [PREFIX + field.upper() for field in cls.model_fields], n=1)
            raise ConfigError(
                "CFG008",
                f"unknown variable {unknown[0]}",
                where="environment",
                next_step=f"Did you mean {close[0]}?" if close else "Unset it.",
            )
        data, lines = documents.read(path)
        documents.check(_File, data, source=str(path), lines=lines)
        try:
            found = cls(**{**data, "project": project})
        except ValidationError as error:
            fault = error.errors()[0]
            name = PREFIX + str(fault["loc"][0]).upper()
            raise ConfigError(
                "CFG005",
                f"{name}: {fault['msg']}, got {fault['input']!r}",
                where="environment",
                next_step="Correct the value.",
            ) from error
        return found.model_copy(update={"home": (project / found.home).resolve()})

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    @property
    def step_records(self) -> Path:
        return self.home / "steps"

    def tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}"

    def ledger(self) -> str:
        return self.ledger_url or f"sqlite:///{self.home / 'ledger.db'}"

    def studies(self) -> str:
        return self.study_url or f"sqlite:///{self.home / 'studies.db'}"

    def environment(self) -> dict[str, str]:
        """Return the variables that keep every library's state under `home` and its telemetry off."""
        return {
            "DO_NOT_TRACK": "1",
            "EVERGREEN_HOME": str(self.home),
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_LOCAL_STORAGE_PATH": str(self.step_records),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "MLFLOW_TRACKING_URI": self.tracking_uri(),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "BENTOML_HOME": str(self.home / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "true",
            "GX_ANALYTICS_ENABLED": "false",
            "MPLCONFIGDIR": str(self.home / "matplotlib"),
            "MPLBACKEND": "agg",
            **({"PREFECT_API_URL": self.prefect_api_url} if self.prefect_api_url else {}),
        }


class _File(Settings):
    """The file alone: checked without the environment, so that a fault is named with its own line."""

    @classmethod
    def settings_customise_sources(cls, settings_cls: type[BaseSettings], *sources: Any, **named: Any) -> Any:
        return (named["init_settings"],)


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds a params.yaml."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "params.yaml").is_file():
            return folder
    raise ConfigError(
        "CFG009",
        "no params.yaml here or in any folder above",
        where=str(start),
        next_step="Run the command inside an Evergreen project.",
    )
