"""A version that is promoted into another environment, as `evergreen promote V --to ENV` does it."""

import os
from typing import TYPE_CHECKING

from cli import show
from cli.engine import engine
from cli.options import emit
from cli.progress import bar
from evergreen.base.errors import GateRefused
from evergreen.project import Project
from evergreen.record.registry.people import Person
from flows import sending

if TYPE_CHECKING:
    from flows.transfer import Transferred


def send(version: int, person: Person, *, env: str, to: str, params: str) -> "Transferred":
    """Take a version of one environment into another; what forbids it is said before the engine starts there."""
    source, target = Project.open(env, params), Project.open(to, params)
    os.environ.update(target.settings.environment())  # libraries keep there what they make
    prepared = sending.prepare(source, target, version, person)
    with engine(target.settings), bar():
        from flows.transfer import run_transfer

        return run_transfer(prepared)


def tell(transferred: "Transferred", as_json: bool) -> None:
    """Print what came of a version in another environment, and raise GateRefused if its gate refused it."""
    emit(transferred.model_dump(mode="json"), as_json, lambda: show.transferred(transferred))
    judged = transferred.judged
    if judged.verdict == "refused":
        raise GateRefused(
            "GATE007",
            f"the gate of {transferred.env} refused version {transferred.version}: {judged.reason}",
            where=f"environment {transferred.env}",
            next_step=f"Train a better one, or see why: evergreen why refusal --env {transferred.env}",
        )
