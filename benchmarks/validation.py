"""What validation costs: the streaming pass beside a bare pyarrow scan, the whole step beside Great Expectations.

Run `make benchmark-validation` (ROWS=1000000). Each figure is of a process of its own, its peak memory included; 20
columns, 30 rules, clean rows but for one in ten thousand.
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
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

CATEGORIES = ("ash", "beech", "cedar", "elm")
TODAY = date(2024, 12, 31)
STREAM, SCAN, STEP, BARE = "streaming pass", "bare pyarrow scan", "whole validate step", "bare Great Expectations"
START, WRITE, TIMELESS = "imports and no rows", "write", "streaming pass, key without the time"


def contract(key=("at", "id")):  # type: ignore[no-untyped-def]
    """Return a contract of 20 columns and 30 rules, types aside; with a key that lacks the time, rows of any month may
    repeat each other.
    """
    from evergreen.config.contract.contract import Contract

    columns = [
        {"name": "at", "type": "timestamp", "role": "time"},
        {"name": "id", "type": "integer", "role": "key", "min": 0},
        *({"name": f"n{i}", "type": "number", "role": "feature", "min": -10, "max": 10} for i in range(8)),
        *({"name": f"i{i}", "type": "integer", "role": "feature", "nullable": True, "max": 999} for i in range(4)),
        *({"name": f"c{i}", "type": "category", "role": "feature", "categories": CATEGORIES} for i in range(4)),
        {"name": "code", "type": "text", "role": "ignore", "nullable": True, "pattern": "[A-Z]{2}[0-9]{4}"},
        {"name": "y", "type": "boolean", "role": "target", "nullable": True},
    ]
    about = {"name": "trees", "description": "", "timezone": "UTC", "label_delay_days": 0, "key": key}
    return Contract.model_validate({**about, "source": {"kind": "file", "path": "trees.csv"}, "columns": columns})


def write(folder: Path, given: str) -> None:
    """Write a dataset version of a year, of as many rows as asked, and its reference beside it."""
    from datetime import UTC, datetime

    import numpy as np
    import pyarrow as pa

    from evergreen.data import datasets
    from evergreen.data.typed.schema import arrow_schema

    about, rng, rows = contract(), np.random.default_rng(7), int(given)
    writer = datasets.Writer(folder / "parts", item="ab" * 32, time="at", zone="UTC")
    (folder / "parts").mkdir(parents=True)
    for begin in range(0, rows, 100_000):
        n = min(100_000, rows - begin)
        seconds = 1_704_067_200 + (np.arange(begin, begin + n) * (365 * 86_400 / rows))
        values = {"at": pa.array((seconds * 1e6).astype("int64")).cast(pa.timestamp("us", "UTC"))}
        values["id"] = np.arange(begin, begin + n)
        values |= {f"n{i}": np.clip(rng.normal(size=n), -9, 9).round(4) for i in range(8)}
        values["n0"][rng.random(n) < 1e-4] = 11
        values |= {f"i{i}": pa.array(rng.integers(0, 999, n), mask=rng.random(n) < 0.1) for i in range(4)}
        trees = pa.array(CATEGORIES)
        values |= {f"c{i}": trees.take(pa.array(rng.integers(0, 4, n))) for i in range(4)}
        codes = pa.array([f"{a}{b}{k:04d}" for a in "ABCDE" for b in "XYZ" for k in range(200)])
        values["code"] = codes.take(pa.array(rng.integers(0, len(codes), n)))
        values["y"] = rng.random(n) < 0.3
        values["_row"], values["_unreadable"] = np.arange(begin, begin + n), pa.nulls(n, pa.string())
        schema = arrow_schema(about.stored)
        writer.add(pa.RecordBatch.from_arrays([pa.array(values[f.name]).cast(f.type) for f in schema], schema=schema))
    fragments = writer.close()
    types = {field.name: str(field.type) for field in arrow_schema(about.stored)}
    item = datasets.IngestedItem(name="trees.csv", size=1, sha256="ab" * 32, rows=rows)
    manifest = datasets.Manifest(
        name="trees", digest=datasets.digest(types, fragments), rows=rows, types=types, items=(item,),
        fragments=fragments, source="trees.csv", made_with="benchmark", ingested_at=datetime.now(UTC),
    )  # fmt: skip
    files = {fragment.path: folder / "parts" / fragment.path for fragment in fragments}
    path = folder / manifest.digest[:16]
    datasets.publish(path, manifest, files)
    (folder / "ref.json").write_text(datasets.reference(folder, path.name).model_dump_json())


def streaming(folder: Path, given: str, *, key: tuple[str, ...] = ("at", "id")) -> None:
    """Read the dataset and judge every row, and write nothing."""
    from evergreen.base.ahead import ahead
    from evergreen.base.artifacts.refs import DatasetRef
    from evergreen.data import datasets, validation

    about, ref = contract(key), DatasetRef.model_validate_json(given)
    path = folder / ref.uri

    def scan(names):  # type: ignore[no-untyped-def]
        found = datasets.batches(path, ref, columns=names, max_rows=validation.BATCH_ROWS)
        return ((fragment.partition, batch) for fragment, batch in found)

    repeats = [validation.repeats(rule, scan) for rule in validation.unique_rules(about)]
    items = datasets.read_manifest(path).items
    stream = validation.Stream(about, items=items, repeats=repeats, today=TODAY)
    for fragment, batch in ahead(datasets.batches(path, ref, max_rows=validation.BATCH_ROWS)):
        stream.take(fragment.item, batch)
    found = stream.validation()
    assert found.rows == ref.rows == found.kept + found.quarantined
    assert found.quarantined


def streaming_by_id(folder: Path, given: str) -> None:
    """Do the same where rows of any month may repeat each other."""
    streaming(folder, given, key=("id",))


def scanning(folder: Path, given: str) -> None:
    """Scan the Parquet files with 30 checks by hand, uniqueness aside."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    about, bad = contract(), 0
    wanted = [column.name for column in about.columns]
    for batch in ds.dataset(folder / json.loads(given)["uri"], exclude_invalid_files=True).to_batches(columns=wanted):
        for column in about.columns:
            values = batch.column(column.name)
            bad += 0 if column.nullable else values.null_count
            for bound, breaks in ((column.min, pc.less), (column.max, pc.greater)):
                bad += 0 if bound is None else breaks(values, bound).true_count
            if column.categories:
                bad += pc.is_in(values, value_set=pa.array(CATEGORIES)).false_count
            if column.pattern:
                bad += pc.match_substring_regex(values, f"^{column.pattern}$").false_count
    assert bad


def stepping(folder: Path, given: str) -> None:
    """Run the whole step: both layers, valid rows, quarantine and pages."""
    from evergreen.base.artifacts.refs import DatasetRef
    from evergreen.base.artifacts.workspace import Workspace
    from evergreen.config.params.validate import ValidateParams
    from tasks.validate import validate

    ref = DatasetRef.model_validate_json(given)
    params = ValidateParams(max_bad_share=0.05)
    validate.fn(ref, ws=Workspace(root=folder), contract=contract(), expectations=(), today=TODAY, params=params)


def expecting(folder: Path, given: str) -> None:
    """Read the table with pandas and run the same suite, as Great Expectations' own guide does."""
    import great_expectations as gx
    import pandas as pd

    from evergreen.adapters.expectations import suite

    about = contract()
    files = sorted((folder / json.loads(given)["uri"]).glob("*/*.parquet"))
    names = [column.name for column in about.columns]
    rows = pd.concat([pd.read_parquet(file, columns=names) for file in files], ignore_index=True)
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("trees").add_dataframe_asset("trees")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    asked = [*suite.by_rows(about, TODAY), *suite.unique(about)]
    assert not batch.validate(gx.ExpectationSuite(name="trees", expectations=asked)).success


def starting(_folder: Path, _given: str) -> None:
    """Import what the streaming pass imports."""
    from evergreen.data import datasets, validation  # noqa: F401

    contract()


DONE = {START: starting, SCAN: scanning, STREAM: streaming, TIMELESS: streaming_by_id, BARE: expecting, STEP: stepping}


def once(what: str, folder: Path, given: str) -> tuple[float, float, float]:
    """Return the seconds, the CPU seconds and the peak MiB of one run in a process of its own, which says so itself."""
    argv = [sys.executable, __file__, "--do", what, "--folder", str(folder), "--given", given]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    seconds, cpu_seconds, mib = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu_seconds, mib


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=DONE, action="append")
    parser.add_argument("--do", choices=[*DONE, WRITE], help="one run, for the benchmark itself")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--given")
    options = parser.parse_args()
    if options.do:
        started = perf_counter()
        {**DONE, WRITE: write}[options.do](options.folder, options.given)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps([perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        once(WRITE, folder, str(options.rows))  # a process's peak begins at that of the one that starts it
        given = (folder / "ref.json").read_text()
        chosen = options.only or list(DONE)
        found = {what: [] for what in chosen}  # type: ignore[var-annotated]
        for _ in range(options.rounds):
            for what in chosen:
                found[what].append(once(what, folder, given))
    about = f"{options.rows:,} rows, 20 columns, 30 rules; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    table = Table("what", "median s", "least", "most", "CPU s", "peak MiB", title=about)
    middle = {what: median(seconds for seconds, *_ in runs) for what, runs in found.items()}
    for what, runs in found.items():
        seconds, cpu_seconds, peaks = zip(*runs, strict=True)
        shown = (middle[what], min(seconds), max(seconds), median(cpu_seconds))
        table.add_row(what, *(f"{value:.2f}" for value in shown), f"{max(peaks):.0f}")
    Console(width=100).print(table)
    for what, peer in ((STREAM, SCAN), (STEP, BARE)):
        if what in middle and peer in middle:
            print(f"{what}: {middle[what] / middle[peer]:.2f} x {peer}")


if __name__ == "__main__":
    main()
