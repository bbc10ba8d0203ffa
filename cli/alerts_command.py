"""`evergreen alerts`: what somebody is told of, who was told, and whether a route works."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import Env, Json, ParamsFile, emit
from evergreen.base.errors import ConfigError, Unavailable

if TYPE_CHECKING:
    from evergreen.decisions.alerts.incident import Incident
    from evergreen.project import Project

MOST_OVER = 20  # incidents that are over, the latest


def alerts(
    test: Annotated[
        str | None, typer.Option("--test", metavar="ROUTE", help="Send a message to one route, and say how that went.")
    ] = None,
    env: Env = "local",
    params: ParamsFile = "params.yaml",
    as_json: Json = False,
) -> None:
    """List the incidents that last and those that ended lately, with who was told; or try a route.

    Example: [bold]evergreen alerts --test ops[/bold]
    """
    from evergreen.project import Project

    project = Project.open(env, params)
    if test is not None:
        told = try_route(project, test)
        emit(told, as_json, lambda: typer.echo(f"{test}: {told['why']}"))
        return
    found = listed(project, now=datetime.now(UTC))
    emit(found, as_json, lambda: show(found))


def try_route(project: "Project", name: str) -> dict[str, Any]:
    """Send a message to a route, past the ledger, and return what became of it.

    Raises
    ------
    ConfigError if there is no such route; Unavailable if it was not reached.
    """
    from evergreen.adapters import alerting
    from evergreen.decisions.alerts.message import Message

    routes = alerting.routes(project.settings)
    if name not in routes:
        raise ConfigError(
            "ALR001",
            f"no route '{name}'",
            where="EVERGREEN_ALERT_ROUTES",
            next_step=f"Known: {', '.join(routes)}.",
        )
    body = f"A message to try the route '{name}', asked for by hand. Nothing happened."
    sent = alerting.send(routes[name], Message(title=f"[{project.name}] test", body=body, is_page=False))
    if not sent.reached:
        raise Unavailable(
            "ALR002",
            f"the route '{name}' was not reached: {sent.why}",
            where="EVERGREEN_ALERT_ROUTES",
            next_step="Correct its address, which is not shown, or see why its server does not take messages.",
        )
    return {"route": name, "reached": True, "why": sent.why}


def listed(project: "Project", *, now: datetime) -> dict[str, Any]:
    """Return incidents as JSON: those that last, and the last ones that are over, each with who was told when."""
    from evergreen.adapters import alerting
    from evergreen.decisions.alerts.silence import Rhythm
    from evergreen.record.alerts import telling
    from evergreen.record.alerts.standing import standing_incidents

    ledger, routes = project.ledger(), list(alerting.routes(project.settings))
    incidents = standing_incidents(
        ledger, project.name, at=now, rhythm=Rhythm.of(project.contract, project.params.monitor.window)
    )
    entries = ledger.entries(project.name, telling.TELLING, telling.TOLD)
    made = {route: telling.tries(entries, route) for route in routes}

    def told(incident: "Incident") -> dict[str, Any]:
        event = f"{incident.key}:opened"
        when = {
            route: next((one.at.isoformat() for one in tries if one.reached and event in one.events), None)
            for route, tries in made.items()
        }
        about = {name: getattr(incident, name) for name in ("key", "title", "severity", "next_step", "runbook")}
        return {**incident.model_dump(mode="json"), **about, "told": when}

    lasting = [told(incident) for incident in incidents if incident.is_open]
    over = [told(incident) for incident in incidents if not incident.is_open]
    return {"model": project.name, "routes": routes, "open": lasting, "over": over[-MOST_OVER:]}


def show(found: dict[str, Any]) -> None:
    """Print incidents, those that last first."""
    from cli.show import console, escape

    if not found["open"]:
        console.print("[green]Nothing is wrong that anybody is told of.[/]")
    for one in found["open"]:
        style = "red" if one["severity"] == "page" else "yellow"
        console.print(f"[{style}]{one['severity']}[/] {_named(one)}, since {_time(one['since'])}")
        console.print(f"  {escape(one['evidence'])}", highlight=False)
        console.print(f"  next: {escape(one['next_step'])} See {one['runbook']}", highlight=False)
        waiting = [route for route, when in one["told"].items() if when is None]
        if waiting:
            console.print(f"  [yellow]not told yet: {', '.join(waiting)}[/]")
    for one in found["over"]:
        console.print(
            f"[dim]over[/] {_named(one)}, {_time(one['since'])} to {_time(one['until'])}: {escape(one['ended'])}"
        )


def _named(one: dict[str, Any]) -> str:
    from cli.show import escape

    return f"[bold]{one['title']}[/]" + (f" ({escape(one['subject'])})" if one["subject"] else "")


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
