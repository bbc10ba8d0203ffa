"""What is scored into what: the files that a command names, and the output of each."""

from pathlib import Path

from evergreen.base.artifacts import outputs
from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.config.contract.sources import Format
from evergreen.data.ingest import partitions
from evergreen.data.ingest.partitions import Partition


class Planned(Value):
    """A file to score, and the absolute path of its output."""

    partition: Partition
    output: str


def plan(source: str, target: Path, *, otherwise: Format = "auto") -> tuple[Planned, ...]:
    """Return what is scored into what: one file into one file, or those of a folder or glob into a folder.

    Outputs keep the names and the folders of their files. Text with separators becomes CSV, all else Parquet.

    Parameters
    ----------
    otherwise : what a file is whose name does not tell its format.

    Raises
    ------
    ConfigError if the target is of another kind, is or lies in what is read, or two files would have one output.
    DataError if there is no file.
    """
    is_file = target.suffix in outputs.SUFFIXES
    found = partitions.find(source, otherwise=otherwise)
    if found.single and not is_file:
        raise ConfigError(
            "CFG016",
            f"cannot write '{target.suffix}' files",
            where=str(target),
            next_step="Name a .csv or a .parquet file.",
        )
    if not found.single and is_file:
        raise _unfit(source, target, "many files are read, and one would be written", "Name a folder to write to.")
    into = target.resolve()
    if found.single:
        planned = [Planned(partition=found.partitions[0], output=str(into))]
    else:
        if into.is_relative_to(found.root):
            raise _unfit(source, target, "what is written would be read again", "Name a folder elsewhere.")
        planned = [Planned(partition=one, output=str(into / _output_name(one))) for one in found.partitions]
    named: dict[str, str] = {}
    for one in planned:
        if one.output == one.partition.uri:
            raise _unfit(source, target, "the output would replace what is read", "Name another file.")
        if other := named.get(one.output):
            raise ConfigError(
                "SCR003",
                f"'{other}' and '{one.partition.name}' would have one output: {Path(one.output).name}",
                where=source,
                next_step="Rename one, or score them apart.",
            )
        named[one.output] = one.partition.name
    return tuple(planned)


def _output_name(partition: Partition) -> str:
    return f"{partition.stem}{'.csv' if partition.is_delimited else '.parquet'}"


def _unfit(source: str, target: Path, what: str, next_step: str) -> ConfigError:
    return ConfigError("SCR002", f"{source} cannot be scored into {target}: {what}", next_step=next_step)
