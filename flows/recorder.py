"""Calling steps and keeping what each one took."""

from typing import Any, ParamSpec, TypeVar, cast

from prefect import State, Task

from evergreen.base.usage import measured
from evergreen.record.outcomes import StepRun

P = ParamSpec("P")
R = TypeVar("R")


class Recorder:
    """Calls steps; `steps` is what they took, in order."""

    def __init__(self) -> None:
        self.steps: list[StepRun] = []

    def __call__(self, step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step, or take its recorded result, and return what it answers."""
        options: dict[str, Any] = {"return_state": True}
        with measured() as cost:
            state = cast(State[R], step(*args, **kwargs, **options))
        self.steps.append(
            StepRun(
                name=step.name,
                cached=state.name == "Cached",
                seconds=cost.seconds,
                cpu_seconds=cost.cpu_seconds,
                rss_mb=cost.rss_mb,
            )
        )
        result: R = state.result()
        return result
