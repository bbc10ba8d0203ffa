"""What feature building costs: seconds a row and peak memory, as the table grows, in the order of time and shuffled.

Run `make benchmark-features` (ROWS="1000000 10000000"). Each figure is of a process of its own, peak memory included;
20 columns, 12 of them features, calendar parts, two ratios; the variants add history, or leave time out.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

WRITE, PLAIN, SHUFFLED, PAST, TIMELESS = "write", "by time", "shuffled", "with history", "without time"
DONE = (PLAIN, SHUFFLED, PAST, TIMELESS)
CARRIERS = ("AA", "B6", "DL", "EV", "MQ", "UA", "US", "WN")
MOST_MIB = 2_048


def contract(*, timed: bool = True):  # type: ignore[no-untyped-def]
    """Return a contract of 20 columns."""
    from evergreen.config.contract.contract import Contract

    columns = [
        {"name": "at", "type": "timestamp", "role": "time" if timed else "ignore"},
        {"name": "flight", "type": "integer", "role": "key"},
        *({"name": f"n{i}", "type": "number", "role": "feature", "nullable": True} for i in range(8)),
        *({"name": f"c{i}", "type": "category", "role": "feature"} for i in range(4)),
        *({"name": f"late{i}", "type": "number", "role": "leakage", "nullable": True} for i in range(4)),
        {"name": "note", "type": "text", "role": "ignore", "nullable": True},
        {"name": "y", "type": "boolean", "role": "target", "nullable": True},
    ]
    about = {"name": "trips", "description": "", "timezone": "America/New_York", "key": ["flight"]}
    source = {"kind": "file", "path": "trips.parquet"}
    delay = 1 if timed else 0
    return Contract.model_validate({**about, "source": source, "label_delay_days": delay, "columns": columns})


def params(what: str):  # type: ignore[no-untyped-def]
    """Return the feature parameters of a variant."""
    from evergreen.config.params.features import FeatureParams

    given = {"rare_category": 20, "ratios": {"r0": ("n0", "n1"), "r1": ("n2", "n3")}}
    if what == TIMELESS:
        return FeatureParams.model_validate({**given, "test_share": 0.2})
    past = {
        "last": {"of": "late0", "by": ["c0", "c1"], "lag": 1},
        "rate": {"of": "y", "by": ["c0"], "aggregate": "mean", "window_days": 7},
        "busy": {"by": ["c1"], "aggregate": "count", "window_days": 1},
    }
    timed = {**given, "calendar": ["hour", "weekday"], "test_days": 30, "embargo_days": 1}
    return FeatureParams.model_validate({**timed, "history": past if what == PAST else {}})


def write(folder: Path, rows: int, *, shuffled: bool) -> None:
    """Write a validated table of a year and its reference."""
    import numpy as np
    import pyarrow as pa

    from evergreen.base.artifacts.workspace import Workspace
    from evergreen.data.validation.stream import valid_schema

    rng, ws, schema = np.random.default_rng(7), Workspace(root=folder), valid_schema(contract().stored)
    with ws.writer("valid", schema) as writer:
        for begin in range(0, rows, 100_000):
            n = min(100_000, rows - begin)
            place = rng.integers(0, rows, n) if shuffled else np.arange(begin, begin + n)
            values = {"at": pa.array(((1_704_067_200 + place * (365 * 86_400 / rows)) * 1e6).astype("int64"))}
            values["flight"] = pa.array(np.arange(begin, begin + n))
            for i in range(8):
                values[f"n{i}"] = pa.array(rng.normal(size=n).round(4), mask=rng.random(n) < 0.05)
            for i in range(4):
                values[f"c{i}"] = pa.array(CARRIERS).take(pa.array(rng.integers(0, 8, n)))
                values[f"late{i}"] = pa.array(rng.normal(size=n).round(1), mask=rng.random(n) < 0.03)
            values["note"] = pa.array([None] * n, pa.string())
            values["y"] = pa.array(rng.random(n) < 0.3, mask=rng.random(n) < 0.03)
            arrays = [values[field.name].cast(field.type) for field in schema]
            writer.add(pa.RecordBatch.from_arrays(arrays, schema=schema))
    (folder / "ref.json").write_text(writer.ref.model_dump_json())


def build(folder: Path, what: str) -> None:
    """Run the whole step."""
    from evergreen.base.artifacts.refs import TableRef
    from evergreen.base.artifacts.workspace import Workspace
    from tasks.features import features

    ref = TableRef.model_validate_json((folder / "ref.json").read_text())
    made = features.fn(
        ref, ws=Workspace(root=folder), contract=contract(timed=what != TIMELESS), params=params(what), seed=7
    )
    assert 0.9 * ref.rows < made.train.rows + made.test.rows < ref.rows


def once(what: str, folder: Path, *given: str) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak MiB of one run in a process of its own, which says so itself."""
    argv = [sys.executable, __file__, "--do", what, "--folder", str(folder), *given]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    seconds, cpu_seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu_seconds, mib


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--only", choices=DONE, action="append")
    parser.add_argument("--do", choices=[*DONE, WRITE], help="one run, for the benchmark itself")
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.do:
        started = perf_counter()
        if options.do == WRITE:
            write(options.folder, options.rows[0], shuffled=options.shuffled)
        else:
            build(options.folder, options.do)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps([perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
        return
    found: dict[str, dict[int, tuple[float, float, float]]] = {}
    for rows in options.rows:
        for what in options.only or DONE:
            with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
                shuffled = ["--shuffled"] if what == SHUFFLED else []
                once(WRITE, Path(name), "--rows", str(rows), *shuffled)
                found.setdefault(what, {})[rows] = once(what, Path(name))
    about = f"20 columns; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    table = Table("what", "rows", "seconds", "CPU s", "CPU microseconds a row", "peak MiB", title=about)
    for what, runs in found.items():
        for rows, (seconds, cpu_seconds, mib) in runs.items():
            per_row = f"{cpu_seconds / rows * 1e6:.2f}"
            table.add_row(what, f"{rows:,}", f"{seconds:.1f}", f"{cpu_seconds:.1f}", per_row, f"{mib:.0f}")
    Console(width=100).print(table)
    most = max(mib for runs in found.values() for *_, mib in runs.values())
    print(f"peak memory {most:.0f} MiB, {'within' if most <= MOST_MIB else 'above'} {MOST_MIB}")


if __name__ == "__main__":
    main()
