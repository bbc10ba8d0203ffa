"""`evergreen drill`: what was caught of the faults, or how often alarms are raised without any, for a person."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from cli.show import console
from evergreen.decisions.drill.caught import MONITORS, Caught, Drilled
from evergreen.project import Project

if TYPE_CHECKING:
    from evergreen.decisions.drill.calm import Measured
    from flows.faulted import Period


def run(project: Project, period: "Period | None", *, tell: Callable[[str], None]) -> Drilled:
    """Return what came of a drill; each fault is told as it comes."""
    os.environ.update(project.settings.environment())
    from flows.drill import drill

    def telling(one: Caught) -> None:
        tell(f"{one.fault}: caught by {', '.join(one.by)}" if one.caught else f"{one.fault}: not caught")

    return drill(project, period, tell=telling)


def calm(project: Project) -> "tuple[Measured, ...]":
    """Return how often each alarm is raised where nothing changed."""
    os.environ.update(project.settings.environment())
    from flows.drill import calm as measured

    return measured(project)


def told(drilled: Drilled) -> dict[str, Any]:
    """Return a drill as a program reads it: with what would be caught if one monitor were not there."""
    return {
        **drilled.model_dump(mode="json"),
        "without": {monitor: drilled.without(monitor) for monitor in MONITORS},
    }


def show(drilled: Drilled) -> None:
    """Print what caught each fault, and what was missed."""
    console.print(
        f"[bold]{drilled.model}[/] version {drilled.version}, rows of {drilled.start} to {drilled.end}: "
        f"[bold]{drilled.caught} of {drilled.of}[/] faults caught"
    )
    table = Table("fault", "caught by", "after rows", "told", "the loop would", show_edge=False)
    for one in drilled.faults:
        by = f"[green]{', '.join(one.by)}[/]" if one.caught else "[red]nothing[/]"
        rows = "" if one.after_rows is None else f"{one.after_rows:,}"
        table.add_row(one.fault, by, rows, one.told or "nobody", escape(one.decision))
    console.print(table)
    for one in drilled.faults:
        if not one.caught:
            console.print(f"[red]Missed[/]: {escape(one.what)}, in the last {one.windows} windows")
    for fault in drilled.left_out:
        console.print(f"Left out: {fault}; no column of the table can have it")
    for alarm in drilled.said_before:
        console.print(f"Said without any fault, so it catches nothing: {escape(alarm)}")
    for window in drilled.skipped:
        console.print(f"[yellow]Not taken[/], the promise is broken there without any fault: {escape(window)}")


def show_calm(found: "tuple[Measured, ...]") -> None:
    """Print the stated error of each alarm beside the measured one."""
    table = Table("alarm", "of", "stated", "measured", "95 % interval", "", show_edge=False)
    for one in found:
        if one.measured is None or one.low is None or one.high is None:
            table.add_row(one.alarm, one.of, f"{one.stated:.1%}", "", "", escape(f"not drawn: {one.why_not}"))
            continue
        mark = "[green]kept[/]" if one.kept else "[red]more than stated[/]"
        measured = f"{one.raised} of {one.n}, {one.measured:.1%}"
        table.add_row(one.alarm, one.of, f"{one.stated:.1%}", measured, f"{one.low:.1%} to {one.high:.1%}", mark)
    console.print(table)
