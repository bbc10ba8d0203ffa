"""Flow runs as people see them in Prefect: named for what they are, with what they were asked for."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from prefect import flow, runtime

from evergreen.base.errors import EvergreenError
from evergreen.project import Project

R = TypeVar("R")
MOST = 200  # characters of a name


def run_opened(name: str, project: Project, body: Callable[[], R], *, why: str, **asked: Any) -> R:
    """Return what `body` does, as a run of the flow `name`; Prefect shows what the project was opened with.

    What a command has opened is not opened again.

    Parameters
    ----------
    why : what tells this run from others of the flow, in its name.
    """

    @flow(name=name, flow_run_name=lambda: run_name(name, project, why))
    def opened(env: str, params_file: str, overrides: list[str], asked: dict[str, Any]) -> R:  # noqa: ARG001  shown
        return body()

    was = project.asked
    return opened(was.env, was.params_file, list(was.overrides), {name: str(value) for name, value in asked.items()})


def run_name(name: str, project: Project, why: str) -> str:
    """Return how a run is named: the flow, the model, and why it runs or what it looks at."""
    return f"{name} {project.name}: {' '.join(why.split())}"[:MOST]


def named_by(name: str, why: Callable[[Project, Mapping[str, Any]], str]) -> Callable[[], str]:
    """Return what names the runs of a flow that opens its project itself, by the parameters it was given.

    A run whose project cannot be opened has the flow's name: it says what is wrong when it runs.
    """

    def named() -> str:
        given = runtime.flow_run.parameters
        try:
            project = Project.open(given["env"], given["params_file"], given["overrides"] or ())
            return run_name(name, project, why(project, given))
        except EvergreenError:
            return name

    return named
