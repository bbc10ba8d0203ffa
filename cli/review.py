"""`evergreen review`: rows that were referred to people, shown one by one or as a file, and their answers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from evergreen.base.errors import ConfigError, LostRace, printable
from evergreen.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

    from evergreen.record.predictions.records import Feedback
    from evergreen.record.review.answering import Given, Held, Referred

    Order = Literal["oldest", "unsure"]

MOST_SHOWN = 5  # of the rows of a file that are not taken


def listed(
    project: Project, *, order: "Order", since: datetime | None, limit: int | None, target: Path | None
) -> dict[str, Any]:
    """Return what waits, and write it with its columns if a file is asked for.

    Raises
    ------
    ConfigError for a file that is there or is of no known kind.
    """
    from evergreen.base.artifacts.outputs import SUFFIXES
    from evergreen.record.review import files, queue
    from evergreen.record.review.claims import Claims

    if target is not None and target.suffix not in SUFFIXES:
        next_step = f"End its name in {' or '.join(SUFFIXES)}."
        raise ConfigError("CFG016", f"cannot write '{target.name}'", where=str(target), next_step=next_step)
    if target is not None and target.exists():
        raise ConfigError(
            "LOG012",
            "the file is there already, and may hold answers that somebody filled in",
            where=str(target),
            next_step="Bring it in, and delete it then: evergreen review answer --file FILE",
        )
    folder = project.settings.predictions
    rows = queue.referred(folder, contract=project.contract.name)
    left = queue.waiting(rows, order=order, since=since)
    told: dict[str, Any] = queue.length(rows).model_dump(mode="json")
    if target is not None:
        written = files.write(folder, target, left.slice(0, limit), contract=project.contract)
        return {**told, "file": str(target), "written": written}
    held = Claims(folder).held()
    shown = left.slice(0, limit).select(["prediction_id", "received_at", "rule"]).to_pylist()
    for row in shown:
        claim = held.get(row["prediction_id"])
        row |= {
            "rule": queue.told(row["rule"]),
            "received_at": row["received_at"].isoformat(),
            "in_hand": claim.person if claim else None,
        }
    return {**told, "rows": shown}


def following(
    project: Project, *, by: str, order: "Order", since: datetime | None, skip: Sequence[str]
) -> dict[str, Any]:
    """Return the row that somebody is to answer next, which is in their hands then; none where nothing is free."""
    from evergreen.record.predictions.ids import find
    from evergreen.record.review import answering, queue
    from evergreen.record.review.claims import CLAIM_SECONDS, Claims

    folder, by = project.settings.predictions, answering.person(by)
    left = queue.waiting(queue.referred(folder, contract=project.contract.name), order=order, since=since)
    ids = [name for name in left.column("prediction_id").to_pylist() if name not in skip]
    taken = Claims(folder).take(ids, by=by)
    found = find(folder, taken[0]) if taken else None
    row = queue.shown(*found).model_dump(mode="json") if found else None
    return {"waiting": left.num_rows, "row": row, "minutes": CLAIM_SECONDS // 60}


def one(
    project: Project, prediction_id: str, *, label: str | None, decision: str | None, by: str, anyway: bool
) -> dict[str, Any]:
    """Keep a person's answer to one row.

    Raises
    ------
    ConfigError if no such row was referred; DataError if the answer cannot be taken; LostRace if somebody else has the
    row in hand or answered it.
    """
    from evergreen.record.review import answering, files

    by = answering.person(by)
    about = _about(project)
    if prediction_id not in about:
        raise ConfigError(
            "LOG017",
            f"no such prediction was referred to people: {prediction_id[:40]}",
            where=str(project.settings.predictions),
            next_step="See what waits: evergreen review list",
        )
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    said = files.said_of(
        prediction_id, contract=project.contract, label=label, decision=decision, by=by, received_us=now_us
    )
    given = _kept(project, said, about, anyway=anyway)
    if given.held:
        raise LostRace(
            "RACE009",
            f"not taken: {given.held[0]}",
            where=prediction_id,
            next_step="Take another one: evergreen review next. To answer it all the same, add --anyway.",
        )
    return {"prediction_id": prediction_id, "taken": len(given.taken), "known": len(given.known)}


def many(project: Project, source: Path, *, by: str | None, anyway: bool) -> dict[str, Any]:
    """Keep the answers in a file; those to rows that somebody else answered or has in hand are named, and not taken."""
    from evergreen.record.review import answering, files

    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    read = files.read(
        source, contract=project.contract, by=answering.person(by) if by is not None else None, received_us=now_us
    )
    about = _about(project)
    unknown = list(dict.fromkeys(row.prediction_id for row in read.said if row.prediction_id not in about))
    given = _kept(project, [row for row in read.said if row.prediction_id in about], about, anyway=anyway)
    refused = [*(f"row {bad.row}: {bad.why}" for bad in read.bad)]
    refused += [f"no such prediction was referred to people: {name}" for name in unknown]
    return {
        "file": str(source),
        "taken": len(given.taken),
        "known": len(given.known),
        "unanswered": read.n_unanswered,
        "held": len(given.held),
        "refused": len(refused),
        "first_held": [_held(each) for each in given.held[:MOST_SHOWN]],
        "first_refused": refused[:MOST_SHOWN],
    }


def _about(project: Project) -> "dict[str, Referred]":
    from evergreen.record.review import queue
    from evergreen.record.review.answering import Referred

    rows: pa.Table = queue.referred(project.settings.predictions, contract=project.contract.name)
    ids, rules, times = (rows.column(name).to_pylist() for name in ("prediction_id", "rule", "answered_at"))
    return {name: Referred(rule=rule, answered_at=at) for name, rule, at in zip(ids, rules, times, strict=True)}


def _kept(project: Project, said: "Sequence[Feedback]", about: "dict[str, Referred]", *, anyway: bool) -> "Given":
    from evergreen.data.personal import KEY_FILE
    from evergreen.record.predictions.log import PredictionLog
    from evergreen.record.predictions.records import columns_of
    from evergreen.record.review import answering

    log = PredictionLog(project.settings.predictions, pii_key=project.settings.home / KEY_FILE)
    try:
        return answering.answer(log, columns_of(project.contract), said, about, anyway=anyway)
    finally:
        log.close()


def _held(held: "Held") -> dict[str, Any]:
    return {"prediction_id": held.prediction_id, "why": str(held)}


def show_list(result: dict[str, Any]) -> None:
    """Print for a person what waits."""
    since = f", the oldest since {result['oldest'][:16].replace('T', ' ')} UTC" if result["oldest"] else ""
    typer.echo(f"{result['waiting']:,} of {result['referred']:,} referred rows wait for an answer{since}")
    if "file" in result:
        typer.echo(printable(f"  {result['written']:,} of them to fill in are in {result['file']}"))
    for row in result.get("rows", ()):
        hand = f", in the hands of {row['in_hand']}" if row["in_hand"] else ""
        line = f"  {row['prediction_id']}  {row['received_at'][:16].replace('T', ' ')}  {row['rule'] or '-'}{hand}"
        typer.echo(printable(line))


def show_next(result: dict[str, Any], target: str) -> None:
    """Print for a person the row that is theirs to answer."""
    row = result["row"]
    if row is None:
        waits = "nothing waits" if not result["waiting"] else f"the {result['waiting']:,} that wait are in other hands"
        typer.echo(f"No row to answer: {waits}")
        return
    typer.echo(printable(f"{row['prediction_id']}, received {row['received_at'][:16].replace('T', ' ')} UTC"))
    for name, value in row["sent"].items():
        typer.echo(printable(f"  {name}: {value}"))
    if row["said"]:
        typer.echo(
            printable(f"  the model says: {', '.join(f'{name} {value}' for name, value in row['said'].items())}")
        )
    typer.echo(
        printable(
            f"{result['waiting']:,} wait. It is yours for {result['minutes']} minutes. If you know {target}: evergreen "
            f"review answer {row['prediction_id']} --label VALUE --by NAME; if you decide without: --decision WORD"
        )
    )


def show_file(result: dict[str, Any]) -> None:
    """Print for a person what became of the answers in a file."""
    typer.echo(printable(f"Answers of {result['file']}"))
    for name in ("taken", "known", "unanswered", "held", "refused"):
        typer.echo(f"  {name}: {result[name]:,}")
    for each in result["first_held"]:
        typer.echo(printable(f"  {each['prediction_id']}: {each['why']}"))
    for line in result["first_refused"]:
        typer.echo(printable(f"  {line}"))
