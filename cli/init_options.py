"""The options of `evergreen init` that say how files are to be read."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from evergreen.base.errors import ConfigError

if TYPE_CHECKING:
    from evergreen.config.contract.sources import Layout

SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " ", "pipe": "|"}

Format = Annotated[
    Literal["csv", "tsv", "parquet", "jsonl", "json", "xlsx"] | None,
    typer.Option("--format", help="What the files are, where their names do not tell."),
]
Delimiter = Annotated[
    str | None, typer.Option("--delimiter", metavar="SIGN", help="What separates values, such as ';' or tab.")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", metavar="NAME", help="What text is written in, such as cp1252.")
]
Decimal = Annotated[
    Literal[".", ","] | None, typer.Option("--decimal", help="The sign before the fraction of numbers in text.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option("--missing", metavar="WORD", help="What stands for a missing value too; may be repeated."),
]
NoHeader = Annotated[bool, typer.Option("--no-header", help="The first line is a row; columns are column_1 and so on.")]
Names = Annotated[
    str | None, typer.Option("--names", metavar="A,B,…", help="The columns' names; the first line is a row.")
]


def layout(
    *, format: str | None, delimiter: str | None, encoding: str | None, no_header: bool, names: str | None
) -> "Layout":
    """Return how files are to be read.

    Raises
    ------
    ConfigError (CFG027) for an encoding that is not known, a separator of several signs, or names that repeat.
    """
    from pydantic import ValidationError

    from evergreen.config.contract.sources import Layout

    given: dict[str, Any] = {
        "format": format,
        "delimiter": None if delimiter is None else SPOKEN.get(delimiter, delimiter),
        "encoding": encoding,
        "names": None if names is None else tuple(name.strip() for name in names.split(",")),
        "header": False if no_header or names is not None else None,
    }
    try:
        return Layout(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        option = f"--{first['loc'][0]}" if first["loc"] else "--names"
        raise ConfigError(
            "CFG027",
            first["msg"].removeprefix("Value error, "),
            where=option,
            next_step="What it takes: evergreen init --help",
        ) from error
