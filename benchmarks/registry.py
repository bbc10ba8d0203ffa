"""What the registry's memory costs: history, status at a time, lineage, why and a promotion, over 1,000 promotions.

Run `make benchmark-registry`. The ledger is made through its own API, about 10 kB an entry, with a gate and a judgement
for each promotion, and the rows of each version in the workspace. Every round opens the ledger anew and so checks its
whole chain, as each command does; what a command takes to start (Python and its imports) is left out. Figures depend on
the machine, and on its disk for the promotion.
"""

import argparse
import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from cli import recall
from evergreen.base import memory
from evergreen.project import Project
from evergreen.record.ledger.ledger import Ledger

LIMITS_MS = {
    "history": 300,
    "status --at": 300,
    "lineage of a file": 1000,
    "lineage of a version": 1000,
    "promotion": 50,
}
KILOBYTES = 10
FILES = 12


def digest(of: object) -> str:
    return hashlib.sha256(str(of).encode()).hexdigest()


def facts(model: str, version: int) -> dict[str, Any]:
    """Return the facts of a version as JSON, with as much evidence as a real gate leaves."""
    check = {"name": "slices", "code": "GT008", "outcome": "passed", "text": "x" * 400, "evidence": {"n": 14.0}}
    judged = {
        "model": model, "version": version, "model_digest": digest(f"m{version}"), "data_digest": digest(f"d{version}"),
        "code_digest": digest(f"c{version % 7}"), "params_digest": digest("p"), "verdict": "promoted",
        "metrics": {"roc_auc": 0.7}, "baseline_metrics": {}, "promoted_at": "2026-01-01T00:00:00Z",
        "reason": "requested: fine", "checks": [check] * (KILOBYTES * 1000 // 520), "gate": "PASS", "rule": "refresh",
    }  # fmt: skip
    train = {"uri": f"train-{version}.parquet", "rows": 1000, "schema_hash": "s", "sha256": digest(f"t{version}")}
    return {
        "version": version, "judged": judged, "candidate": digest(f"k{version}"), "train": train, "data_end": None,
        "artifact": {"uri": f"model-{version}", "sha256": digest(f"m{version}")}, "threshold": 0.5,
        "run_id": digest(f"r{version}")[:32], "bento": f"{model}:v{version}",
    }  # fmt: skip


def fill(project: Project, versions: int) -> None:
    """Promote so many versions, each with its gate, its judgement and the manifest of its rows."""
    ledger, name, ws = project.ledger(), project.name, project.workspace.root
    for version in range(1, versions + 1):
        made = facts(name, version)
        asked = {"rule": "refresh", "given": 0.0, "level": 0.0, "promoted": True, "rows": digest(f"g{version}")}
        ledger.record(name, "gate", made["candidate"], asked)
        ledger.promote(name, version, made, expected_epoch=version - 1)
        ledger.record(name, "judgement", made["candidate"], made["judged"])
        items = [{"name": f"{n}.csv", "sha256": digest(f"file {version - n}")} for n in range(FILES)]
        fragments = [{"item": item["sha256"], "rows": 1} for item in items]
        about = {"digest": made["judged"]["data_digest"], "rows": FILES, "types": {}, "items": items}
        folder = ws / f"raw-{version}"
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({**about, "fragments": fragments}))
    ledger.close()


def milliseconds(call: Callable[[], Any]) -> tuple[float, float]:
    """Return what a call took, by the clock and of CPU."""
    began, cpu = perf_counter(), process_time()
    call()
    return 1000 * (perf_counter() - began), 1000 * (process_time() - cpu)


def measure(project: Project, versions: int, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return the milliseconds of each round, by the clock and of CPU."""
    changes = project.ledger().changes(project.name)
    rng, found = random.Random(7), dict[str, list[tuple[float, float]]]()
    for n in range(rounds):
        at = rng.choice(changes).at.isoformat()
        version = str(rng.randint(1, versions))
        ledger, epoch = Ledger.open(project.settings), versions + n
        ledger.champion(project.name)  # a training has looked at it, and checked the chain, long before it promotes
        promoted = facts(project.name, epoch + 1)
        calls: dict[str, Callable[[], Any]] = {
            "history": partial(recall.events, project, everything=False),
            "status --at": partial(recall.standing, project, at),
            "status": partial(recall.standing, project, None),
            "lineage of a version": partial(recall.line_of, project, version),
            "lineage of a file": partial(recall.line_of, project, digest(f"file {version}")),
            "why": partial(recall.why, project, version),
            "promotion": partial(ledger.promote, project.name, epoch + 1, promoted, expected_epoch=epoch),
        }
        for what, call in calls.items():
            found.setdefault(what, []).append(milliseconds(call))
        ledger.close()
    return found


def main() -> None:
    memory.collect_rarely()  # as the command line does
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    own = Project.open().settings.project
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(own / "configs", root / "configs")
        shutil.copy(own / "params.yaml", root)
        opened = Project.open()
        settings = opened.settings.model_copy(update={"project": root, "home": root / ".evergreen", "ledger_url": None})
        project = Project(asked=opened.asked, settings=settings, params=opened.params, contract=opened.contract)
        fill(project, asked.versions)
        found = measure(project, asked.versions, asked.rounds)
        size = (root / ".evergreen" / "ledger.db").stat().st_size / 2**20
    table = Table(
        "",
        "median ms",
        "fastest",
        "of CPU, median",
        "at most",
        title=f"{asked.versions} promotions, {size:.0f} MiB of ledger",
    )
    for what, took in found.items():
        limit = f"{LIMITS_MS[what]}" if what in LIMITS_MS else ""
        clock, cpu = zip(*took, strict=True)
        table.add_row(what, f"{median(clock):.0f}", f"{min(clock):.0f}", f"{median(cpu):.0f}", limit)
    Console().print(table)


if __name__ == "__main__":
    main()
