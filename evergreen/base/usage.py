"""What a piece of work costs: seconds, CPU and memory, of this process and those that the work starts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import psutil

SECONDS_BETWEEN_LOOKS = 0.5


class Usage:
    """What a block has cost, once it has ended.

    `cpu_seconds` of all threads and processes of the block, `rss_mb` the most memory that they held at once, in MB.
    Processes that ran before the block, such as an embedded server, do not count.
    """

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = self.rss_mb = 0.0
        self._process = psutil.Process()
        self._before = set(self._process.children(recursive=True))

    def _started(self) -> list[psutil.Process]:
        return [child for child in self._process.children(recursive=True) if child not in self._before]

    def _cpu(self) -> float:
        own = self._process.cpu_times()
        spent = own.user + own.system + own.children_user + own.children_system  # of children that have ended
        for child in self._started():
            with suppress(psutil.Error):
                times = child.cpu_times()
                spent += times.user + times.system
        return float(spent)

    def _look(self) -> None:
        resident = self._process.memory_info().rss
        for child in self._started():
            with suppress(psutil.Error):
                resident += child.memory_info().rss
        self.rss_mb = max(self.rss_mb, round(resident / 1e6, 1))


@contextmanager
def measured() -> Iterator[Usage]:
    """Measure what the block costs; memory is looked at twice a second, and at both ends."""
    usage, ended = Usage(), threading.Event()

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_LOOKS):
            usage._look()

    watcher = threading.Thread(target=watch, name="cost", daemon=True)
    started, cpu = monotonic(), usage._cpu()
    usage._look()
    watcher.start()
    try:
        yield usage
    finally:
        ended.set()
        watcher.join()
        usage._look()
        usage.seconds = round(monotonic() - started, 3)
        usage.cpu_seconds = round(usage._cpu() - cpu, 3)
