"""What a row costs over HTTP, beside the servers that people use, in one run: `make benchmark-serving` (ROUNDS=3).

Gradient boosting of 150 rounds on 20 mixed columns, one row a request, HTTP on loopback, one worker each, asked by wrk
at 1, 16 and 64 connections. Contestants take turns, each round from a fresh start, and figures are medians over rounds;
where others use the machine too, ratios say more than figures. Ours is `evergreen serve` as it is: it validates,
logs and counts, which none of the others does. `--json` prints everything measured.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from contestants import batch, project, servers
from contestants.servers import BARE, CODED, MOUNTED, OURS, SAMPLE, UNLOGGED
from rich.console import Console
from rich.progress import track
from rich.table import Table

CONNECTIONS = (1, 16, 64)
AT = "16"
IN_PROCESS_REQUESTS = 5_000
Figures = dict[str, list[dict[str, Any]]]


def figure(runs: Sequence[dict[str, Any]], name: str, at: str = AT) -> float:
    """Return the median over rounds of one figure of a contestant."""
    return median(run["at"][at][name] for run in runs)


def ratio(figures: Figures, one: str, other: str, name: str = "per_second", at: str = AT) -> float:
    """Return the median over rounds of the ratio of two contestants' figures in the same round."""
    pairs = zip(figures[one], figures[other], strict=True)
    return median(a["at"][at][name] / b["at"][at][name] for a, b in pairs)


def bars(figures: Figures, in_process_us: dict[str, float], batches: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was asked for and what was measured; a bar with somebody who did not take part is left out."""

    def speed(one: str, other: str) -> float:
        return ratio(figures, one, other)

    def added_ms() -> float:
        pairs = zip(figures[OURS], figures[UNLOGGED], strict=True)
        return median(one["at"][AT]["p95_ms"] - other["at"][AT]["p95_ms"] for one, other in pairs)

    asked: list[tuple[str, str, float, Callable[[], float], tuple[str, ...]]] = [
        ("requests/s, times the sample", ">=", 80, lambda: speed(OURS, SAMPLE), (OURS, SAMPLE)),
        ("requests/s, times bare ASGI", ">=", 0.8, lambda: speed(OURS, BARE), (OURS, BARE)),
        ("the same, coded by hand (nobody asked)", ">=", 0.8, lambda: speed(OURS, CODED), (OURS, CODED)),
        ("p99, share of the sample's", "<=", 1 / 40, lambda: ratio(figures, OURS, SAMPLE, "p99_ms"), (OURS, SAMPLE)),
        ("bentoml serve, times the sample", ">=", 50, lambda: speed(MOUNTED, SAMPLE), (MOUNTED, SAMPLE)),
        ("requests/s with the log, times without", ">=", 0.9, lambda: speed(OURS, UNLOGGED), (OURS, UNLOGGED)),
        ("ms that the log adds to p95", "<=", 1, added_ms, (OURS, UNLOGGED)),
        ("s to the first answer", "<=", 5, lambda: median(run["cold_s"] for run in figures[OURS]), (OURS,)),
    ]
    told = [
        _bar(what, sign, bar, measured())
        for what, sign, bar, measured, who in asked
        if all(figures.get(name) for name in who)
    ]
    told += [_bar(f"us a row in process, {what}", "<=", 60, us) for what, us in in_process_us.items()]
    told += [
        _bar(f"batch rows/s/core, {each['rows']:,} rows", ">=", 500_000, each["rows_per_core_second"])
        for each in batches
    ]
    if len(batches) > 1:
        growth = batches[-1]["peak_mib"] / batches[0]["peak_mib"]
        told.append(_bar("batch memory, most rows to fewest", "<=", 1.1, growth))
    return told


def _bar(what: str, sign: str, bar: float, measured: float) -> dict[str, Any]:
    held = measured >= bar if sign == ">=" else measured <= bar
    return {"what": what, "bar": f"{sign} {bar:g}", "measured": measured, "held": held}


def in_process(root: Path, folder: Path) -> dict[str, float]:
    """Return the microseconds of a request of one row without a socket, with the log and without it."""
    (bento,) = (root / ".evergreen" / "bentoml" / "bentos" / "parcels").glob("v*")
    body = folder / "row.json"
    body.write_text(json.dumps({"rows": servers.parcels.requests(1)}))
    argv = [
        sys.executable,
        "-P",
        str(Path(servers.__file__).with_name("in_process.py")),
        str(body),
        str(IN_PROCESS_REQUESTS),
    ]
    told = {}
    for what, policy in (("logged", "strict"), ("not logged", "off")):
        environment = {**project.environment(root), "PYTHONPATH": str(bento / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= {"EVERGREEN_PREDICTION_LOG": policy, "EVERGREEN_HOME": str(folder / policy)}
        del environment["EVERGREEN_PROJECT"], environment["EVERGREEN_ALLOW_DIRTY"]
        done = subprocess.run(argv, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
        told[what] = json.loads(done.stdout.splitlines()[-1])["us"]
    return told


def show(result: dict[str, Any]) -> None:
    """Print the figures of every contestant, then the bars."""
    figures: Figures = result["contestants"]
    heads = [head for n in CONNECTIONS for head in (f"/s at {n}", "p50", "p95", "p99 ms")]
    table = Table("", *heads, "errors", "cold s", "MiB", title=result["machine"])
    for name, runs in figures.items():
        shown = [
            f"{figure(runs, what, str(n)):,.{0 if what == 'per_second' else 2}f}"
            for n in CONNECTIONS
            for what in ("per_second", "p50_ms", "p95_ms", "p99_ms")
        ]
        errors = sum(int(at["errors"]) for run in runs for at in run["at"].values())
        cold, mib = median(run["cold_s"] for run in runs), median(run["mib"] for run in runs)
        table.add_row(name, *shown, str(errors), f"{cold:.1f}", f"{mib:,.0f}")
    console = Console(width=170)
    console.print(table)
    told = Table("", "asked for", "measured", "", title="at 16 connections; medians of the ratios of each round")
    for bar in result["bars"]:
        digits = ",.0f" if bar["measured"] >= 1_000 else ".3g"
        told.add_row(bar["what"], bar["bar"], format(bar["measured"], digits), "held" if bar["held"] else "MISSED")
    console.print(told)


def main() -> None:
    """Measure everybody and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True, type=os.path.abspath, help="a Python with granian and onnxruntime")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of wrk, for each number of connections")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contestants whose names contain one of these")
    parser.add_argument(
        "--batch-rows", type=int, nargs="*", default=[336_776], help="such as 1000000 10000000; none: skip"
    )
    parser.add_argument("--project", type=Path, help="a project that an earlier run kept, or where to keep it")
    parser.add_argument("--json", action="store_true", help="print everything measured as one JSON object")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk. Next: apt-get install wrk")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        root = arguments.project or folder / "project"
        if not (root / "params.yaml").exists():
            project.make(root)
        made = folder / "made"
        made.mkdir()
        environment = {**os.environ, "PYTHONPATH": str(servers.BENCHMARKS), "MLFLOW_DISABLE_TELEMETRY": "true"}
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "contestants.fitted", str(made)],
            env=environment,
            cwd=made,
            check=True,
        )
        who = servers.contestants(made, root, arguments.peers)
        who = [each for each in who if not arguments.only or any(part in each.name for part in arguments.only)]
        figures: Figures = {each.name: [] for each in who}
        for number in track(range(arguments.rounds), description="rounds", console=Console(stderr=True)):
            for place, each in enumerate(who):
                where = folder / f"{number}-{place}"
                figures[each.name].append(servers.measure(each, where, CONNECTIONS, arguments.seconds))
        us = in_process(root, folder) if figures.get(OURS) else {}
        batches = [batch.measure(root, folder, rows) for rows in arguments.batch_rows]
        machine = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {arguments.rounds} rounds"
        result = {"machine": machine, "contestants": figures, "in_process_us": us, "batches": batches}
        result["bars"] = bars(figures, us, batches)
    print(json.dumps(result)) if arguments.json else show(result)


if __name__ == "__main__":
    main()
