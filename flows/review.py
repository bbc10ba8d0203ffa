"""The review flow: a version that waits for a person asks in Prefect's UI, paused until somebody answers."""

import logging
from datetime import UTC, datetime
from typing import Literal

from prefect import flow, runtime
from prefect.deployments import run_deployment
from prefect.exceptions import FlowPauseTimeout, PrefectException
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field

from evergreen.base.errors import ConfigError, EvergreenError, Unavailable
from evergreen.project import Project
from evergreen.record.outcomes import TrainingOutcome
from evergreen.record.registry import people
from evergreen.record.registry.people import Proposal
from flows import promotion

log = logging.getLogger(__name__)
POLL_SECONDS = 5  # how often Prefect is asked whether somebody answered
LONGEST_SECONDS = 365 * 24 * 3600  # that a version without a time waits here
CORRECTABLE = ("CFG070", "GATE003")  # what another answer of the same person, or of another one, puts right


class Answer(RunInput):
    """What the form in Prefect's UI asks for."""

    decision: Literal["approve", "reject"]
    by: str = Field(description="who decides; kept with the decision")
    reason: str = Field(description="why; kept with the decision")


@flow(name="review")
def review(env: str = "local", params_file: str = "params.yaml", version: int | None = None) -> str:
    """Wait for a person's answer to a version, and do what it says; nobody's answer in time is a rejection.

    Parameters
    ----------
    version : by default the one that was proposed last and waits still.

    Raises
    ------
    ConfigError if nothing waits; the rest as `approve` and `reject`.
    """
    project = Project.open(env, params_file)
    proposal = waiting(project, version)
    said = f"version {proposal.version} of '{project.name}'"
    fault = ""
    while True:
        try:
            answer = ask(project, proposal, fault)
        except FlowPauseTimeout:
            people.expire(project.ledger(), project.name, proposal, now=datetime.now(UTC))
            people.require_not_rejected(project.ledger(), project.name, proposal.version)
            raise
        try:
            person = people.person(answer.by, answer.reason, door="prefect", where="Prefect's form")
            if answer.decision == "approve":
                promotion.approve(project, proposal.version, person)
            else:
                promotion.reject(project, proposal.version, person)
        except EvergreenError as error:
            if error.code not in CORRECTABLE and not isinstance(error, Unavailable):
                raise
            fault = str(error)
            log.warning("review: %s: %s", said, fault)
            continue
        told = "approved" if answer.decision == "approve" else "rejected"
        return f"{said} was {told} by {person.by}: {person.reason}"


def waiting(project: Project, version: int | None) -> Proposal:
    """Return the proposal of a version, or else the last one that waits; raises ConfigError if there is none."""
    ledger, now = project.ledger(), datetime.now(UTC)
    if version is not None:
        people.require_version(ledger, project.name, version)
        return people.require_waiting(ledger, project.name, version, now=now)
    left = people.waiting(ledger, project.name, now=now)
    if not left:
        raise ConfigError(
            "STA013",
            f"no version of '{project.name}' waits for an answer",
            where="ledger",
            next_step="Nothing is left to do.",
        )
    return left[-1]


def ask(project: Project, proposal: Proposal, fault: str) -> Answer:
    """Pause until somebody answers; `fault`: what was wrong with the answer before.

    Raises
    ------
    FlowPauseTimeout if nobody does before the proposal ends.
    """
    facts = people.require_version(project.ledger(), project.name, proposal.version)
    lines = [
        f"**Version {proposal.version} of {project.name}** passed the gate and waits for a person.",
        facts.judged.reason,
        f"Who may: {', '.join(proposal.by)}." if proposal.by else "",
        f"Until {proposal.expires:%Y-%m-%d %H:%M} UTC." if proposal.expires else "",
        f"The answer before was not taken: {fault}" if fault else "",
    ]
    form = Answer.with_initial_data(description="\n\n".join(line for line in lines if line))
    left = (proposal.expires - datetime.now(UTC)).total_seconds() if proposal.expires else LONGEST_SECONDS
    return pause_flow_run(wait_for_input=form, timeout=max(1, int(left) + 1), poll_interval=POLL_SECONDS)


def request(outcome: TrainingOutcome | None, env: str, params_file: str) -> None:
    """Start a review of a version that a training in a served deployment proposed, once for each version."""
    if outcome is None or outcome.verdict != "proposed" or outcome.rollout or not runtime.deployment.id:
        return
    try:
        run_deployment(
            f"review/{env}",
            parameters={"env": env, "params_file": params_file, "version": outcome.version},
            timeout=0,
            as_subflow=False,
            idempotency_key=f"review-{outcome.model}-{outcome.version}",
        )
    except PrefectException as error:  # the version waits all the same, for another door
        log.warning("review: no flow asks for version %s: %s", outcome.version, error)
