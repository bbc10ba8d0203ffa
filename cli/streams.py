"""What is printed, where nobody reads it any more, or where there is no room for it."""

import io
import os
import sys
from typing import Any

from evergreen.base.errors import ResourceError


class _Stream(io.FileIO):
    """A descriptor to print to: the command goes on when its reader has gone, and ends when output cannot be kept."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self._called = name

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            _discard(self.fileno())
            if isinstance(error, BrokenPipeError) or self._called == "stderr":  # errors cannot be said any more
                return len(data)
            raise ResourceError(
                "RES001",
                f"could not print: {error.strerror}",
                where=self._called,
                next_step="Free space where the output goes, then run the same command again.",
            ) from error


def guard() -> None:
    """Print so from now on; streams that somebody has replaced, or closed, stay as they are."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            setattr(sys, name, _opened(stream, name))


def flush() -> None:
    """Write what was printed; raises ResourceError if it cannot be kept."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _opened(stream: io.TextIOWrapper, name: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_Stream(stream.fileno(), name)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=bool(stream.line_buffering),
    )


def _discard(descriptor: int) -> None:
    """Let what is still to come go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
