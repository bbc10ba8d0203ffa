"""`python -m flows.following ENV PARAMS`: let MLflow show what the ledger says, beside a command that does not wait."""

import logging
import os
import signal
import subprocess
import sys

from evergreen.base.errors import EvergreenError, explain_os_errors
from evergreen.project import Project

log = logging.getLogger(__name__)
SECONDS = 2.5  # that a rollback waits for MLflow
LONGEST = 50  # seconds that a process beside goes on
LATER = "it will when it works again: evergreen doctor"


def follow(project: Project) -> None:
    """Let MLflow show what the ledger says; raises Unavailable if it does not work."""
    from tasks import mirror  # which brings Prefect

    mirror.follow(project.ledger(), project.name, settings=project.settings)


def follow_or_say(project: Project) -> None:
    """Let MLflow show what the ledger says, or say that it does not yet: what was decided stands."""
    try:
        follow(project)
    except EvergreenError as error:
        log.warning("MLflow does not show it yet (%s); %s", error.what, LATER)


def follow_beside(project: Project, *, seconds: float = SECONDS) -> None:
    """Do the same in a process of its own, which is waited for a little and goes on alone then.

    MLflow takes seconds to load, and one that does not answer takes longer; nobody waits for that in an emergency.
    """
    run = project.settings.home / "run"
    with explain_os_errors(run):
        run.mkdir(parents=True, exist_ok=True)
        with (run / f"following-{os.getpid()}.log").open("wb") as said:
            process = subprocess.Popen(  # noqa: S603  our own interpreter
                [sys.executable, "-m", "flows.following", project.asked.env, project.asked.params_file],
                cwd=project.settings.project,
                env={**os.environ, **project.settings.environment()},
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal does not end it
            )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        log.warning("MLflow does not show it yet; a process beside this one, %d, goes on asking it", process.pid)
        return
    if code:
        lines = (run / f"following-{os.getpid()}.log").read_text(errors="replace").strip().splitlines()
        log.warning("MLflow does not show it yet (%s); %s", lines[-1] if lines else f"exit {code}", LATER)


def main() -> int:
    """Follow the ledger of the environment and the parameters that are named."""
    env, params_file = sys.argv[1:]
    try:
        follow(Project.open(env, params_file))
    except EvergreenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    signal.alarm(LONGEST)  # MLflow asks a database that does not work again for most of an hour
    sys.exit(main())
