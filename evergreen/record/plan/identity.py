"""The identity of a step: its name, inputs, section, the code that it reaches, and the lock."""

import ast
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evergreen.base.files import file_digest
from evergreen.base.values import digest_of

PROJECT = Path(__file__).parents[3]
FIRST_PARTY = ("evergreen", "tasks")
OWN_CODE, OWN = "evergreen.own_code", Path("evergreen", "own")
WHERE = ("ws", "datasets", "storage")


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


@functools.cache  # of all steps that reach it, only the first has it parsed
def _imports(module: str, path: Path) -> tuple[str, ...]:
    return tuple(_found_imports(module, path))


def _found_imports(module: str, path: Path) -> Iterator[str]:
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
