"""Where does it run? `configs/env/<name>.yaml` and `EVERGREEN_*` variables, typed; nothing below reads the latter."""

import difflib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from evergreen.base import documents, sqlite_files, zones
from evergreen.base.errors import ConfigError

PREFIX = "EVERGREEN_"
# Options of stores that are secrets: they belong into the environment, where each store's own library finds them.
CREDENTIALS = ("key", "secret", "token", "password", "username", "account_key", "connection_string", "sas_token")

# Credentials of our own: in the environment too.
# Credentials of our own: in the environment too.
TOKENS = ("serve_token", "admin_token", "review_token", "alert_routes")


class Settings(BaseSettings):
    """Where state lives and which servers are used; a variable EVERGREEN_<KEY> wins over the file."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True)

    project: Path = Path()
    """default found from the working directory: the folder with `params.yaml`; variable only"""
    home: Path = Path(".evergreen")
    """the state folder, relative to the project"""
    prefect_api_url: str | None = None
    """default embedded: a Prefect server's API, such as `http://127.0.0.1:4200/api`"""
    mlflow_tracking_uri: str | None = None
    """default SQLite in `home`: an MLflow server or database"""
    ledger_url: str | None = None
    """default SQLite in `home`: SQLAlchemy's URL of the ledger"""
    study_url: str | None = None
    """default SQLite in `home`: SQLAlchemy's URL of Optuna's studies, such as `postgresql+psycopg://user@host/studies`"""
    serve_host: str = "127.0.0.1"
    """where the service listens"""
    serve_port: int = Field(default=3000, ge=0, le=65535)
    """its port"""
    training_cron: str = "0 5 * * 1"
    """schedule of `training/<env>`"""
    retraining_cron: str = "0 6 * * *"
    """schedule of `retraining/<env>`, which picks up what no event started"""
    labels_cron: str = "30 1 * * *"
    """schedule of `labels/<env>`"""
    monitoring_cron: str = "0 2 * * *"
    """schedule of `monitoring/<env>`"""
    experiment_cron: str = "7 * * * *"
    """schedule of `experiment/<env>`, which looks at the experiment that runs"""
    housekeeping_cron: str = "0 3 * * 0"
    """schedule of `housekeeping/<env>`"""
    heartbeat_cron: str = "0 * * * *"
    """schedule of `heartbeat/<env>`"""
    rollout_cron: str = "*/10 * * * *"
    """schedule of `rollout/<env>`, which looks at the [rollout](../how-to/rollout.md) that is under way, if one is"""
    bandit_cron: str = "*/10 * * * *"
    """schedule of `bandit/<env>`"""
    timezone: str = "UTC"
    """of all schedules"""
    serve_workers: int = Field(default=1, ge=1, le=64)
    """processes that answer"""
    serve_token: SecretStr | None = None
    """default none: what `Authorization: Bearer` must hold for predictions, feedback and explanations; variable only"""
    admin_token: SecretStr | None = None
    """default none, and then nobody may: the same for `/admin/...`; variable only"""
    review_token: SecretStr | None = None
    """default none, and then nobody may: the same for `/review`, where people [answer](../how-to/review.md) referred
    rows; variable only"""
    serve_documents: bool = True
    """default yes: `/openapi.json` and `/schema` are answered"""
    allowed_hosts: tuple[str, ...] = ()
    """default any: names that the `Host` of a request must be one of"""
    max_body_bytes: int = Field(default=1_000_000, ge=1, le=4_000_000)
    """the largest request that the service reads, 4 MB at most: one is decoded in one go"""
    max_rows: int = Field(default=1_000, ge=1, le=100_000)
    """the most rows in one request"""
    max_requests_at_once: int = Field(default=1_024, ge=1)
    """how many whole requests wait or are answered at a time"""
    max_connections: int = Field(default=2_048, ge=16)
    """how many connections are open; beyond it the one that has waited longest for its request gives way"""
    max_connections_per_peer: int = Field(default=1_024, ge=1)
    """how many of them from one address"""
    prediction_log: Literal["strict", "available", "off"] = "strict"
    """what becomes of an answer that cannot be logged: `strict` refuses it, `available` gives and counts it; `off` logs
    none"""
    prediction_days: int | None = Field(default=None, ge=1)
    """default none: for how many days logged predictions are kept; without it for ever"""
    follow_champion: bool = False
    """default no: the running service takes each new champion of the ledger; `evergreen serve` sets it"""
    package_digest: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """default none: the digest of the package that the service must run from; `evergreen serve` gives it"""
    signing_key: Path | None = None
    """default none: an Ed25519 private key in PEM, outside the project, that [signs](../how-to/signing.md) packages"""
    trusted_keys: Path | None = None
    """default none: a folder of public keys in PEM, one of which must have signed what is served"""
    connections: dict[str, SecretStr] = {}
    """databases that sources name, as SQLAlchemy URLs by name; they hold passwords, so set the variable, as a JSON
    object"""
    storage: dict[str, dict[str, Any]] = {}
    """options of the stores that sources name, by scheme, such as `{s3: {endpoint_url: "http://127.0.0.1:8333"}}`; no
    credentials"""
    alert_routes: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,39}$")], SecretStr] = {}
    """who is [told of incidents](../how-to/alerts.md), as addresses by name, in a JSON object; without any,
    `alerts.log` in `home` alone is written; variable only"""
    trackers: Annotated[tuple[Literal["mlflow", "wandb", "tensorboard"], ...], NoDecode] = ("mlflow",)
    """default MLflow alone: where trainings are logged: `mlflow`, always, and `wandb` and `tensorboard`; as a variable
    `mlflow,tensorboard`"""
    allow_dirty: bool = False
    """default no: a version may come from changes that are not committed, or from data without a digest; it is tagged
    `override: allow_dirty`"""

    @field_validator("timezone")
    @classmethod
    def _timezone_known(cls, name: str) -> str:
        return zones.known(name)

    @field_validator("trackers", mode="before")
    @classmethod
    def _split(cls, trackers: Any) -> Any:
        return [name.strip() for name in trackers.split(",")] if isinstance(trackers, str) else trackers

    @field_validator("trackers")
    @classmethod
    def _with_mlflow(cls, trackers: tuple[str, ...]) -> tuple[str, ...]:
        if "mlflow" not in trackers or len(set(trackers)) != len(trackers):
            raise ValueError("name each tracker once, and mlflow among them, which versions are registered in")
        return trackers

    @field_validator("storage")
    @classmethod
    def _no_credentials(cls, storage: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        keys = [f"{scheme}.{name}" for scheme, options in storage.items() for name in options if name in CREDENTIALS]
        if keys:
            raise ValueError(f"{keys[0]} is a credential; set it in the environment, such as AWS_SECRET_ACCESS_KEY")
        return storage

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  pydantic passes all five by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic passes all five by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic passes all five by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings

    @classmethod
    def load(cls, name: str = "local", *, start: Path | None = None) -> "Settings":
        """Read `configs/env/<name>.yaml` of the project around `start`.

        Without `start` it is the project around EVERGREEN_PROJECT, or else around the working directory.

        Raises
        ------
        ConfigError if no project is found, the file or a key is unknown, a variable is misspelt, or `home` is a folder
        that holds the project: deleting it would delete more than state.
        """
        project = find_project(start or Path(os.environ.get(f"{PREFIX}PROJECT", "")))
        path = project / "configs" / "env" / f"{name}.yaml"
        if not path.exists():
            known = sorted(file.stem for file in path.parent.glob("*.yaml"))
            raise ConfigError(
                "CFG007", f"no environment '{name}'", where=str(path), next_step=f"Known: {', '.join(known)}."
            )
        ours = [key.removeprefix(PREFIX).lower() for key in os.environ if key.startswith(PREFIX)]
        unknown = sorted(key for key in ours if key not in cls.model_fields)
        if unknown:
            close = difflib.get_close_matches(unknown[0], cls.model_fields, n=1)
            raise ConfigError(
                "CFG008",
                f"unknown variable {PREFIX}{unknown[0].upper()}",
                where="environment",
                next_step=f"Did you mean {PREFIX}{close[0].upper()}?" if close else "Unset it.",
            )
        data, lines = documents.read(path)
        for name in TOKENS:
            if name in data:
                raise ConfigError(
                    "CFG005",
                    f"{name} is a credential, and this file is read by everybody who has the project",
                    where=f"{path}:{lines[(name,)]}",
                    next_step=f"Remove it, and set {PREFIX}{name.upper()} where the service runs.",
                )
        documents.check(_File, data, source=str(path), lines=lines)
        if "project" in data:
            raise ConfigError(
                "CFG004",
                "unknown key 'project'",
                where=f"{path}:{lines[('project',)]}",
                next_step="Remove it: the project is the folder that holds params.yaml.",
            )
        try:
            settings = cls(**{**data, "project": project})
        except ValidationError as error:
            fault = error.errors()[0]
            name = PREFIX + str(fault["loc"][0]).upper()
            is_secret = fault["loc"][0] in ("connections", "storage", "alert_routes")
            shown = "" if is_secret else f", got {fault['input']!r}"
            raise ConfigError(
                "CFG005",
                f"{name}: {fault['msg'].removeprefix('Value error, ')}{shown}",
                where="environment",
                next_step="Correct the value.",
            ) from (None if is_secret else error)
        except SettingsError:
            raise ConfigError(
                "CFG005",
                "a variable that must hold a JSON object does not: EVERGREEN_CONNECTIONS, EVERGREEN_STORAGE or "
                "EVERGREEN_ALERT_ROUTES",
                where="environment",
                next_step="""Write it as in '{"warehouse": "postgresql://user:password@host/database"}'.""",
            ) from None  # its cause shows the value
        home = (project / settings.home).resolve()
        if project.is_relative_to(home):
            raise ConfigError(
                "CFG011",
                f"home is {home}, which holds the project itself",
                where="environment" if "home" in ours else str(path),
                next_step="Name a folder for state only, such as .evergreen.",
            )
        keys = {
            name: project / path.expanduser()
            for name in ("signing_key", "trusted_keys")
            if (path := getattr(settings, name))
        }
        return settings.model_copy(update={"home": home, "project": project, **keys})

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    @property
    def step_records(self) -> Path:
        return self.home / "steps"

    @property
    def predictions(self) -> Path:
        return self.home / "predictions"

    @property
    def unfinished(self) -> Path:
        return self.home / "unfinished"

    @property
    def label_inbox(self) -> Path:
        return self.home / "inbox" / "labels"

    def tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or sqlite_files.url_of(self.home / "mlflow" / "mlflow.db")

    def ledger(self) -> str:
        return self.ledger_url or sqlite_files.url_of(self.home / "ledger.db")

    def studies(self) -> str:
        return self.study_url or sqlite_files.url_of(self.home / "studies.db")

    def environment(self) -> dict[str, str]:
        """Return the variables that keep every library's state under `home` and its telemetry off."""
        return {
            "DO_NOT_TRACK": "1",
            "EVERGREEN_HOME": str(self.home),
            "PREFECT_HOME": str(self.home / "prefect"),
            "PREFECT_LOCAL_STORAGE_PATH": str(self.step_records),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": sqlite_files.url_of(
                self.home / "prefect" / "prefect.db", driver="aiosqlite"
            ),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",  # by default runs are kept for ever
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # errors are ours to print, once
            "PREFECT_LOGGING_EXTRA_LOGGERS": "evergreen,tasks,flows",
            "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",  # `dvc repro` runs steps without a flow
            "MLFLOW_TRACKING_URI": self.tracking_uri(),
            # For its own default experiment too, whose place it would write into a statement as it is, quotes and all.
            "_MLFLOW_SERVER_ARTIFACT_ROOT": (self.home / "mlflow" / "artifacts").absolute().as_uri(),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # the default waits for minutes
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # which is for what `--json` prints
            "WANDB_MODE": "offline",
            "WANDB_DIR": str(self.home / "wandb"),
            "WANDB_CACHE_DIR": str(self.home / "wandb" / "cache"),
            "WANDB_CONFIG_DIR": str(self.home / "wandb" / "config"),
            "WANDB_DATA_DIR": str(self.home / "wandb" / "data"),
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_SILENT": "true",
            "BENTOML_HOME": str(self.home / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "true",
            "GX_ANALYTICS_ENABLED": "false",
            "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime looks up its vendor's host otherwise
            "OMP_WAIT_POLICY": "PASSIVE",  # idle OpenMP threads would spin on the cores that others work on
            "TMPDIR": str(self.home / "tmp"),
            "MPLCONFIGDIR": str(self.home / "matplotlib"),
            "MPLBACKEND": "agg",
            **({"PREFECT_API_URL": self.prefect_api_url} if self.prefect_api_url else {}),
        }


class _File(Settings):
    """The file alone: checked without the environment, so that a fault is named with its own line."""

    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> Any:
        return (sources["init_settings"],)


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
