"""A look at a window, for a person: each signal with its verdict and evidence, then the columns behind them."""

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from cli.show import console

if TYPE_CHECKING:
    from evergreen.decisions.retrain.decision import Decision
    from evergreen.record.looks import Look

STYLES = {
    **dict.fromkeys(("steady", "kept", "none", "complete", "measured", "estimated"), "green"),
    **dict.fromkeys(("shifted", "immature", "not enough data", "no traffic"), "yellow"),
    **dict.fromkeys(("broken", "fault", "skew"), "red"),
    "unknown": "magenta",
}
MOST_COLUMNS = 10


def look(look: "Look") -> None:
    """Print what a look found."""
    where = "served" if look.source == "served" else "at the source, since none was served"
    console.print(
        f"[bold]{look.model}[/] version {look.version}, {look.start} to {look.end}, "
        f"as of {look.as_of:%Y-%m-%d %H:%M} UTC: {look.rows:,} rows {where}, {look.quarantined:,} quarantined"
    )
    if look.seen_until:
        console.print(f"[yellow]The champion has seen the rows before {look.seen_until}: they are judged by nobody.[/]")
    signals = Table("signal", "verdict", "evidence", show_edge=False)
    for name in ("faults", "skew", "labels", "harm", "automatic", "audit", "performance", "estimated", "shift"):
        found = getattr(look, name)
        if found is None:
            continue
        style = STYLES.get(found.verdict, "")
        evidence = found.evidence
        signals.add_row(name, f"[{style}]{found.verdict}[/]", escape(evidence))
    console.print(signals)
    columns(look)
    for cause in look.causes:
        console.print(f"Named: [bold]{escape(cause.name)}[/]: {escape(cause.evidence)}")
    for page in look.pages:
        console.print(f"[red]Page[/]: {escape(page)}")
    decision(look.decision)
    if look.report:
        console.print(f"Report: {look.report}", soft_wrap=True)


def decision(decided: "Decision") -> None:
    """Print what was decided, by which policy and signal, and what would have changed it."""
    console.print(f"Decision: {escape(decided.summary)}")
    if not decided.policy:  # of before there were policies
        return
    by = f"decided by {decided.decided_by}" if decided.decided_by else "it did not fire"
    console.print(f"Policy {escape(decided.policy)}: {escape(by)}. What would have changed it:")
    for line in decided.would_change:
        console.print(f"  {escape(line)}")


def columns(look: "Look") -> None:
    """Print the columns with a fault, and those that shifted, in the order of their effect on the model."""
    faults = {fault.column: fault for fault in look.faults.columns}
    told = [column for column in look.shift.columns if column.verdict != "steady" and column.name not in faults]
    if not faults and not told:
        return
    table = Table("column", "verdict", "evidence", show_edge=False)
    for fault in look.faults.columns:
        table.add_row(escape(fault.column), f"[red]{escape(fault.kind)}[/]", escape(fault.evidence))
    for column in told[:MOST_COLUMNS]:
        style = STYLES.get(column.verdict, "")
        table.add_row(escape(column.name), f"[{style}]{column.verdict}[/]", escape(column.evidence))
    console.print(table)
    if len(told) > MOST_COLUMNS:
        console.print(f"[dim]and {len(told) - MOST_COLUMNS} more: --json[/]")
