"""Keeping processes alive together: one that ends by itself is started again, after a pause, and not for ever."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import NoReturn, Self

from cli import children
from cli.engine import START_SECONDS
from evergreen.base.errors import EvergreenError, Unavailable

log = logging.getLogger(__name__)
MOST_ENDS, WITHIN_SECONDS = 3, 60.0  # so many ends of one part in so short a time are the end of all
PAUSES = (1.0, 4.0)  # before the first start again, and the next
POLL_SECONDS = 0.5
ASKED_SECONDS = 3.0  # between two looks whether a part can be started that could not
TAIL = 600  # characters of a log that are shown
Command = tuple[Sequence[str], Mapping[str, str]]  # the arguments, and the variables beside ours


@dataclass(frozen=True)
class Part:
    """A process that is kept alive.

    `command`: what starts it, asked at each start; None as long as there is nothing to start. `ready`: the address
    that answers once it is up, for which the parts after it wait.
    """

    name: str
    command: Callable[[], Command | None]
    ready: str | None = None


class Supervisor:
    """Parts that are started in order, kept alive, and stopped in the opposite order when the block ends."""

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        run: Path,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._kept = [_Kept(part, run, clock) for part in parts]
        self._pause = pause

    def __enter__(self) -> Self:
        try:
            for kept in self._kept:
                kept.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def keep(self) -> NoReturn:
        """Start again what ends, until somebody interrupts this.

        Raises
        ------
        Unavailable if a part ended three times within a minute.
        """
        while True:
            for kept in self._kept:
                kept.look()
            self._pause(POLL_SECONDS)

    def _stop(self) -> None:
        for kept in reversed(self._kept):
            kept.stop()


class _Kept:
    """A part, its process, and when it ended before."""

    def __init__(self, part: Part, run: Path, clock: Callable[[], float]) -> None:
        self._part, self._run, self._clock = part, run, clock
        self._process: Popen[bytes] | None = None
        self._stack = ExitStack()
        self._ends: list[float] = []
        self._next, self._fault = 0.0, ""

    def start(self) -> None:
        """Start the process and wait for its address; raises Unavailable if it does not answer."""
        command = self._command()
        if command is None:
            self._next = self._clock() + ASKED_SECONDS
            return
        argv, variables = command
        self._process = self._stack.enter_context(
            children.child(self._part.name, argv, run=self._run, environment=variables)
        )
        if self._part.ready:
            children.wait_until_ready(
                self._process,
                self._part.ready,
                seconds=START_SECONDS,
                what=self._part.name,
                log=children.log_of(self._part.name, self._run),
            )

    def look(self) -> None:
        """Start the process if it is due, or, if it ended, later."""
        if self._process is not None and self._process.poll() is not None:
            self._note_end(f"ended with code {self._process.returncode}. {self._tail()}")
        if self._process is None and self._clock() >= self._next:
            try:
                self.start()
            except Unavailable as error:
                self._note_end(str(error))

    def stop(self) -> None:
        self._stack.close()
        self._process = None

    def _command(self) -> Command | None:
        try:
            command = self._part.command()
        except EvergreenError as error:
            if str(error) != self._fault:
                log.warning("%s is not started yet: %s", self._part.name, error)
            self._fault = str(error)
            return None
        self._fault = ""
        return command

    def _note_end(self, why: str) -> None:
        now = self._clock()
        self.stop()
        self._ends = [end for end in self._ends if now - end < WITHIN_SECONDS] + [now]
        if len(self._ends) >= MOST_ENDS:
            raise Unavailable(
                "DEP005",
                f"{self._part.name} ended by itself {MOST_ENDS} times within {WITHIN_SECONDS:g} s; at last it {why}",
                where=str(self._run),
                next_step="Mend what it says, then run evergreen up again.",
            )
        pause = PAUSES[len(self._ends) - 1]
        self._next = now + pause
        log.warning("%s %s: it is started again in %g s", self._part.name, why.strip(), pause)

    def _tail(self) -> str:
        path = children.log_of(self._part.name, self._run)
        return path.read_text(errors="replace")[-TAIL:].strip() if path.exists() else ""
