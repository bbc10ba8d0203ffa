"""What the commands of `evergreen rollout` say: where it stands, what each check says now, and how the last ended."""

from datetime import UTC, datetime
from typing import Any

import typer

from evergreen.project import Project
from evergreen.record import rollouts
from evergreen.record.rollouts import Rollout

MARKS = {"passed": "✓", "waits": "·", "look": "?", "harm": "✗", "futile": "=", "not applicable": "-"}


def standing(project: Project) -> dict[str, Any]:
    """Return where the last rollout stands; of one that is under way also what a look would find and do now."""
    ledger = project.ledger()
    found = rollouts.rollouts(ledger, project.name)
    if not found:
        return {"model": project.name, "rollout": None}
    last = found[-1]
    result = {"model": project.name, **told(last)}
    if last.ended:
        evidence = last.ended.evidence or {}
        return {**result, "checks": evidence.get("checks", []), "answered": evidence.get("exposed")}
    changed = rollouts.other_champion(ledger, last)
    if changed:
        return {**result, "next": "hold", "why": f"the champion changed: {changed}", "checks": [], "answered": None}
    from flows import rollout

    now = rollout.judged(project, last, datetime.now(UTC))
    checks = [check.model_dump(mode="json") for check in now.checks]
    result["people"] = _people(project, last)
    return {**result, "next": now.answer, "why": now.reason, "checks": checks, "answered": now.exposed}


def _people(project: Project, rollout: Rollout) -> dict[str, Any] | None:
    from evergreen.record import exposed

    found = exposed.people_of(project.settings.predictions, rollout, contract=project.contract, now=datetime.now(UTC))
    return found.model_dump(mode="json") if found else None


def told(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout as it is printed for programs."""
    last = rollout.moves[-1]
    return {
        "rollout": rollout.owner,
        "version": rollout.begun.version,
        "champion": rollout.begun.champion,
        "plan": rollout.plan.text,
        "step": rollout.step.name,
        "since": rollout.since.isoformat(),
        "did": last.did,
        "by": last.by,
        "reason": last.reason,
        "ended": rollout.ended.at.isoformat() if rollout.ended else None,
    }


def line(found: dict[str, Any]) -> str:
    """Return in one line where a rollout stands."""
    where = f"{found['did']} {found['ended'][:16]}" if found["ended"] else f"at {found['step']} of {found['plan']}"
    return f"{found['rollout']} of version {found['version']}: {where}, {found['by']}: {found['reason']}"


def show(found: dict[str, Any]) -> None:
    """Print where a rollout stands, check by check."""
    if found["rollout"] is None:
        typer.echo(f"no version of {found['model']} was ever rolled out by degrees")
        return
    typer.echo(line(found))
    for check in found["checks"]:
        typer.echo(f"  {MARKS[check['outcome']]} {check['name']:9} {check['text']}")
    if found["answered"]:
        typer.echo(f"  it answered {found['answered']:,} rows")
    if found.get("people"):
        typer.echo(f"  {_beside(found['people'])}")
    if "next" in found:
        typer.echo(f"  next: {found['next']}: {found['why']}")


def _beside(people: dict[str, Any]) -> str:
    """Return in a line how people's decisions lie beside what both versions said."""
    read = people["n"] - people["unread"]
    agree = f"people decided {people['n']:,} rows of the shadow"
    if read:
        agree += (
            f", and the new version agrees with {people['agree']:.1%} (the champion with {people['agree_before']:.1%})"
        )
    if people["n_labelled"]:
        agree += (
            f"; of {people['n_labelled']:,} with a label people got {people['wrong']:.1%} wrong, the new version "
            f"{people['wrong_new']:.1%}, the champion {people['wrong_before']:.1%}"
        )
    return agree
