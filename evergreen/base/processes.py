"""Processes, told from every other one: also from a later one that was given the same number.

It stands on the standard library alone where there is /proc, because an edge bundle writes files with it too.
"""

import functools
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
NAMESPACES = ("pid", "time")  # which decide what a process's number, and its beginning, are counted from


@dataclass(frozen=True)
class Mark:
    """What a process is known by.

    `place`: the boot, and the namespaces, in which `pid` and `started` are counted. `started`: in ticks since the boot,
    which setting the clock does not change.
    """

    place: str
    pid: int
    started: float

    @property
    def is_here(self) -> bool:
        """Whether this process can look at that one at all."""
        return self.place == place()

    @property
    def is_running(self) -> bool:
        """Whether it is here, and runs. A zombie does not: it only waits for its parent to notice."""
        return self.is_here and _started(self.pid) == self.started


def mark(pid: int | None = None) -> Mark:
    """Return what a process is known by, by default this one; `started` is -1 if it is gone already.

    Examples
    --------
    >>> mark().is_running
    True
    """
    pid = os.getpid() if pid is None else pid
    started = _started(pid)
    return Mark(place=place(), pid=pid, started=-1.0 if started is None else started)


@functools.cache
def place() -> str:
    """Return what tells this kernel's processes from others with the same numbers."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()
    found = []
    for name in NAMESPACES:
        with suppress(OSError):  # an older kernel has fewer
            found.append(str((PROC / "self/ns" / name).readlink()))
    return " ".join([boot, *found])


def _started(pid: int) -> float | None:
    """Return when a process that runs began; None of a zombie, or where there is none."""
    if not (PROC / "self" / "stat").exists():
        return _elsewhere(pid)
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    state, *fields = stat[stat.rindex(b")") + 1 :].split()  # the name before it may hold anything
    return None if state in (b"Z", b"X") else float(fields[18])


def _elsewhere(pid: int) -> float | None:
    """Return the same where there is no /proc: in seconds since 1970, as the system keeps them."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
