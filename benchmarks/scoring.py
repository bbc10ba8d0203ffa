"""What batch scoring costs: rows a second and core, and peak memory, as the file grows.

Run `make benchmark-scoring` (ROWS="1000000 10000000"). Each figure is of a process of its own, peak memory included;
what starting takes is told apart. The rows are the flights in their order, again and again, every time a year later.
The model is the logistic family, fitted on the first of them and compiled as every version is.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[1]
PREPARE, WRITE, SCORE = "prepare", "write", "score"
MODEL, ROWS_PER_GROUP = "model", 131_072
MICROSECONDS_A_YEAR = 364 * 86_400 * 1_000_000  # whole weeks
FASTEST = 500_000  # rows a second and core


def prepare(folder: Path) -> None:
    """Read the flights of the committed project and fit the logistic model on the first of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from evergreen.adapters.onnx_export.compiling import compiled
    from evergreen.base.artifacts.workspace import Workspace
    from evergreen.config.contract.contract import Contract
    from evergreen.config.params.ingest import IngestParams
    from evergreen.config.params.params import Params
    from evergreen.config.settings import Settings
    from evergreen.data import datasets
    from evergreen.data.ingest import sources, store
    from evergreen.data.typed.schema import ROW, UNREADABLE, to_pandas
    from evergreen.learning import features
    from evergreen.learning.model import model as models
    from evergreen.learning.tuning import families

    contract = Contract.load(PROJECT / "configs" / "flights" / "contract.yaml")
    params = Params.load(PROJECT / "params.yaml").features
    source = sources.locate(contract, Settings(project=PROJECT, home=folder))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    ws, year = Workspace(root=folder / "workspace"), IngestParams(start=date(2013, 1, 1), end=date(2014, 1, 1))
    raw = store.take(path, manifest, ws, contract, year)
    batches = datasets.batches(ws.path(raw.uri), raw)
    table = pa.Table.from_batches([batch.drop_columns([ROW, UNREADABLE]) for _, batch in batches])
    pq.write_table(table, folder / "flights.parquet")
    pq.write_table(table.slice(0, 1_000), folder / "few.parquet")
    rows = to_pandas(table.slice(0, 60_000))
    rows = rows[rows[contract.target].notna()]
    inputs = features.inputs(contract, params)
    pipeline = families.build("logistic", {"C": 1.0}, task="binary", inputs=inputs, features=params, seed=7)
    pipeline.fit(features.build(rows, contract, params)[inputs.names], rows[contract.target].to_numpy(bool))
    fast = compiled(pipeline, rows, contract=contract, features=params, lookups={}, seed=7)
    ref = models.save(ws, MODEL, pipeline, contract=contract, features=params, about={}, compiled=fast.files)
    (folder / "model.json").write_text(ref.model_dump_json())


def write(folder: Path, rows: int) -> None:
    """Write so many rows of flights."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    flights = pq.read_table(folder / "flights.parquet")
    when = flights.schema.get_field_index("scheduled_departure")
    with pq.ParquetWriter(folder / "rows.parquet", flights.schema, compression="zstd") as writer:
        for year in range(-(-rows // flights.num_rows)):
            some = flights.slice(0, min(flights.num_rows, rows - year * flights.num_rows))
            times = pc.add(some.column(when).cast(pa.int64()), year * MICROSECONDS_A_YEAR)
            some = some.set_column(when, flights.schema.field(when), times.cast(flights.schema.field(when).type))
            writer.write_table(some, ROWS_PER_GROUP)


def score(folder: Path, name: str, *, logs: bool) -> int:
    """Score the rows of a file, and return how many there were."""
    from evergreen.base.artifacts.refs import FolderRef
    from evergreen.config.settings import Settings
    from evergreen.record.outcomes import Judgement, VersionFacts
    from tasks.partitions import Scoring
    from tasks.planned import plan

    ref = FolderRef.model_validate_json((folder / "model.json").read_text())
    judged = Judgement.model_construct(model="flights")
    facts = VersionFacts.model_construct(judged=judged, version=1, artifact=ref, threshold=0.5, package=None)
    settings = Settings(project=PROJECT, home=folder)
    target = folder / f"scored-{name}-{logs}.parquet"
    (done,) = Scoring(facts, settings, logs=logs).score_all(plan(str(folder / f"{name}.parquet"), target))
    assert done.failure is None, done.failure
    assert not done.refused
    return done.rows


def once(what: str, folder: Path, *given: str) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak MiB of one run in a process of its own, which says so itself."""
    argv = [sys.executable, __file__, "--do", what, "--folder", str(folder), *given]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True)
    seconds, cpu_seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu_seconds, mib


def do(options: argparse.Namespace) -> None:
    """Do one part, and print what it took; of scoring, without what starting takes."""
    if options.do == PREPARE:
        prepare(options.folder)
    elif options.do == WRITE:
        write(options.folder, options.rows[0])
    else:
        score(options.folder, "few", logs=False)  # which imports and loads
    before, started = resource.getrusage(resource.RUSAGE_SELF), perf_counter()
    if options.do == SCORE:
        assert score(options.folder, "rows", logs=options.log) == options.rows[0]
    used, seconds = resource.getrusage(resource.RUSAGE_SELF), perf_counter() - started
    cpu_seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([seconds, cpu_seconds, used.ru_maxrss / 1024]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--do", choices=[PREPARE, WRITE, SCORE], help="one part, for the benchmark itself")
    parser.add_argument("--log", action="store_true", help="of --do score: with the prediction log")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.do:
        do(options)
        return
    found = []
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        once(PREPARE, folder)
        for rows in options.rows:
            once(WRITE, folder, "--rows", str(rows))
            for log in (False, True):
                seconds, cpu, mib = once(SCORE, folder, "--rows", str(rows), *(["--log"] if log else []))
                found.append({"rows": rows, "log": log, "seconds": seconds, "cpu_seconds": cpu, "peak_mib": mib})
    show(found, as_json=options.json)


def show(found: list[dict[str, float]], *, as_json: bool) -> None:
    """Print what was measured, with rows a second and core."""
    found = [{**each, "rows_per_cpu_second": each["rows"] / each["cpu_seconds"]} for each in found]
    if as_json:
        print(json.dumps({"fastest": FASTEST, "runs": found}))
        return
    about = f"flights, Parquet to Parquet, logistic; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    table = Table("rows", "log", "seconds", "CPU s", "rows/s/core", "peak MiB", title=about)
    for each in found:
        rate, log = f"{each['rows_per_cpu_second']:,.0f}", "on" if each["log"] else "off"
        seconds = (f"{each['seconds']:.1f}", f"{each['cpu_seconds']:.1f}")
        table.add_row(f"{each['rows']:,}", log, *seconds, rate, f"{each['peak_mib']:.0f}")
    Console(width=100).print(table)
    slowest = min(each["rows_per_cpu_second"] for each in found)
    print(f"slowest {slowest:,.0f} rows/s/core, {'at least' if slowest >= FASTEST else 'below'} {FASTEST:,}")


if __name__ == "__main__":
    main()
