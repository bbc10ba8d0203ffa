"""The look at an experiment by the clock, after which what was agreed follows."""

from prefect import flow

from evergreen.decisions.experiments.verdict import Decision
from evergreen.project import Project
from flows import experiments
from flows.opened import named_by


@flow(name="experiment", flow_run_name=named_by("experiment", lambda _project, _given: "a look"))
def experiment(
    env: str = "local", params_file: str = "params.yaml", overrides: list[str] | None = None
) -> Decision | None:
    """Look at the experiment that runs, and do what was agreed; None where none runs."""
    looked = experiments.follow_up(Project.open(env, params_file, overrides or ()))
    return looked.report.last.decision if looked else None
