"""What the interpreter runs, imports, unpickles or starts while something is looked at."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# `compile` is not among them: a syntax tree is compiled from the header of every array, and runs nothing.
RUNNING = (
    *("exec", "import", "marshal.loads", "code.__new__", "pickle.find_class", "ctypes.dlopen"),
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.connect"),
)
_recorded: list[list[str]] = []


def _record(event: str, arguments: tuple[object, ...]) -> None:
    if _recorded and event in RUNNING:
        _recorded[-1].append(f"{event} {arguments[:1]}")


sys.addaudithook(_record)  # for good: none can be taken away


@contextmanager
def audited() -> Iterator[list[str]]:
    """Record such events, which are those of this process from every thread of it."""
    _recorded.append([])
    try:
        yield _recorded[-1]
    finally:
        _recorded.pop()
