"""The rows of a query: read in a read-only transaction, and kept as Parquet snapshots."""

import fcntl
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from evergreen.base.artifacts.refs import Item
from evergreen.base.errors import ConfigError, DataError, explain_os_errors
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.config.contract.sources import SqlSource
from evergreen.data.ingest import databases
from evergreen.data.ingest.items import item_of
from evergreen.data.ingest.snapshots import Snapshot, write_snapshot

Scalar = int | float | str | datetime | date | Decimal
SPELLED: Mapping[str, Any] = {
    "int": int, "float": float, "str": str, "Decimal": Decimal,
    "datetime": datetime.fromisoformat, "date": date.fromisoformat,
}  # fmt: skip
# What a statement holds besides words: quoted text and names, and comments.
_NOT_WORDS = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|(\$\w*\$).*?\1", re.DOTALL)
_WRITES = re.compile(r"\b(insert|update|delete|merge|into)\b", re.IGNORECASE)  # in a WITH, or SELECT INTO
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Kept(Value):
    """A snapshot on disk; `greatest`: type and spelling of the highest watermark in it."""

    file: str
    rows: int
    sha256: str
    greatest: tuple[str, str] | None = None


class _Index(Value):
    kept: tuple[Kept, ...] = ()


def find(source: SqlSource, *, folder: Path, connections: Mapping[str, SecretStr], project: Path) -> tuple[Item, ...]:
    """Run the query and return its rows as one item; with a watermark, those read before and then the new ones.

    Items are in the order in which their rows were read. A snapshot that is damaged, and those after it, are read anew.

    Raises
    ------
    ConfigError if the settings do not name the connection (CFG024), or the query is not one SELECT (CFG022).
    DataError if the database refuses the query (DQ000), or its result has columns that no table can have (DQ029).
    Unavailable if the database does not answer or does not let us in.
    """
    query = _checked(source)
    asked = json.dumps([source.connection, query, source.parameters, source.watermark], sort_keys=True)
    place = folder / "sql" / hashlib.sha256(asked.encode()).hexdigest()[:16]
    with explain_os_errors(place):
        place.mkdir(parents=True, exist_ok=True)
    database = databases.SourceDatabase(source.connection, connections, project=project)
    with _locked(place):
        kept = _undamaged(place) if source.watermark else []
        first = sum(earlier.rows for earlier in kept) + 1
        statement, parameters = query, dict[str, Any](source.parameters)
        if source.watermark:
            last = next((earlier.greatest for earlier in reversed(kept) if earlier.greatest), None)
            statement = _above(query, database.quoted(source.watermark), bounded=last is not None)
            if last:
                parameters["watermark"] = SPELLED[last[0]](last[1])
        with database.rows(statement, parameters) as (names, batches):
            snapshot = write_snapshot(place / f"{first:012d}.parquet", names, batches, last_of=source.watermark)
        if snapshot.rows or not kept:
            kept.append(_as_kept(snapshot, source))
        write_bytes(place / "index.json", _Index(kept=tuple(kept)).model_dump_json().encode())
        return tuple(_items(kept, place, source.connection))


def _checked(source: SqlSource) -> str:
    """Return the query without the semicolon and comments at its end, if it is one statement that only reads."""
    bare = _NOT_WORDS.sub(_masked, source.query).rstrip("; \t\r\n")
    begins = re.match(r"[\s(]*(select|with)\b", bare, re.IGNORECASE)
    writes = _WRITES.search(bare)
    what = None
    if not begins or ";" in bare:
        what = "the query is not one SELECT statement"
    elif writes:
        what = f"the query would write: {writes[0].upper()}"
    elif source.watermark and not _NAME.fullmatch(source.watermark):
        what = "the watermark is not the name of a column"
    elif source.watermark and "watermark" in source.parameters:
        what = "the parameter 'watermark' is bound by Evergreen"
    if what:
        raise ConfigError(
            "CFG022",
            what,
            where=f"source of connection '{source.connection}'",
            next_step="Write one SELECT in source.query; values go into source.parameters, as :name in the query.",
        )
    return source.query[: len(bare)].strip()


def _masked(match: re.Match[str]) -> str:
    return (" " if match[0].startswith(("--", "/*")) else "x") * len(match[0])


def _above(query: str, column: str, *, bounded: bool) -> str:
    # A value of NULL is above nothing and below nothing: it must be seen to be refused.
    where = f" WHERE q.{column} > :watermark OR q.{column} IS NULL" if bounded else ""
    return f"SELECT * FROM (\n{query}\n) AS q{where} ORDER BY q.{column}"  # noqa: S608  no value is pasted


def _as_kept(snapshot: Snapshot, source: SqlSource) -> Kept:
    greatest = None
    if source.watermark and snapshot.rows:
        if snapshot.nulls or type(snapshot.last).__name__ not in SPELLED:
            raise DataError(
                "DQ000",
                f"watermark '{source.watermark}' has rows without a value"
                if snapshot.nulls
                else f"watermark '{source.watermark}' is of type {type(snapshot.last).__name__}",
                where=f"connection '{source.connection}'",
                next_step="Choose a column that every row has and that only grows: a number, a time or a text.",
            )
        spelled = snapshot.last.isoformat() if isinstance(snapshot.last, date) else str(snapshot.last)
        greatest = (type(snapshot.last).__name__, spelled)
    return Kept(file=snapshot.path.name, rows=snapshot.rows, sha256=snapshot.sha256, greatest=greatest)


def _undamaged(place: Path) -> list[Kept]:
    """Return the snapshots up to the first whose bytes are not those that were written."""
    try:
        kept = _Index.model_validate_json((place / "index.json").read_bytes()).kept
    except (OSError, ValidationError):
        return []
    whole = []
    for snapshot in kept:
        try:
            if not snapshot.rows or item_of(place / snapshot.file, name=snapshot.file).sha256 != snapshot.sha256:
                break
        except DataError:
            break
        whole.append(snapshot)
    return whole


def _items(kept: list[Kept], place: Path, connection: str) -> Iterator[Item]:
    first = 1
    for snapshot in kept:
        span = f"rows {first} to {first + snapshot.rows - 1}" if snapshot.rows else "no rows"
        yield item_of(place / snapshot.file, name=f"{span} of {connection}", format="parquet")
        first += snapshot.rows


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Let one process at a time read for a query; the lock goes with its holder."""
    with explain_os_errors(place):
        file = (place / ".lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
