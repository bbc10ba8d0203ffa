"""Running a flow for a project that is open already: what a command has opened is not opened again."""

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import flow

from evergreen.project import Project

R = TypeVar("R")


def run_opened(name: str, project: Project, body: Callable[[], R], **asked: Any) -> R:
    """Return what `body` does, as a run of the flow `name`; Prefect shows what the project was opened with."""

    @flow(name=name)
    def opened(env: str, params_file: str, overrides: list[str], asked: dict[str, Any]) -> R:  # noqa: ARG001  shown
        return body()

    was = project.asked
    return opened(was.env, was.params_file, list(was.overrides), {name: str(value) for name, value in asked.items()})
