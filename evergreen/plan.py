"""What would run and why: the identity of every step, known before any engine or heavy library is loaded."""

import ast
import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from evergreen.artifacts import SourceRef, Workspace, digest_of, file_digest
from evergreen.contract import Contract
from evergreen.params import Params

PROJECT = Path(__file__).parents[1]
FIRST_PARTY = ("evergreen", "tasks")
OWN_CODE, OWN = "evergreen.own_code", Path("evergreen", "own")
RECORD_NAME = re.compile(r"[a-z_]+-[0-9a-f]{64}")  # the engine keeps files of its own beside the records

WHERE = ("ws", "datasets", "storage")

# The training steps, in order, and the names of their arguments. An artifact is known by one name everywhere:
# the field that a step returns, the argument of the step that takes it, and the file under data/.
STEPS: dict[str, tuple[str, ...]] = {
    "ingest": ("source", "contract", "params"),
    "validate": ("raw", "contract", "expectations", "today", "params"),
    "features": ("valid", "contract", "params", "seed", "lookup_files"),
    "tune": ("train", "start", "contract", "features", "params", "seed"),
    "train": ("train", "best", "lookups", "contract", "features", "params", "seed"),
    "evaluate": ("model", "baseline", "train", "test", "params", "seed"),
}


class PlannedStep(BaseModel):
    """One line of a plan. `identity` is None while an earlier step has yet to run."""

    model_config = ConfigDict(frozen=True)

    name: str
    identity: str | None
    cached: bool
    why: str


def identity(step: str, arguments: Mapping[str, Any]) -> str:
    """Return the identity of a step: its name, inputs, parameters, the first-party code it reaches, and the lock.

    `arguments` are those of the step function; the workspace (`ws`), the store of datasets (`datasets`) and the
    database of studies (`storage`) are where it works, not what it computes.
    """
    inputs = {name: digest_of(value) for name, value in arguments.items() if name not in WHERE}
    parts = {"step": step, "inputs": inputs, "code": code_digest(f"tasks.{step}"), "lock": lock_digest()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record_key(step: str, arguments: Mapping[str, Any]) -> str:
    """Return the name under which a step's result is recorded: the step and its identity."""
    return f"{step}-{identity(step, arguments)}"


def plan(
    source: SourceRef,
    contract: Contract,
    params: Params,
    *,
    ws: Workspace,
    records: Path,
    expectations: Sequence[Any] = (),
    lookup_files: Sequence[Any] = (),
    today: date | None = None,
    start: Callable[[str], Any] = lambda _: None,
) -> tuple[list[PlannedStep], dict[str, Any]]:
    """Return the training steps with their identities, and every artifact that is already there.

    A step is a hit when its result is recorded and the files that the result names exist; from the first miss on,
    identities are unknown, because they depend on artifacts that have yet to be made. `start` answers where tuning
    begins, by the digest of its rows.
    """
    artifacts: dict[str, Any] = {}
    steps: list[PlannedStep] = []
    for name in STEPS:
        if steps and not steps[-1].cached:
            steps.append(PlannedStep(name=name, identity=None, cached=False, why=f"after {steps[-1].name}"))
            continue
        arguments = arguments_of(
            name,
            source,
            contract,
            params,
            artifacts,
            expectations=expectations,
            lookup_files=lookup_files,
            today=today,
            start=start(artifacts["train"]["sha256"]) if name == "tune" else None,
        )
        key = record_key(name, arguments)
        found = read_record(records / key)
        here = found is not None and ws.holds(found)
        if here and found is not None:
            artifacts.update(found)
        why = "recorded" if here else "never run with this code, data and configuration"
        steps.append(PlannedStep(name=name, identity=key.rpartition("-")[2], cached=here, why=why))
    return steps, artifacts


def arguments_of(
    step: str,
    source: SourceRef,
    contract: Contract,
    params: Params,
    artifacts: Mapping[str, Any],
    *,
    expectations: Sequence[Any] = (),
    lookup_files: Sequence[Any] = (),
    today: date | None = None,
    start: Any = None,
) -> dict[str, Any]:
    """Return a step's arguments by name, except where it works; artifacts come from `artifacts`."""
    given = {
        "source": source,
        "contract": contract,
        "expectations": expectations,
        "lookup_files": lookup_files,
        "today": today,
        "start": start,
        "params": params.section(step),
        "seed": params.seed,
        "features": params.features,
        **artifacts,
    }
    return {name: given[name] for name in STEPS[step]}


def read_record(path: Path) -> dict[str, Any] | None:
    """Return the artifacts in a step's record, as plain JSON by name; None when there is no whole record."""
    try:
        result = json.loads(json.loads(path.read_bytes())["result"])
        found = result["data"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None


def drop_broken_records(records: Path, ws: Workspace) -> int:
    """Delete records that were cut short or whose files are gone, and return how many.

    The engine would otherwise trust or choke on them: it writes records in place, so a kill can leave half of one.
    """
    ours = [path for path in records.glob("*-*") if RECORD_NAME.fullmatch(path.name)]
    broken = [path for path in ours if (found := read_record(path)) is None or not ws.holds(found)]
    for path in broken:
        path.unlink(missing_ok=True)
    return len(broken)


@functools.cache
def lock_digest() -> str:
    """Return the digest of requirements.lock."""
    return file_digest(PROJECT / "requirements.lock")


@functools.cache
def code_digest(module: str) -> str:
    """Return the digest of the first-party files that a module reaches through imports, its own included."""
    digest = hashlib.sha256()
    for path in reached_files(module):
        digest.update(f"{path.relative_to(PROJECT).as_posix()} {file_digest(path)}\n".encode())
    return digest.hexdigest()


@functools.cache
def reached_files(module: str) -> tuple[Path, ...]:
    """Return the first-party files that a module reaches, imports inside functions included, sorted."""
    seen: dict[str, Path] = {}
    waiting = list(_with_parents(module))
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in seen or path is None:
            continue
        seen[name] = path
        waiting += _imports(name, path)
        if name == OWN_CODE:  # which is imported by names that parameters hold
            waiting += _own_modules()
    return tuple(sorted(set(seen.values())))


def _own_modules() -> Iterator[str]:
    for path in PROJECT.joinpath(OWN).rglob("*.py"):
        yield from _with_parents(".".join(path.relative_to(PROJECT).with_suffix("").parts))


def _imports(module: str, path: Path) -> Iterator[str]:
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in FIRST_PARTY:
                yield from _with_parents(name)


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _file_of(module: str) -> Path | None:
    base = PROJECT.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
