"""Who decided last, kept beside what was served last: known from the first answer on, and while no ledger answers."""

import logging
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from evergreen.base.errors import ResourceError
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.decisions.automation.degrees import Automation

log = logging.getLogger(__name__)


class LastDegree(Value):
    """What the ledger said last of who decides on a model's answers; nothing where it said nothing."""

    kind: Literal["last degree"] = "last degree"
    model: str
    automation: Automation | None


def place(home: Path, model: str) -> Path:
    """Return the file that says who decided last."""
    return home / "serving" / f"{model}.degree.json"


def write(home: Path, model: str, automation: Automation | None) -> None:
    """Keep who decides now; a home that cannot be written is told of, and answers go on."""
    kept = LastDegree(model=model, automation=automation)
    if read(home, model) == kept:
        return
    try:
        write_bytes(place(home, model), (kept.model_dump_json(indent=1) + "\n").encode())
    except ResourceError as error:
        log.warning("who decides is not kept for the next start: %s", error)


def read(home: Path, model: str) -> LastDegree | None:
    """Return who decided last; None if nobody ever said, or the file does not say it."""
    path = place(home, model)
    try:
        kept = LastDegree.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("who decided last is not known: %s: %s", path, " ".join(str(error).split())[:200])
        return None
    return kept if kept.model == model else None


def at_start(settings: Settings, model: str) -> Automation | None:
    """Return who decides when a service that follows the ledger starts; the ledger itself is asked if no file says it.

    None where neither says anything: the model answers every row.
    """
    if not settings.follow_champion:
        return None
    kept = read(settings.home, model)
    if kept is not None:
        return kept.automation
    from evergreen.record import degree  # which brings a database, for half a second
    from serving.champions import Champions

    try:
        found = degree.standing(Champions(settings).ledger(), model)
    except Exception as error:  # whatever it is, the release can be served
        log.warning("who decides on %s is not known, so it answers every row: %s", model, error)
        return None
    write(settings.home, model, found)
    return found
