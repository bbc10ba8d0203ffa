"""How long `evergreen init` takes on a table of a million rows and 30 columns, or on a wide one, and how much memory.

    make benchmark-init (ROWS=1000000), or python benchmarks/init.py [--rows 1000000] [--format csv|parquet]
    python benchmarks/init.py --wide 2000 --rows 600: numbers, counts and categories in turn, and a target

Makes the table in a folder of its own, runs the command as a user does, and prints one JSON object: seconds from start
to exit, those of the processor, which say more on a machine that does much else, and the peak of resident memory of
the command's process.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

PROJECT = Path(__file__).parents[1]
BATCH = 100_000


def batch_of(start: int, rows: int) -> pa.RecordBatch:
    """Return rows of 14 measures, 6 counts, 6 categories, an id, a time, free text and a target."""
    rng = np.random.default_rng(start)
    measures = rng.normal(50, 12, (14, rows)).round(4)
    columns = {f"measure_{n}": values for n, values in enumerate(measures)}
    columns |= {f"count_{n}": rng.poisson(3 + n, rows) for n in range(6)}
    columns |= {f"category_{n}": rng.choice([f"c{v}" for v in range(3 + 30 * n)], rows) for n in range(6)}
    columns["measure_0"] = np.where(rng.random(rows) < 0.1, np.nan, columns["measure_0"])
    times = np.datetime64("2024-01-01") + (start + np.arange(rows)).astype("timedelta64[s]") * 30
    words = rng.choice(["late", "early", "damaged", "left at the door", "returned", "paid twice"], (4, rows))
    texts = [", ".join(parts) + f" {n}" for n, parts in enumerate(words.T, start)]
    columns |= {"order_id": start + np.arange(rows), "ordered_at": times, "comment": texts}
    columns["returned"] = np.where(measures[1] + rng.normal(0, 10, rows) > 55, "yes", "no")
    return pa.RecordBatch.from_pydict({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


def wide_batch_of(start: int, rows: int, *, columns: int) -> pa.RecordBatch:
    """Return rows of so many columns: measures, one in three with gaps, counts and categories; and a target."""
    rng = np.random.default_rng(start)
    made: dict[str, pa.Array] = {}
    for n in range(columns):
        if n % 3 == 0:
            made[f"measure_{n}"] = pa.array(rng.normal(50, 12, rows).round(4), mask=rng.random(rows) < 0.1 * (n % 2))
        elif n % 3 == 1:
            made[f"count_{n}"] = pa.array(rng.poisson(3 + n % 7, rows))
        else:
            made[f"category_{n}"] = pa.array(rng.choice([f"c{v}" for v in range(3 + n % 20)], rows))
    made["returned"] = pa.array(rng.choice(["yes", "no"], rows))
    return pa.RecordBatch.from_pydict(made)


def write(path: Path, rows: int, batch_of: Callable[[int, int], pa.RecordBatch]) -> None:
    """Write the table batch by batch."""
    schema = batch_of(0, 1).schema
    writer = pa.csv.CSVWriter(path, schema) if path.suffix == ".csv" else pa.parquet.ParquetWriter(path, schema)
    with writer:
        for start in range(0, rows, BATCH):
            writer.write_batch(batch_of(start, min(BATCH, rows - start)))


def main() -> None:
    """Make the table, run the command, print what it took."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--format", choices=("csv", "parquet"), default="csv")
    arguments.add_argument("--wide", type=int, metavar="COLUMNS", help="a table of so many columns instead")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(PROJECT / "params.yaml", folder)
        shutil.copytree(PROJECT / "configs" / "env", folder / "configs" / "env")
        table = folder / f"orders.{asked.format}"
        write(table, asked.rows, partial(wide_batch_of, columns=asked.wide) if asked.wide else batch_of)
        command = [
            str(Path(sys.executable).with_name("evergreen")),
            "init",
            table.name,
            "--target",
            "returned",
            "--json",
        ]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(done.stdout)
        print(
            json.dumps(
                {
                    "rows": found["rows"],
                    "columns": len(found["columns"]),
                    "format": asked.format,
                    "file_mib": round(table.stat().st_size / 2**20),
                    "seconds": round(seconds, 2),
                    "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
                    "peak_mib": round(used.ru_maxrss / 1024),
                }
            )
        )


if __name__ == "__main__":
    main()
