"""Static tables by one column: found below the project, read whole, and shipped inside the model."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from evergreen.base.errors import ConfigError, DataError
from evergreen.base.values import Value
from evergreen.config.contract.columns import Column
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams, Lookup
from evergreen.data.typed.schema import UNREADABLE, conform, to_pandas
from evergreen.data.typed.values import EXACT
from evergreen.learning.features.rowwise import typed

Frame = pd.DataFrame


class LookupRef(Value):
    """A file with a lookup's table. `uri` is its absolute path; `sha256` is of its bytes."""

    name: str
    uri: str
    sha256: str


def locate(params: FeatureParams, project: Path) -> tuple[LookupRef, ...]:
    """Return the files of `params.lookups`, hashed.

    Raises
    ------
    ConfigError if one is missing, cannot be read, is neither CSV nor Parquet, or lies outside the project.
    """
    refs, root = [], project.resolve()
    for name, lookup in params.lookups.items():
        path = (root / lookup.file).resolve()
        if not path.is_relative_to(root):
            raise ConfigError(
                "CFG035",
                f"'{lookup.file}' leads out of the project",
                where=_at(name),
                next_step="Put the file into the project.",
            )
        if path.suffix not in (".csv", ".parquet"):
            raise ConfigError(
                "CFG032",
                f"'{lookup.file}' is neither .csv nor .parquet",
                where=_at(name),
                next_step="Write it as one of them.",
            )
        refs.append(LookupRef(name=name, uri=str(path), sha256=hashlib.sha256(_bytes(name, path)).hexdigest()))
    return tuple(refs)


def read(refs: Iterable[LookupRef], params: FeatureParams, contract: Contract) -> dict[str, Frame]:
    """Return the tables by name: the columns that are taken, typed and sorted by the key, which is the index.

    Raises
    ------
    ConfigError if a table cannot be parsed, has no row, lacks a column, holds a value of another type, repeats or lacks
    a key, has one too large to be told from its neighbour, or holds the target.
    """
    tables = {}
    for ref in refs:
        content = _bytes(ref.name, Path(ref.uri))
        if hashlib.sha256(content).hexdigest() != ref.sha256:
            raise DataError(
                "DQ028", f"lookup '{ref.name}' changed while it was read", where=ref.uri, next_step="Run it again."
            )
        lookup = params.lookups[ref.name]
        tables[ref.name] = _checked(ref.name, _parsed(ref, content, lookup, contract), lookup, contract)
    return tables


def to_files(tables: Mapping[str, Frame]) -> dict[str, bytes]:
    """Return tables as Parquet files by path; equal tables give equal bytes."""
    return {f"{name}.parquet": _to_parquet(table) for name, table in tables.items()}


def from_files(files: Mapping[str, bytes]) -> dict[str, Frame]:
    """Return the tables in what `to_files` made."""
    tables = {name.removesuffix(".parquet"): pd.read_parquet(io.BytesIO(content)) for name, content in files.items()}
    return {name: table.set_index(table.columns[0]) for name, table in tables.items()}


def _to_parquet(table: Frame) -> bytes:
    target = io.BytesIO()
    arrow = pa.Table.from_pandas(table.reset_index(), preserve_index=False)
    pq.write_table(arrow.replace_schema_metadata(None), target)
    return target.getvalue()


def _parsed(ref: LookupRef, content: bytes, lookup: Lookup, contract: Contract) -> pa.Table:
    try:
        if ref.uri.endswith(".parquet"):
            return pq.read_table(io.BytesIO(content))
        return csv.read_csv(
            io.BytesIO(content),
            csv.ReadOptions(block_size=max(len(content), 1)),  # of all rows at once the types are guessed
            csv.ParseOptions(newlines_in_values=True),
            csv.ConvertOptions(
                column_types={name: pa.string() for name in (lookup.by, *lookup.columns)},
                null_values=contract.missing,
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowException, OSError) as error:
        what = f"'{ref.uri}' cannot be parsed: {error}"
        raise ConfigError("CFG032", what, where=_at(ref.name), next_step="Write a table with a header.") from error


def _checked(name: str, table: pa.Table, lookup: Lookup, contract: Contract) -> Frame:
    if contract.target in table.column_names:
        what = f"the table holds the target '{contract.target}', which nobody knows when a row is asked"
        raise ConfigError("CFG036", what, where=_at(name), next_step="Take the column out of the file.")
    key = next(column for column in contract.features if column.name == lookup.by)
    wanted = [
        key,
        *(Column(name=column, type="number", role="feature", nullable=True) for column in lookup.numeric),
        *(Column(name=column, type="category", role="feature", nullable=True) for column in lookup.categorical),
    ]
    for column in wanted:
        if (n_found := table.column_names.count(column.name)) != 1:
            has = f"{n_found} columns" if n_found else "no column"
            what = f"the table has {has} '{column.name}'; it has {', '.join(table.column_names)}"
            raise ConfigError("CFG034", what, where=_at(name), next_step="Correct the name, or the file.")
    if not table.num_rows:
        raise ConfigError("CFG034", "the table has no row", where=_at(name), next_step="Correct the file.")
    (batch,) = table.select([column.name for column in wanted]).combine_chunks().to_batches()
    batch = conform(batch, wanted, zone=contract.timezone, missing=contract.missing)
    if unreadable := batch.column(UNREADABLE).drop_null().to_pylist():
        what = f"{len(unreadable)} rows hold values of another type, such as {unreadable[0]}"
        raise ConfigError("CFG034", what, where=_at(name), next_step="Correct them, or name the column in categorical.")
    rows = to_pandas(batch)
    _check_keys(name, rows[key.name], key)
    columns = {column.name: typed(rows[column.name], column) for column in wanted}
    return pd.DataFrame(columns).set_index(lookup.by).sort_index()


def _check_keys(name: str, keys: pd.Series, key: Column) -> None:
    wrong, next_step = "", "Leave one row for each key."
    if keys.isna().any():
        wrong = "has no value in a row"
    elif keys.duplicated().any():
        wrong = f"holds {keys[keys.duplicated()].iloc[0]} twice"
    elif key.type == "integer" and len(large := keys[(keys <= -EXACT) | (keys >= EXACT)]):
        wrong = f"holds {large.iloc[0]}, which as a number is the same as its neighbour"
        next_step = "Give the column type: category in the contract."
    if wrong:
        raise ConfigError("CFG033", f"column '{key.name}' {wrong}", where=_at(name), next_step=next_step)


def _bytes(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"'{path}' cannot be read: {error.strerror}"
        raise ConfigError("CFG032", what, where=_at(name), next_step="Put the file there.") from error


def _at(name: str) -> str:
    return f"features.lookups.{name}"
