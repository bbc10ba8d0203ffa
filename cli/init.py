"""`evergreen init`: a table nobody has described yet, in; a contract and parameters to review, out."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
from rich.table import Table

from cli import opening
from evergreen.base.errors import ConfigError, printable
from evergreen.base.files import write_bytes
from evergreen.config.contract.columns import MISSING, Column, Task
from evergreen.config.contract.contract import Contract
from evergreen.config.contract.sources import FileSource, Layout, Source, SqlSource, UrlSource
from evergreen.config.settings import Settings
from evergreen.data import ingest
from evergreen.data.ingest import sources
from evergreen.proposal import drafts, propose, trial
from evergreen.proposal.column_profile import ColumnProfile
from evergreen.proposal.profile import Header, TableProfile, noting
from evergreen.proposal.propose import Proposal
from evergreen.proposal.roles import Ask
from evergreen.proposal.spellings import reading

NAME = re.compile(r"[a-z][a-z0-9_-]*")
GLOB = re.compile(r"[*?\[]")
ENDINGS = re.compile(r"(\.(csv|tsv|tab|txt|parquet|pq|jsonl|ndjson|json|xlsx|gz|gzip|zip|zst|zstd))+$")
RESERVED = "env"  # configs/env holds where it runs
MOST_SHOWN = 60


@dataclass(frozen=True)
class Written:
    """What `init` made: two files, and what it saw."""

    contract: str
    params: str
    proposal: Proposal
    table: TableProfile
    review: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        declared = self.proposal.contract.columns
        return {
            "contract": self.contract,
            "params": self.params,
            "task": self.proposal.contract.task,
            "rows": self.table.rows + self.table.unreadable,
            "leakage": list(self.proposal.leakage),
            "pii": list(self.proposal.pii),
            "left_out": {**self.proposal.left_out},
            "review": list(self.review),
            "gate": list(self.proposal.gate),
            "columns": [
                {"name": c.name, "type": c.type, "role": c.role, "saw": saw(self.table.columns[c.name], c)}
                for c in declared
            ],
        }


def init(
    settings: Settings,
    *,
    data: str | None,
    target: str,
    time: str | None,
    key: Sequence[str],
    task: Task | None,
    name: str | None,
    connection: str | None,
    query: str | None,
    layout: Layout | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
) -> Written:
    """Profile a table, write its contract and parameters, and say what to review.

    Parameters
    ----------
    layout : how the files are to be read, where their names and first lines do not tell.
    decimal : the sign before the fraction of numbers that are written as text.
    missing : what stands for a missing value, beside the usual.
    """
    source = source_of(settings.project, data=data, connection=connection, query=query, layout=layout)
    name = dataset_name(name, source)
    folder = settings.project / "configs" / name
    files = folder / "contract.yaml", folder / "params.yaml"
    for file in files:
        if file.exists():
            raise ConfigError(
                "CFG023",
                "exists, and is not overwritten",
                where=str(file.relative_to(settings.project)),
                next_step=f"Choose another --name, or see what it would be now: evergreen contract propose "
                f"--params configs/{name}/params.yaml",
            )
    words = MISSING + tuple(word for word in missing if word not in MISSING)
    with opening.advised():
        opened = opening.opened(
            source, settings, lambda source: look(source, settings, key=key, missing=words, decimal=decimal)
        )
    source, table = opened.source, opened.table
    now = datetime.now(UTC)
    ask = Ask(
        target=target, name=name, source=source, now=now, time=time, key=tuple(key), task=task,
        missing=words, decimal=decimal, is_typed=opened.is_typed,
    )  # fmt: skip
    with opening.advised(opened):
        proposed = trial.proven(propose.propose(table, ask), table, today=now.date())
        opening.require_headers(proposed.contract, table.headers)
    review = (*about_source(source, table, words), *opened.notes, *proposed.review)
    write_bytes(files[0], drafts.contract_text(proposed.contract, proposed.notes).encode())
    write_bytes(files[1], drafts.params_text(proposed.params, {"gate": proposed.gate}).encode())
    written = [str(file.relative_to(settings.project)) for file in files]
    return Written(contract=written[0], params=written[1], proposal=proposed, table=table, review=review)


def look(
    source: Source,
    settings: Settings,
    *,
    key: Sequence[str] = (),
    missing: tuple[str, ...] = MISSING,
    decimal: str | None = None,
    declared: Sequence[Column] = (),
) -> tuple[TableProfile, bool]:
    """Return the profile of a source's rows, and whether it carries types.

    A table that spells numbers, times or missing values in ways of its own is read again with them.

    Parameters
    ----------
    decimal : the decimal sign of its texts, where a person has said it.
    declared : columns that a contract says how to read already.
    """
    items = sources.find(source, settings)
    is_typed = all(item.format == "parquet" for item in items)

    headers: list[Header] = [(item, {}) for item in items]

    def batches() -> Iterator[pa.RecordBatch]:
        for item, header in headers:
            yield from noting(header, ingest.batches(item, source, missing))

    table = reading.read(batches, now=datetime.now(UTC), key=key, missing=missing, decimal=decimal, declared=declared)
    table.headers = headers
    table.unread = {name: kind for item in items for name, kind in ingest.unread(item, source).items()}
    return table, is_typed


def about_source(source: Source, table: TableProfile, missing: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a person should know of where the rows come from and how they read."""
    notes = []
    if isinstance(source, FileSource) and source.root != ".":
        notes.append(f"the data lies outside the project, in {source.root}: other machines will not find it there")
    if len(missing) > len(MISSING):
        notes.append(f"read as missing, besides the usual: {', '.join(map(repr, missing[len(MISSING) :]))}")
    if table.unreadable:
        notes.append(
            f"{table.unreadable:,} rows have another number of values than the header, or bytes that are no text: "
            "they go to quarantine"
        )
    return tuple(notes)


def source_of(
    project: Path, *, data: str | None, connection: str | None, query: str | None, layout: Layout | None = None
) -> Source:
    """Return the source that the command line names: a file, folder or glob, an address, or a query."""
    if (data is None) == (connection is None) or (connection is None) != (query is None):
        raise ConfigError(
            "CFG027",
            "name either DATA, or --connection and --query",
            where="command line",
            next_step='evergreen init rows.csv --target COL, or evergreen init --connection NAME --query "SELECT …" …',
        )
    if connection is not None and query is not None:
        return _sql(connection, query)
    assert data is not None
    said = layout.model_dump(exclude_defaults=True) if layout else {}
    if "://" in data:
        return UrlSource(kind="url", url=data, **said)
    named = Path(data).expanduser()
    parts = named.parts
    fixed = next((i for i, part in enumerate(parts) if GLOB.search(part) and not named.exists()), len(parts))
    base = Path(*parts[:fixed]).resolve()
    path = base.joinpath(*parts[fixed:])
    project = project.resolve()
    if path.is_relative_to(project) and path != project:
        return FileSource(kind="file", path=str(path.relative_to(project)), **said)
    root = base if fixed < len(parts) else base.parent
    return FileSource(kind="file", path=str(path.relative_to(root)), root=str(root), **said)


def _sql(connection: str, query: str) -> SqlSource:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", connection) or not query.strip():
        raise ConfigError(
            "CFG027",
            f"'{connection}' is not the name of a connection, or the query is empty",
            where="--connection, --query",
            next_step="Name a connection of configs/env/<name>.yaml, such as warehouse; never a URL.",
        )
    return SqlSource(kind="sql", connection=connection, query=query)


def dataset_name(given: str | None, source: Source) -> str:
    """Return the name given, or one made of the source's own."""
    if given is not None:
        if not NAME.fullmatch(given) or given == RESERVED:
            raise ConfigError(
                "CFG027",
                f"'{given}' cannot be the name of a dataset",
                where="--name",
                next_step="Small letters, digits, _ and -, a letter first: " + fitting(given),
            )
        return given
    if isinstance(source, SqlSource):
        return fitting(source.connection)
    path = source.path if isinstance(source, FileSource) else getattr(source, "url", "").partition("://")[2]
    parts = [part for part in PurePosixPath(path).parts if not GLOB.search(part)]
    return fitting(parts[-1] if parts else "")


def fitting(text: str) -> str:
    """Return a dataset's name made of a file's.

    Examples
    --------
    >>> fitting("Sales 2024.csv.gz"), fitting("2024.parquet"), fitting("env")
    ('sales_2024', 'table_2024', 'table_env')
    """
    words = re.sub(r"[^a-z0-9_-]+", "_", ENDINGS.sub("", text.lower())).strip("_-") or "data"
    return words if words[0].isalpha() and words != RESERVED else f"table_{words}"


def saw(seen: ColumnProfile, column: Column) -> str:
    """Return what a column holds, in a few words."""
    if seen.present == 0:
        return "nothing"
    missing = f", {max(seen.null_share, 0.001):.1%} missing" if seen.nulls else ""
    if column.pii:
        return f"personal{missing}"
    if column.type in ("number", "integer") and seen.range.n:
        return f"{seen.range.low:g} to {seen.range.high:g}, mean {seen.range.mean:.4g}{missing}"
    if column.type == "timestamp" and seen.instants.n:
        first, last = (datetime.fromtimestamp(at / 1e6, UTC) for at in (seen.instants.low, seen.instants.high))
        return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}{missing}"
    if seen.counts and len(seen.counts) <= 5:
        often = sorted(seen.counts, key=lambda value: -seen.counts[value])  # type: ignore[index]
        return _short(", ".join(often)) + missing
    return f"{'' if seen.distinct.is_exact else 'about '}{seen.distinct.n:,} different{missing}"


def _short(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[: MOST_SHOWN - 1]}…"


def show(written: Written) -> None:
    """Print the columns, what to review, and the next command."""
    from cli.show import console, escape

    contract: Contract = written.proposal.contract
    table = Table("column", "type", "role", "saw", title=f"{contract.name}: {contract.task}", title_justify="left")
    styles = {"target": "bold", "leakage": "red", "ignore": "dim", "key": "cyan", "time": "cyan"}
    for column in contract.columns:
        style = styles.get(column.role, "")
        role = f"[{style}]{column.role}[/]" if style else column.role
        table.add_row(
            escape(_short(column.name)), column.type, role, escape(saw(written.table.columns[column.name], column))
        )
    console.print(table)
    if written.review:
        console.print("[bold]Review[/]")
        for note in written.review:
            console.print(f"  {escape(note)}")
    console.print("[bold]The gate[/]")
    for said in written.proposal.gate:
        console.print(f"  {escape(said)}")
    console.print(f"Wrote {written.contract} and {written.params}. Next:")
    console.print(f"  evergreen run --params {written.params}", soft_wrap=True)
