"""A detector that throws has a verdict too: unknown, and why."""

import logging
import traceback
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger(__name__)
V = TypeVar("V")


def guarded(judge: Callable[[], V], unknown: Callable[[str], V]) -> V:
    """Return what `judge` finds, or, if it throws whatever it may be, what `unknown` makes of the reason.

    Examples
    --------
    >>> guarded(lambda: 1 / 0, str)
    'could not be computed: ZeroDivisionError: division by zero'
    """
    try:
        return judge()
    except Exception as error:
        log.debug("a detector failed", exc_info=True)
        said = " ".join("".join(traceback.format_exception_only(error)).split())
        return unknown(f"could not be computed: {said[:200]}")
