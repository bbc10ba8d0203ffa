"""`evergreen labels`: labels from a file into the prediction log, and the rows whose labels are asked for."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evergreen.base.errors import ConfigError, printable
from evergreen.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

    from evergreen.record.labels.adding import Added


def ask(
    project: Project, target: Path, *, share: float, start: datetime | None, end: datetime | None
) -> dict[str, Any]:
    """Write the rows whose labels are asked for; raises ConfigError for a file that is there or is of no known kind."""
    from evergreen.base.artifacts.outputs import SUFFIXES, Output
    from evergreen.record.labels import asking

    if target.suffix not in SUFFIXES:
        raise ConfigError(
            "CFG016",
            f"cannot write '{target.name}'",
            where=str(target),
            next_step=f"End its name in {' or '.join(SUFFIXES)}.",
        )
    if target.exists():
        raise ConfigError(
            "LOG012",
            "the file is there already, and may hold labels that somebody filled in",
            where=str(target),
            next_step="Add it, and delete it then; or name another file.",
        )
    rows = asking.asked(project.settings.predictions, contract=project.contract, share=share, start=start, end=end)
    output = Output(target, rows.schema)
    try:
        for batch in rows.to_batches():
            output.add(batch)
        output.publish()
    except BaseException:
        output.discard()
        raise
    return {"file": str(target), "asked": rows.num_rows, "share": share, "notices": notices(project, rows, share)}


def notices(project: Project, asked: "pa.Table", share: float) -> list[dict[str, Any]]:
    """Return how soon the labels of such a share would notice faults of some sizes; nothing without a champion."""
    from evergreen.decisions.drift import noticing
    from evergreen.record.outcomes import champion_facts
    from evergreen.record.reference import Reference

    champion = champion_facts(project.ledger(), project.name)
    if champion is None or champion.reference is None or not asked.num_rows:
        return []
    kept = champion.reference
    frozen, harm = Reference.read(project.workspace.path(kept.uri), kept.sha256), project.params.harm
    promise = frozen.promise(
        project.contract.task, threshold=champion.threshold, loss=harm.loss, tolerance=harm.tolerance
    )
    days = {event.date() for event in asked.column("event_at").to_pylist()}
    per_day = asked.num_rows / share / len(days)
    found = noticing.table(promise, rows_per_day=per_day, shares=(share,), alpha=harm.alpha)
    return [each.model_dump(mode="json") for each in found]


def show_asked(result: dict[str, Any]) -> None:
    """Print for a person what is asked, and how soon that would notice what."""
    typer.echo(printable(f"{result['asked']:,} predictions to label are in {result['file']}"))
    for each in result["notices"]:
        soon = f"after about {each['days']} days ({each['labels']:,} labels)" if each["days"] else "not within a year"
        typer.echo(f"  a loss {each['fault']:g} higher would be noticed {soon}")


def events_of(project: Project, text: str) -> tuple[datetime, datetime]:
    """Return the instants at which a period begins and ends in the contract's time zone."""
    from cli import watching
    from evergreen.data.datasets.months import midnight

    start, end = (midnight(day, project.contract.timezone) for day in watching.period(text))
    return start, end


def show(added: "Added") -> None:
    """Print for a person what a file brought."""
    counts = added.model_dump(include={"rows", "taken", "known", "unlabelled", "refused", "unknown_ids"})
    typer.echo(printable(f"Labels of {added.file}"))
    for name, value in counts.items():
        typer.echo(f"  {name.replace('_', ' ')}: {value}")
    for row in added.first:
        typer.echo(printable(f"  row {row.row}: {row.codes}: {row.why}"))
    if added.refused_file:
        typer.echo(f"  refused rows: {added.refused_file}")
