"""How a model stands, for `evergreen report` and `evergreen status`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.table import Table

from cli.show import console, escape
from evergreen.base.files import write_bytes
from evergreen.project import Project
from evergreen.record.registry import history
from evergreen.record.standing import assemble, schedule, webpage
from evergreen.record.standing.values import Standing, State

PAGE = "status.html"  # in the home, where nobody names a file
STYLES: dict[State, str] = {"OK": "green", "NOTE": "yellow", "UNKNOWN": "magenta", "BAD": "red"}
SHAPES: dict[State, str] = {"OK": "●", "NOTE": "▲", "UNKNOWN": "?", "BAD": "■"}


def found(project: Project, at: str | None) -> Standing:
    """Return how a project's model stands, or stood at a time that a person wrote.

    Raises
    ------
    ConfigError if that is no time that is past.
    """
    ledger, now = project.ledger(), datetime.now(UTC)
    if at is None:
        settings = project.settings
        due = schedule.next_time(settings.monitoring_cron, settings.timezone, after=now)
        return assemble.standing(ledger, project.name, at=now, next_look=due)
    return assemble.standing(ledger, project.name, at=history.read_time(at, now=now), past=True)


def with_review(project: Project, standing: Standing) -> Standing:
    """Return how things stand with what waits for people, which is read in the log; as of now alone."""
    from evergreen.record.review import queue

    if standing.past:
        return standing
    rows = queue.referred(project.settings.predictions, contract=project.contract.name)
    return standing.model_copy(update={"review": queue.length(rows)})


def write(standing: Standing, out: Path) -> None:
    """Write the page, whole or not at all."""
    write_bytes(out, webpage.render(standing).encode())


def told(standing: Standing) -> dict[str, Any]:
    """Return what `status` adds of it for a program."""
    return standing.model_dump(mode="json", include={"sentence", "tiles", "incidents"})


def show(standing: Standing) -> None:
    """Print the sentence and a line for each tile, with what to do about it."""
    console.print(f"[bold]{escape(standing.sentence)}[/]", highlight=False)
    rows = Table.grid(padding=(0, 1, 0, 1))
    for tile in standing.tiles:
        mark = f"[{STYLES[tile.state]}]{SHAPES[tile.state]} {tile.state}[/]"
        steps = [part.resolve for part in tile.parts if part.resolve and part.state == tile.state]
        said = "\n".join([escape(tile.headline), *(f"[dim]next: {escape(step)}[/]" for step in steps)])
        rows.add_row(mark, tile.name, said)
    console.print(rows)
