"""The bundle for the edge: a folder that predicts without a service, made of what a version's bento holds."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from evergreen.adapters.packaging.building import LOCK_FILE
from evergreen.adapters.packaging.contents import CODE
from evergreen.adapters.packaging.folders import hand_on
from evergreen.base.artifacts.folders import read_folder
from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.config import derived
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.model.compiled import golden
from evergreen.learning.model.compiled.plan import Plan
from evergreen.learning.model.compiled.scorer import GRAPH, PLAN
from evergreen.learning.model.model import asked
from evergreen.learning.model.package import read_manifest
from evergreen.learning.model.release import MODEL_FOLDER, Release
from evergreen.record.plan.requirements import hashed
from evergreen.record.predictions.records import columns_of
from evergreen.record.registry.bentos import Bento

# Named without what they depend on: onnxruntime wants flatbuffers, packaging and protobuf for its tools alone.
NEEDS = ("msgspec", "numpy", "onnxruntime")
INSTALLED_BY = "# pip install --no-deps --require-hashes -r requirements.txt\n"
COMMAND = "serving.edge.predict"
COMPILED = tuple(f"{MODEL_FOLDER}/{name}" for name in (PLAN, GRAPH, golden.FILE))


class Bundle(Value):
    """A bundle for the edge; `digest`: of its manifest, which lists every file of it."""

    path: Path
    digest: str


def write(bento: Bento, release: Release, target: Path, *, signing_key: Path | None = None) -> Bundle:
    """Write the folder that predicts with a version's compiled model and nothing else.

    Parameters
    ----------
    bento : as `check` returned it; the code in the bundle is the bento's.
    signing_key : an Ed25519 key in PEM, whose signature of the bundle's manifest is put beside that.

    Raises
    ------
    ConfigError if the version has no compiled model, is from before bundles could be made of its bento, or the folder
    holds files of others. ResourceError if it cannot be written.
    """
    model = bento.path / "src" / MODEL_FOLDER
    packed = {file.path.removeprefix("src/"): bento.path / file.path for file in read_manifest(bento.path).files}
    compiled = {name: packed[name] for name in COMPILED if name in packed}
    if LOCK_FILE not in packed or _file(packed, COMMAND) is None:
        raise _cannot(release, bento.path, "its package is from before that was possible")
    if len(compiled) < len(COMPILED):
        said = read_folder(model, release.model_digest)[0].get("compiled") or {}
        raise _cannot(release, model, f"it has no compiled form ({said.get('why_not') or 'it was trained without'})")
    plan = Plan.from_bytes(compiled[COMPILED[0]].read_bytes())
    contract, features = asked(model, release.model_digest)
    files = {
        "predict.py": packed[f"{COMMAND.replace('.', '/')}.py"].read_bytes(),
        "requirements.txt": f"{INSTALLED_BY}{hashed(packed[LOCK_FILE].read_text(), NEEDS, alone=True)}".encode(),
        "edge.json": _about(release, contract, features, plan),
        **{name: path.read_bytes() for name, path in compiled.items()},
        **{name: packed[name].read_bytes() for name in modules(packed)},
    }
    return Bundle(path=target, digest=hand_on(files, target, signing_key=signing_key))


def modules(packed: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the files that `COMMAND` loads, sorted: what it imports anywhere, and what those import at their top.

    What a module imports inside a function is for services and batches, and would bring libraries that are not here.
    """
    found: set[str] = set()
    waiting = [COMMAND]
    while waiting:
        name = waiting.pop()
        path = _file(packed, name)
        if path is None or path in found:
            continue
        found.add(path)
        tree = ast.parse(packed[path].read_bytes())
        nodes = ast.walk(tree) if name == COMMAND else iter(tree.body)
        waiting += [module for node in nodes for module in _imports(node)]
    return tuple(sorted(found - {f"{COMMAND.replace('.', '/')}.py"}))


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        parts = name.split(".")
        if parts[0] in CODE:
            yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))


def _file(packed: Mapping[str, Path], module: str) -> str | None:
    base = module.replace(".", "/")
    return next((name for name in (f"{base}.py", f"{base}/__init__.py") if name in packed), None)


def _about(release: Release, contract: Contract, features: FeatureParams, plan: Plan) -> bytes:
    """Return what the bundle says of its model, as `serving.edge.about` reads it."""
    said = release.model_dump()
    columns = columns_of(contract, derived.history(features), plan.classes)
    return msgspec.json.encode({**said, "columns": columns, "missing": contract.missing})


def _cannot(release: Release, where: Path, why: str) -> ConfigError:
    return ConfigError(
        "PKG005",
        f"no bundle for the edge can be made of version {release.version}: {why}",
        where=str(where),
        next_step="Serve it, or train a family that has a compiled form.",
    )
