"""How the service is started from a bento's folder."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from evergreen.base.errors import ConfigError
from evergreen.config.settings import PREFIX, Settings

# Of our own environment: what would let the service run bytecode that nobody checked, and what is not its business.
NOT_THE_SERVICES = ("PYTHONPYCACHEPREFIX", "EVERGREEN_PACKAGE_DIGEST", "EVERGREEN_SIGNING_KEY")
# Of the settings: what the service is told. Secrets come by the environment alone, which it is given.
TOLD = (
    "serve_host", "serve_port", "serve_workers", "serve_documents", "allowed_hosts",
    "max_body_bytes", "max_rows", "max_requests_at_once", "max_connections", "max_connections_per_peer",
    "prediction_log", "follow_champion", "ledger_url",
)  # fmt: skip


def passed_on() -> dict[str, str]:
    """Return the variables of this process that a child which runs packaged code is given."""
    return {name: value for name, value in os.environ.items() if name not in NOT_THE_SERVICES}


def command(bento: Path, settings: Settings, *, digest: str | None = None) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the whole environment that run the service from a bento's folder, from anywhere.

    ``-P`` and PYTHONPATH put the bento's own ``evergreen`` and ``serving`` before the checkout's, wherever it starts.
    Bytecode is neither written nor found elsewhere: nobody would have checked it.

    Parameters
    ----------
    digest : of the package; the service starts with no other.

    Raises
    ------
    ConfigError if the folder's path holds what separates paths in PYTHONPATH.
    """
    if os.pathsep in str(bento.resolve()):
        raise ConfigError(
            "CFG011",
            f"'{os.pathsep}' in the path of the state folder: Python would look for the service in two halves of it",
            where=str(bento),
            next_step="Set EVERGREEN_HOME to a folder without it.",
        )
    told = settings.model_dump(mode="json", include=set(TOLD), exclude_none=True)
    variables = {f"{PREFIX}{name.upper()}": _written(value) for name, value in told.items()}
    variables |= {"EVERGREEN_HOME": str(settings.home.resolve()), "PYTHONPATH": str(bento.resolve() / "src")}
    if digest:
        variables["EVERGREEN_PACKAGE_DIGEST"] = digest
    if settings.trusted_keys:
        variables["EVERGREEN_TRUSTED_KEYS"] = str(settings.trusted_keys.resolve())
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    quiet = {"ORT_DISABLE_TELEMETRY": "1"}  # else ONNX Runtime, once it is imported, looks its vendor's host up
    return [sys.executable, "-P", "-m", "serving"], {**passed_on(), **variables, **quiet}


def _written(value: Any) -> str:
    """Return a setting as its variable holds it."""
    return value if isinstance(value, str) else json.dumps(value)
