"""Pieces of work that other processes can import."""

import os
import signal
from collections.abc import Callable
from functools import partial

from evergreen.base.errors import DataError

Told = Callable[[], None]


def squared(number: int, told: Told) -> tuple[int, int]:
    """Return a number's square and the process that found it, after two parts."""
    told()
    told()
    return number * number, os.getpid()


def ours(_: Told) -> int:
    raise DataError("DQ007", "no rows", where="here")


def theirs(_: Told) -> int:
    raise OSError(5, partial)


def killed(_: Told) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def endless(told: Told) -> int:
    told()
    signal.pause()
    return 0
