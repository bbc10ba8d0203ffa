"""Calling steps and keeping what each one took."""

from time import monotonic
from typing import Any, ParamSpec, TypeVar, cast

from prefect import State, Task

from evergreen.outcomes import StepRun

P = ParamSpec("P")
R = TypeVar("R")


class Recorder:
    """Calls steps; `steps` is what they took, in order."""

    def __init__(self) -> None:
        self.steps: list[StepRun] = []

    def __call__(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step, or take its recorded result, and return what it answers."""
        started = monotonic()
        options: dict[str, Any] = {"return_state": True}
        state = cast(State[R], step(*args, **kwargs, **options))
        self.steps.append(
            StepRun(name=step.name, cached=state.name == "Cached", seconds=round(monotonic() - started, 3))
        )
        result: R = state.result()
        return result
