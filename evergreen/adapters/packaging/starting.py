"""How the service is started from a bento's folder."""

import os
import sys
from pathlib import Path

from evergreen.config.settings import Settings

# Of our own environment: what would let the service run bytecode that nobody checked, and what is not its business.
NOT_THE_SERVICES = ("PYTHONPYCACHEPREFIX", "EVERGREEN_PACKAGE_DIGEST", "EVERGREEN_SIGNING_KEY")


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
    """
    served = ("serve_host", "serve_port", "max_body_bytes", "max_requests_at_once")
    variables = {f"EVERGREEN_{name.upper()}": str(getattr(settings, name)) for name in served}
    variables |= {"EVERGREEN_HOME": str(settings.home.resolve()), "PYTHONPATH": str(bento.resolve() / "src")}
    if digest:
        variables["EVERGREEN_PACKAGE_DIGEST"] = digest
    if settings.trusted_keys:
        variables["EVERGREEN_TRUSTED_KEYS"] = str(settings.trusted_keys.resolve())
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    quiet = {"ORT_DISABLE_TELEMETRY": "1"}  # else ONNX Runtime, once it is imported, looks its vendor's host up
    return [sys.executable, "-P", "-m", "serving"], {**passed_on(), **variables, **quiet}
