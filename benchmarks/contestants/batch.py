"""`evergreen score` on a file of many rows: rows a second of one core, and memory."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from contestants import parcels, project

ROWS_AT_A_TIME = 200_000
FEW = 10


def write(path: Path, rows: int) -> None:
    """Write `rows` rows as Parquet, a part at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer, done = None, 0
    while done < rows:
        n = min(ROWS_AT_A_TIME, rows - done)
        part = parcels.table(n, seed=done)
        del part[parcels.TARGET]
        table = pa.table({"parcel": range(done, done + n), **part})
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
        done += n
    assert writer is not None
    writer.close()


def cost(root: Path, source: Path, target: Path) -> dict[str, float]:
    """Return the seconds, the CPU seconds and the peak resident MiB of one scoring."""
    code = (
        "import json, resource, subprocess, sys, time; began = time.monotonic(); "
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
        "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps({'s': time.monotonic() - began, 'cpu_s': used.ru_utime + used.ru_stime, "
        "'peak_mib': used.ru_maxrss / 1024}))"
    )
    argv = [sys.executable, "-c", code, *project.COMMAND, "score", str(source), str(target), "--json"]
    done = subprocess.run(argv, cwd=root, env=project.environment(root), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def measure(root: Path, folder: Path, rows: int, *, rounds: int = 3) -> dict[str, Any]:
    """Return what scoring `rows` rows costs; what a command costs that scores ten is taken off its seconds."""
    few, many = folder / "few.parquet", folder / f"{rows}.parquet"
    write(few, FEW)
    write(many, rows)
    base = [cost(root, few, folder / f"few-{k}.out.parquet") for k in range(rounds)]
    runs = [cost(root, many, folder / f"{rows}-{k}.out.parquet") for k in range(rounds)]
    for written in folder.glob("*.parquet"):
        written.unlink()
    cpu_s = min(run["cpu_s"] for run in runs) - min(run["cpu_s"] for run in base)
    return {
        "rows": rows,
        "s": min(run["s"] for run in runs),
        "s_of_ten_rows": min(run["s"] for run in base),
        "rows_per_core_second": rows / cpu_s,
        "peak_mib": min(run["peak_mib"] for run in runs),
    }
