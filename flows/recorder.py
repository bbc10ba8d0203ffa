"""Calling steps and keeping what each one took."""

import contextvars
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar, cast

from prefect import State, Task

from evergreen.base.usage import measured
from evergreen.record.outcomes import StepRun

P = ParamSpec("P")
R = TypeVar("R")


class Recorder:
    """Calls steps; `steps` is what they took, in the order in which they ended."""

    def __init__(self) -> None:
        self.steps: list[StepRun] = []
        self._asides: list[_Aside] = []

    def __call__(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step, or take its recorded result, and return what it answers."""
        before = self._cpu_beside()
        with measured() as usage:
            state = _state(step, *args, **kwargs)
        self.steps.append(
            StepRun(
                name=step.name,
                cached=state.name == "Cached",
                seconds=usage.seconds,
                cpu_seconds=round(max(0.0, usage.cpu_seconds - self._cpu_beside() + before), 3),
                rss_mb=usage.rss_mb,
            )
        )
        result: R = state.result()
        return result

    def beside(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Start a step on a thread of its own, and return what will hold its answer.

        Its CPU is that of its thread, and is not counted with the steps that run meanwhile; its memory is not known.
        """
        aside, answer = _Aside(), Future[R]()
        self._asides.append(aside)

        def run() -> None:
            started = time.monotonic()
            try:
                with aside:
                    state = _state(step, *args, **kwargs)
                self.steps.append(
                    StepRun(
                        name=step.name,
                        cached=state.name == "Cached",
                        seconds=round(time.monotonic() - started, 3),
                        cpu_seconds=round(aside.cpu_seconds(), 3),
                    )
                )
                answer.set_result(state.result())
            except BaseException as error:  # whoever waits for the answer raises it
                answer.set_exception(error)

        context = contextvars.copy_context()  # Prefect finds its flow run there
        threading.Thread(target=context.run, args=(run,), name=step.name, daemon=True).start()
        return answer

    def _cpu_beside(self) -> float:
        return sum(aside.cpu_seconds() for aside in self._asides)


class _Aside:
    """The CPU clock of a thread, which others may read while it works and after it has ended."""

    def __init__(self) -> None:
        self._clock: int | None = None
        self._spent = 0.0

    def __enter__(self) -> None:
        self._clock = time.pthread_getcpuclockid(threading.get_ident())

    def __exit__(self, *_: object) -> None:
        self._spent, self._clock = time.thread_time(), None

    def cpu_seconds(self) -> float:
        clock = self._clock
        with suppress(OSError):  # the thread ended meanwhile
            if clock is not None:
                return time.clock_gettime(clock)
        return self._spent


def _state(step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> State[R]:
    options: dict[str, Any] = {"return_state": True}
    return cast(State[R], step(*args, **kwargs, **options))
