"""`evergreen predictions`: the prediction log, rolled, shown, handed on, and what is taken out of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evergreen.base.errors import ConfigError
from evergreen.record.predictions.segment import segments

if TYPE_CHECKING:
    import pyarrow as pa

    from evergreen.config.settings import Settings
    from evergreen.project import Project


def found(settings: "Settings", prediction_id: str | None) -> dict[str, Any]:
    """Return a prediction with what came back about it; or, without an id, how much there is of what."""
    import pyarrow.compute as pc

    from evergreen.record.labels import beside
    from evergreen.record.predictions import reading

    folder = settings.predictions
    if prediction_id is None:
        days: dict[str, int] = {}
        for batch in reading.batches(folder):
            for day in pc.value_counts(pc.strftime(batch.column("received_at"), "%Y-%m-%d")).to_pylist():
                days[day["values"]] = days.get(day["values"], 0) + day["counts"]
        n_feedback = sum(batch.num_rows for batch in reading.batches(folder, "feedback"))
        return {
            "folder": str(folder),
            "predictions": sum(days.values()),
            "feedback": n_feedback,
            "segments": len(segments(folder)),
            "days": dict(sorted(days.items())),
        }
    for batch in beside.with_feedback(folder):
        rows = batch.filter(pc.equal(batch.column("prediction_id"), prediction_id)).to_pylist()
        if rows:
            return {name: _plain(value) for name, value in rows[0].items()}
    raise ConfigError(
        "LOG007",
        f"no such prediction in the log: {prediction_id}",
        where=str(folder),
        next_step="Name a prediction_id that was answered and is not older than what is kept.",
    )


def forget(project: "Project", keys: Sequence[str]) -> dict[str, Any]:
    """Take a subject out of the log, and say which versions learned from it."""
    from evergreen.data import personal
    from evergreen.record.predictions import forgetting
    from evergreen.record.registry import lineage, subjects

    subject = _subject(keys)
    forgotten = forgetting.forget(project.settings.predictions, subject)
    learned = subjects.learned_from(
        project.workspace.root,
        lineage.versions_in(project.ledger().entries(project.name)),
        subject,
        contract=project.contract,
        pii_key=project.settings.home / personal.KEY_FILE,
    )
    return {**forgotten.model_dump(), "learned": list(learned.versions), "unknown": list(learned.unknown)}


def _subject(keys: Sequence[str]) -> dict[str, str]:
    subject = {}
    for key in keys:
        name, is_said, value = key.partition("=")
        if not is_said or not name or not value:
            raise ConfigError(
                "LOG010",
                f"expected a column and its value, got '{key}'",
                where="command line",
                next_step="Write it as --key patient=4711; repeat it for a key of several columns.",
            )
        subject[name] = value
    return subject


def export(settings: "Settings", target: Path, *, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    """Write predictions, each with what came back about it and counts, into one file."""
    import pyarrow as pa

    from evergreen.record.labels import beside
    from evergreen.record.predictions import columnar, reading

    if target.suffix not in (".parquet", ".csv"):
        raise ConfigError(
            "CFG016",
            f"cannot write '{target.name}'",
            where=str(target),
            next_step="End its name in .csv or .parquet.",
        )
    bounds = {"since": since, "until": until}
    schemas: list[pa.Schema] = []
    for batch in beside.with_feedback(settings.predictions, **bounds):
        if batch.schema not in schemas:
            schemas.append(batch.schema)
    schema = columnar.unified(schemas or [columnar.prediction_schema(reading.NOTHING)])
    batches = (columnar.as_schema(batch, schema) for batch in beside.with_feedback(settings.predictions, **bounds))
    return {"file": str(target), "predictions": _write(target, schema, batches)}


def _write(target: Path, schema: "pa.Schema", batches: "Iterator[pa.RecordBatch]") -> int:
    import pyarrow.csv
    import pyarrow.parquet

    from evergreen.base.errors import explain_os_errors

    temporary = target.with_name(f".{target.name}.tmp")
    n_rows = 0
    with explain_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            kind = pyarrow.csv.CSVWriter if target.suffix == ".csv" else pyarrow.parquet.ParquetWriter
            with kind(temporary, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
                    n_rows += batch.num_rows
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    return n_rows


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def instant(text: str | None) -> datetime | None:
    """Return a time that is written as ISO 8601, in UTC unless it says so; raises ConfigError for anything else."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            "CFG015", f"not a time: '{text}'", where="command line", next_step="Write it as 2026-05-03T14:30."
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def show(result: dict[str, Any], title: str) -> None:
    """Print a result for a person."""
    typer.echo(title)
    for name, value in result.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        typer.echo(f"  {name.replace('_', ' ')}: {shown if shown not in ([], '') else '-'}")
