"""Ingestion beside DuckDB and polars: a CSV of flights to Parquet by month, rows a second and resident memory.

Run `make benchmark-ingest` (ROWS="1000000 10000000"). Each figure is the median of interleaved runs, each a process of
its own, so imports count; where others use the machine too, ratios and CPU seconds say more than seconds. All three
read the same file; ours also types every value by a contract, keeps what cannot be read, numbers and hashes every row.
DuckDB partitions by year and month as we do; polars writes one file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track
from rich.table import Table

DUCKDB = """
import sys, duckdb
rows = f"select * from read_csv('{sys.argv[1]}', nullstr=['', 'NA'])"
duckdb.sql(f"copy ({rows}) to '{sys.argv[2]}' (format parquet, {sys.argv[3]})")
"""
POLARS = """
import sys, polars
rows = polars.scan_csv(sys.argv[1], null_values=['', 'NA'], infer_schema_length=10_000)
rows.sink_parquet(sys.argv[2] + '.parquet')
"""
OURS, DUCKDB_MONTHS, DUCKDB_ONE, POLARS_ONE = "evergreen", "DuckDB, by month", "DuckDB, one file", "polars, one file"


def ingest(source: str, target: str) -> None:
    """Do what the ingest step does with a file source."""
    from evergreen.config.contract.contract import Contract
    from evergreen.config.settings import Settings
    from evergreen.data.ingest import sources, store

    path = Path(source)
    header = path.open().readline().strip().replace('"', "").split(",")
    kinds = {"time_hour": ("timestamp", "time"), "arr_delay": ("integer", "target")}
    texts = dict.fromkeys(("carrier", "tailnum", "origin", "dest"), ("category", "feature"))
    columns = [(name, *(kinds | texts).get(name, ("integer", "feature"))) for name in header]
    contract = Contract.model_validate(
        {
            "name": "flights",
            "description": "as they come",
            "source": {"kind": "file", "root": str(path.parent), "path": path.name},
            "timezone": "America/New_York",
            "label_delay_days": 0,
            "columns": [{"name": n, "type": kind, "role": role, "nullable": True} for n, kind, role in columns],
        }
    )
    found = sources.locate(contract, Settings(project=path.parent))
    store.sync(found, contract, Path(target), made_with="benchmark", secret=b"")


def write_flights(path: Path, rows: int) -> None:
    """Write the bundled flights again and again, a year later each time, until there are `rows` of them."""
    import pandas as pd

    from evergreen.data.ingest import flights

    year = pd.read_csv(flights.file("flights"), dtype="str", keep_default_na=False)
    done = 0
    with path.open("w") as file:
        while done < rows:
            shifted = str(2013 + done // len(year))
            part = year.head(rows - done)
            part = part.assign(year=shifted, time_hour=shifted + part["time_hour"].str.slice(4))
            part.to_csv(file, index=False, header=done == 0)
            done += len(part)


def measured(argv: list[str]) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak resident MiB of a process."""
    code = (
        "import resource, subprocess, sys, time; s = time.monotonic(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "u = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(time.monotonic() - s, u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], check=True, capture_output=True, text=True)
    seconds, cpu_seconds, mebibytes = map(float, done.stdout.split())
    return seconds, cpu_seconds, mebibytes


def main() -> None:
    """Print the figures for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", required=True, help="a Python that has duckdb and polars")
    parser.add_argument("--ingest", nargs=2, metavar=("SOURCE", "TARGET"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ingest:
        ingest(*arguments.ingest)
        return
    heads = ("rows", "", "seconds", "CPU s", "rows/s", "ours is faster by", "peak MiB")
    table = Table(*heads, title=f"CSV to Parquet; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        for rows in arguments.rows:
            source = Path(folder) / "flights.csv"
            write_flights(source, rows)
            figures: dict[str, list[tuple[float, float, float]]] = {}
            for number in track(range(arguments.rounds), description=f"{rows:,} rows", console=Console(stderr=True)):
                target = f"{folder}/out-{number}"
                months = "partition_by (year, month)"
                for what, argv in {
                    OURS: [sys.executable, __file__, "--peers", "", "--ingest", str(source), f"{target}-ours"],
                    DUCKDB_MONTHS: [arguments.peers, "-c", DUCKDB, str(source), f"{target}-months", months],
                    DUCKDB_ONE: [arguments.peers, "-c", DUCKDB, str(source), f"{target}-one", "compression zstd"],
                    POLARS_ONE: [arguments.peers, "-c", POLARS, str(source), f"{target}-polars"],
                }.items():
                    figures.setdefault(what, []).append(measured(argv))
                for written in Path(folder).glob("out-*"):
                    shutil.rmtree(written) if written.is_dir() else written.unlink()
            ours = median(seconds for seconds, *_ in figures[OURS])
            for what, runs in figures.items():
                seconds, cpu_seconds, peak = map(median, zip(*runs, strict=True))
                faster = f"{seconds / ours:.2f}" if what != OURS else ""
                shown = (f"{seconds:.1f}", f"{cpu_seconds:.1f}", f"{rows / seconds:,.0f}", faster, f"{peak:,.0f}")
                table.add_row(f"{rows:,}", what, *shown)
            source.unlink()
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
