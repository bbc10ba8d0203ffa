"""A version made again in a scratch place, from its code, data and parameters, and held against what it was."""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from cli import mending
from cli.recall import facts_of, proof_of
from evergreen.base import parents, temporaries
from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.artifacts.refs import DatasetRef, FolderRef, TableRef
from evergreen.base.errors import ConfigError, EvergreenError
from evergreen.base.files import file_digest, write_bytes
from evergreen.base.values import Value, digest_of
from evergreen.config.contract.sources import DvcSource, FileSource
from evergreen.config.settings import PREFIX
from evergreen.data import personal
from evergreen.data.ingest import local
from evergreen.project import Project
from evergreen.record.candidate import Repair, steps_of
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan import identity
from evergreen.record.plan.commits import UNKNOWN
from evergreen.record.registry.lineage import Rows, read_rows
from evergreen.record.registry.proof import Proof

# What each step makes that is the same every time; how long its trials took is not.
MADE: Mapping[str, tuple[str, ...]] = {
    "ingest": ("raw",),
    "validate": ("valid", "quarantine"),
    "features": ("train", "test"),
    "tune": ("best", "out_of_fold"),
    "train": ("model", "baseline"),
    "repair": ("best", "out_of_fold", "model", "baseline"),
    "evaluate": ("report", "scores"),
}
KEPT = ("connections", "storage")  # settings that say where rows are; all others of the scratch place are its own
KEEP_START = """
import json, sys
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
Ledger.open(Settings.load()).record(*json.load(sys.stdin))
"""
STEP_BY_STEP = """
import sys
from tasks.__main__ import main
for step in sys.argv[1:]:
    sys.argv = ["tasks", step]
    if code := main():
        sys.exit(code)
    print(step, flush=True)
"""
HERE = "the code that is here, which is that of the version"


class StepAgain(Value):
    """A step that ran again. `artifacts`: the digest of each, then and now; None now if the step failed as `said`."""

    name: str
    same: bool
    artifacts: dict[str, tuple[str, str | None]]
    said: str = ""


class Reproduction(Value):
    """A version, made again.

    `first_difference`: the first step whose artifacts are others. `metrics`: of the model that the gate was asked
    about, then and now; `predictions`: the digest of what it says of every gate row. `environment`: Python and
    packages that are others here; `code`: which was run; `mended`: artifacts that were damaged or gone in the
    workspace, and are there again, because they came out the same.
    """

    version: int
    same: bool
    first_difference: str | None
    metrics: dict[str, tuple[float | None, float | None]]
    predictions: tuple[str, str | None]
    steps: tuple[StepAgain, ...]
    environment: dict[str, tuple[str | None, str | None]]
    code: str
    mended: tuple[str, ...] = ()


def reproduce(project: Project, asked: str) -> Reproduction:
    """Run the training steps of a version again, below `home`/tmp, and say what differs; no ledger and no registry.

    What came out the same, and is damaged or gone in the workspace, is put back there.

    Raises
    ------
    ConfigError if the version has no proof, or its code cannot be had: its commit is not known, not here, or
    not all of it.
    """
    facts = facts_of(project, asked)
    proof = proof_of(facts, project.workspace)
    if proof is None:
        raise ConfigError(
            "STA007",
            f"version {facts.version} has no proof, which would say its parameters and its commit",
            where="ledger",
            next_step="A version that is trained now has one: evergreen run",
        )
    scratch = project.settings.home / "tmp"
    with temporaries.folder(scratch / "reproduce") as folder:
        place, code, told = _with_code(project, facts, proof, folder)
        _give(project, proof, place)
        with _environment(project, folder / "home", place=place, code=code) as environment:
            _keep_start(project, proof, place, environment)
            steps = _again(proof, place, environment)
            steps[0] = _which_items(project, proof, place, steps[0])
        metrics, predictions = _metrics(proof, place), _digests(proof, "evaluate", place)["scores"]
        mended = mending.put_back(proof.candidate, project.workspace, place / "data")
    first = next((step.name for step in steps if not step.same), None)
    return Reproduction(
        version=facts.version,
        same=first is None,
        first_difference=first,
        metrics=metrics,
        predictions=predictions,
        steps=tuple(steps),
        environment=_elsewhere(proof),
        code=told,
        mended=mended,
    )


def _with_code(project: Project, facts: VersionFacts, proof: Proof, scratch: Path) -> tuple[Path, Path, str]:
    """Return the project's folder in the scratch place, where its code lies, and what that is for a person."""
    place, commit = scratch / "a" / "project", proof.commit
    if project.digests()["code_digest"] == facts.judged.code_digest:
        place.mkdir(parents=True)
        shutil.copytree(project.settings.project / "configs", place / "configs")
        return place, identity.PROJECT, HERE
    if commit.dirty or commit.sha == UNKNOWN:
        changed = f" (changed: {', '.join(commit.changed[:3])})" if commit.changed else ""
        why = f"was trained with changes that its commit does not hold{changed}" if commit.dirty else "has no commit"
        raise _no_code(f"version {facts.version} {why}, and the code that is here is another")
    try:
        top = Path(_git(project.settings.project, "rev-parse", "--show-toplevel").strip())
        _git(scratch, "clone", "--quiet", "--shared", "--no-checkout", str(top), str(place))
        _git(place, "checkout", "--quiet", "--detach", commit.sha)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise _no_code(f"the commit {commit.sha[:12]} of version {facts.version} is not here: {said[-1]}") from error
    place /= project.settings.project.resolve().relative_to(top.resolve())
    return place, place, f"commit {commit.sha[:12]}"


def _no_code(what: str) -> ConfigError:
    return ConfigError("STA008", what, where="git", next_step="Fetch the commit, or check its code out, and try again.")


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        parents.bound(["git", "-C", str(folder), *arguments]),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    ).stdout


def _give(project: Project, proof: Proof, place: Path) -> None:
    """Put parameters, contract, the source's files and the lookups of a version into its scratch place."""
    contract, own, repair = proof.contract, project.settings.project, proof.candidate.repair
    params = repair.asks(proof.params) if repair else proof.params
    if repair and repair.keeps_model:
        _give_repaired(project, repair, place / "data")
    # In their order, which the search depends on.
    asked = yaml.safe_dump(params.model_dump(mode="json", by_alias=True), sort_keys=False)
    (place / "params.yaml").write_text(asked)
    target = place / "configs" / params.dataset / "contract.yaml"
    target.parent.mkdir(parents=True, exist_ok=True)
    declared = contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
    target.write_text(yaml.safe_dump(declared, sort_keys=False))
    for lookup in params.features.lookups.values():
        _link(own / lookup.file, place / lookup.file)
    for source in (contract.source, *(join.source for join in contract.joins)):
        if isinstance(source, FileSource) and not Path(source.root).is_absolute():
            for item in _items(source, own):
                _link(own / source.root / item, place / source.root / item)
        elif isinstance(source, DvcSource):
            _link(own / source.path, place / source.path)
            _link(own / f"{source.path}.dvc", place / f"{source.path}.dvc")
            if not (place / ".dvc").exists() and (own / ".dvc").exists():
                (place / ".dvc").symlink_to(own / ".dvc")


def _give_repaired(project: Project, repair: Repair, data: Path) -> None:
    """Put what a version was repaired from into its scratch place."""
    write_bytes(data / "repair.json", repair.model_dump_json().encode())
    for ref in (repair.artifact, repair.fitted_on):
        if ref is not None:
            _link(project.workspace.path(ref.uri), data / ref.uri)


def _items(source: FileSource, project: Path) -> list[str]:
    try:
        return [item.name for item in local.find(source, project=project)]
    except EvergreenError:  # the step that reads them says so
        return []


def _link(source: Path, target: Path) -> None:
    """Put a file or folder into the scratch place too, if it is not there: linked where the file system can."""
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_linked)
    else:
        _linked(str(source.resolve()), str(target))


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def _environment(project: Project, home: Path, *, place: Path, code: Path) -> Iterator[dict[str, str]]:
    """Yield the variables of the scratch place: its own state, in which ingested rows need not be read again."""
    settings = project.settings
    home.mkdir()
    for key in settings.home.glob(f"{personal.KEY_FILE}*"):  # and what says which one it is
        shutil.copy(key, home)
    _link(project.datasets / project.name, home / "datasets" / project.name)
    ours = {f"{PREFIX}{name.upper()}" for name in KEPT}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX) or name in ours}
    scratch = settings.model_copy(
        update={
            "home": home,
            "project": place,
            "ledger_url": None,
            "study_url": None,
            "mlflow_tracking_uri": None,
            "prefect_api_url": None,
        }
    )
    yield {
        **kept,
        **scratch.environment(),
        f"{PREFIX}PROJECT": str(place),
        f"{PREFIX}LEDGER_URL": scratch.ledger(),
        f"{PREFIX}STUDY_URL": scratch.studies(),
        f"{PREFIX}MLFLOW_TRACKING_URI": scratch.tracking_uri(),
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _keep_start(project: Project, proof: Proof, place: Path, environment: Mapping[str, str]) -> None:
    """Let tuning begin where it began then: that is an input of it."""
    train, repair = proof.candidate.train.sha256, proof.candidate.repair
    if repair:
        payload: Any = {"start": repair.choice.model_dump(mode="json")}
    else:
        began = project.ledger().find(project.name, "start", train)
        payload = began.payload if began else None
    if payload:
        _run(["-c", KEEP_START], place, environment, given=json.dumps([project.name, "start", train, payload]))


def _run(
    arguments: list[str], place: Path, environment: Mapping[str, str], *, given: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run Python in the scratch place with the version's code; it dies with us."""
    return subprocess.run(
        parents.bound([sys.executable, *arguments]),
        cwd=place,
        env=dict(environment),
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        check=False,
    )


def _again(proof: Proof, place: Path, environment: Mapping[str, str]) -> list[StepAgain]:
    """Run the steps in one process, up to the first that fails, and return each that ran."""
    names = steps_of(proof.candidate.repair)
    done = _run(["-c", STEP_BY_STEP, *names], place, environment)
    ended = done.stdout.split()
    steps = []
    for step in names:
        artifacts, said = _digests(proof, step, place), ""
        if step not in ended:
            artifacts = {name: (was, None) for name, (was, _) in artifacts.items()}
            said = f"failed: {_last_block(done.stderr)}"
        steps.append(
            StepAgain(name=step, same=all(a == b for a, b in artifacts.values()), artifacts=artifacts, said=said)
        )
        if said:
            break
    return steps


def _last_block(stderr: str) -> str:
    """Return the error that a process ended with, on one line."""
    lines = [line for line in stderr.splitlines() if line.strip()] or ["it said nothing"]
    begins = max(number for number, line in enumerate(lines) if not line.startswith(" ") or number == 0)
    return ", ".join(line.strip() for line in lines[begins:])


def _digests(proof: Proof, step: str, place: Path) -> dict[str, tuple[str, str | None]]:
    """Return the digest of each artifact of a step, then and now."""
    found = {}
    for name in MADE[step]:
        was = getattr(proof.candidate, name)
        is_reference = isinstance(was, (TableRef, FolderRef, DatasetRef))
        found[name] = (was.sha256 if is_reference else digest_of(was), _digest(was, place / "data", name))
    return found


def _digest(was: Any, data: Path, name: str) -> str | None:
    try:
        if isinstance(was, TableRef):
            return file_digest(data / f"{name}.parquet")
        if isinstance(was, FolderRef):
            return file_digest(data / name / MANIFEST)
        if isinstance(was, DatasetRef):
            return str(json.loads((data / name / MANIFEST).read_bytes())["digest"])
        return digest_of(json.loads((data / f"{name}.json").read_bytes()))
    except OSError:
        return None


def _which_items(project: Project, proof: Proof, place: Path, ingested: StepAgain) -> StepAgain:
    """Return the first step with the files of the source that are others than then."""
    if ingested.same or ingested.said:
        return ingested
    now = next((rows for rows in read_rows(place / "data") if rows.path == "raw"), None)
    then = next((rows for rows in read_rows(project.workspace.root) if rows.digest == proof.candidate.raw.sha256), None)
    return ingested.model_copy(update={"said": _items_said(then, now)})


def _items_said(then: Rows | None, now: Rows | None) -> str:
    if then is None or now is None:
        return "the rows of then are not kept any more, so nobody can say which files are others"
    gone = sorted(then.items.keys() - now.all_items.keys())
    others = sorted(name for name, sha256 in then.items.items() if now.all_items.get(name, sha256) != sha256)
    added = sorted(now.items.keys() - then.items.keys())
    parts = (("gone", gone), ("other bytes than then", others), ("new", added))
    said = "; ".join(f"{what}: {', '.join(names[:3])}" for what, names in parts if names)
    return said or "the same files give other rows: other code or another contract reads them"


def _metrics(proof: Proof, place: Path) -> dict[str, tuple[float | None, float | None]]:
    was: Mapping[str, float] = proof.candidate.report.candidate
    try:
        now: Mapping[str, float] = json.loads((place / "data" / "report.json").read_bytes())["candidate"]
    except OSError:
        now = {}
    return {name: (was.get(name), now.get(name)) for name in sorted(was.keys() | now.keys())}


def _elsewhere(proof: Proof) -> dict[str, tuple[str | None, str | None]]:
    """Return what of Python and the packages is another here."""
    here: dict[str, tuple[str | None, str | None]] = {"python": (proof.python, platform.python_version())}
    for name, version in proof.packages.items():
        try:
            here[name] = (version, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            here[name] = (version, None)
    return {name: (was, now) for name, (was, now) in here.items() if was != now}
