"""Showing the ledger in MLflow while the platform runs: `python -m cli.reconciler ENV`, a child of `evergreen up`."""

import logging
import os
import sys
import time
from collections.abc import Callable

from evergreen.base.errors import EvergreenError
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger

log = logging.getLogger("cli.reconciler")
POLL_SECONDS = 3.0  # what changes, in the ledger or by hand, is shown or put back well within 10 s


def watch(settings: Settings, *, seconds: float, pause: Callable[[float], object] = time.sleep) -> None:
    """Show what the ledger says of all its models, every so many seconds, until this process is ended.

    What does not work is logged when it begins, and tried again: MLflow may be back, the ledger restored.
    """
    from tasks.mirror import follow

    failing = ""
    ledger: Ledger | None = None
    while True:
        try:
            ledger = ledger or Ledger.open(settings)  # which checks only what is new
            for model in ledger.models():
                follow(ledger, model, settings=settings)
            failing = ""
        except EvergreenError as error:
            if str(error) != failing:
                log.warning("reconciler: %s", error)
            failing = str(error)
        pause(seconds)


def main() -> None:
    """Watch the environment that is named on the command line (default: local)."""
    settings = Settings.load(sys.argv[1] if len(sys.argv) > 1 else "local")
    os.environ.update(settings.environment())
    watch(settings, seconds=POLL_SECONDS)


if __name__ == "__main__":
    main()
