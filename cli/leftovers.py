"""What killed processes left in the state folder: found by whose it is and how old it is, and deleted."""

import logging
from pathlib import Path

from evergreen.base import temporaries
from evergreen.config.settings import Settings

log = logging.getLogger(__name__)
# Where temporaries lie beside what they become.
PLACES = (
    "run", "unfinished", "workspace", "datasets/*", "datasets/*/items", "sources/*", "sources/*/*", "steps",
    "staging", "bentoml/bentos/*", "containers", "tensorboard/*", "labels", "replays", "replays/*", "serving/counts",
    "predictions/imported",
)  # fmt: skip
SCRATCH, SCRATCH_SECONDS = "tmp", 10 * temporaries.DAY  # where libraries make files, which do not say whose they are


def find(settings: Settings) -> list[Path]:
    """Return what nobody works on any more, in the state folder.

    What a process of this machine left is found as soon as it is gone; what another machine left, or an older
    Evergreen, a day after it was written last, and files of libraries in ``tmp/`` after ten days.
    """
    home = settings.home
    folders = [home, *(folder for pattern in PLACES for folder in sorted(home.glob(pattern)))]
    left = [path for folder in (*folders, home / SCRATCH) for path in temporaries.left_in(folder)]
    scratch = sorted((home / SCRATCH).glob("*"))
    old = [path for path in scratch if path not in left and temporaries.not_written_for(path, SCRATCH_SECONDS)]
    return [*dict.fromkeys([*left, *old])]


def sweep(settings: Settings) -> int:
    """Delete what killed processes left, say so, and return how many files and folders there were."""
    left = find(settings)
    temporaries.delete(left)
    if left:
        log.info("%d unfinished files of processes that were killed are deleted", len(left))
    return len(left)
