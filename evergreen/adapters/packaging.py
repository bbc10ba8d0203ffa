"""BentoML: a release becomes a bento, which holds everything that the service runs from."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import yaml

from evergreen.base.artifacts.folders import MANIFEST, read_folder
from evergreen.base.errors import EvergreenError, explain_os_errors
from evergreen.base.files import write_bytes
from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.learning.model.release import MODEL_FOLDER, RELEASE_FILE, Release
from evergreen.record.plan.requirements import packages_of, pins

# What evergreen/ and serving/ import when they serve.
SERVED_BY = (
    "bentoml",
    "httptools",
    "numpy",
    "pandas",
    "prometheus-client",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "pyyaml",
    "scikit-learn",
    "skops",
    "starlette",
    "threadpoolctl",
    "uvicorn",
    "uvloop",
)
SECONDS_FOR_BUILD = 120


class Bento(Value):
    """A built bento. `path` is its folder; the service runs straight from the ``src`` in it."""

    tag: str
    path: Path


def locate(release: Release, home: Path) -> Bento | None:
    """Return the bento of a release if it has been built."""
    bento = _named(release, home)
    return bento if bento.path.exists() else None


def build(model_folder: Path, release: Release, *, project: Path, home: Path) -> Bento:
    """Return the bento of a release, building it if there is none; nothing is installed and no network is used.

    It appears whole, by a rename. A build that was killed leaves a folder under ``home/staging``, which the next one
    removes.

    Parameters
    ----------
    model_folder : the model that `release` names.
    project : the checkout: ``evergreen/``, ``serving/``, ``bentofile.yaml`` and ``requirements.lock``.
    home : the folder of all state; bentos lie under ``home/bentoml``.

    Raises
    ------
    IntegrityError if the model is not the one that the release names.
    """
    if built := locate(release, home):
        return built
    bento = _named(release, home)
    staging = home / "staging"
    with explain_os_errors(staging):
        staging.mkdir(parents=True, exist_ok=True)
        for left in abandoned(home):
            shutil.rmtree(left, ignore_errors=True)
        with TemporaryDirectory(prefix=f"{os.getpid()}-", dir=staging) as own:
            context, store = Path(own, "context"), Path(own, "bentoml")
            _stage(context, model_folder, release, project)
            _run_bentoml(context, store, bento.tag)
            _publish(store / "bentos" / release.model / bento.path.name, bento.path)
    return bento


def command(bento: Path, settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the whole environment that run the service from a bento's folder, from anywhere.

    ``-P`` and PYTHONPATH put the bento's own ``evergreen`` and ``serving`` before the checkout's, wherever it starts.
    """
    served = ("serve_host", "serve_port", "max_body_bytes", "max_requests_at_once")
    variables = {f"EVERGREEN_{name.upper()}": str(getattr(settings, name)) for name in served}
    variables |= {"EVERGREEN_HOME": str(settings.home.resolve()), "PYTHONPATH": str(bento.resolve() / "src")}
    quiet = {"ORT_DISABLE_TELEMETRY": "1"}  # else ONNX Runtime, once it is imported, looks its vendor's host up
    return [sys.executable, "-P", "-m", "serving"], {**os.environ, **variables, **quiet}


def packages(family: str) -> tuple[str, ...]:
    """Return the packages that a service of this family's models needs, without what these depend on.

    What an estimator of your own imports beyond them belongs into SERVED_BY.
    """
    return (*SERVED_BY, *packages_of(family))


def _named(release: Release, home: Path) -> Bento:
    version = f"v{release.version}-{release.model_digest[:8]}"
    return Bento(tag=f"{release.model}:{version}", path=home / "bentoml" / "bentos" / release.model / version)


def abandoned(home: Path) -> list[Path]:
    """Return the staging folders of builds whose process is gone."""
    builders = [(folder, folder.name.partition("-")[0]) for folder in sorted((home / "staging").glob("*"))]
    return [folder for folder, pid in builders if pid.isdecimal() and not psutil.pid_exists(int(pid))]


def _stage(context: Path, model_folder: Path, release: Release, project: Path) -> None:
    manifest, files = read_folder(model_folder, release.model_digest)
    for package in ("evergreen", "serving"):
        shutil.copytree(project / package, context / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, content in {**files, MANIFEST: (model_folder / MANIFEST).read_bytes()}.items():
        path = context / MODEL_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (context / RELEASE_FILE).write_text(release.model_dump_json())
    recipe = yaml.safe_load((project / "bentofile.yaml").read_text())
    lines = pins((project / "requirements.lock").read_text(), packages(manifest.get("family", "")))
    # BentoML writes its own version beside them, and reads no requirements file below a hidden folder.
    recipe["python"]["packages"] = [line for line in lines if not line.startswith("bentoml==")]
    (context / "bentofile.yaml").write_text(yaml.safe_dump(recipe))


def _run_bentoml(context: Path, store: Path, tag: str) -> None:
    """Build in a child: it imports the staged code, changes folder, and keeps its store where the environment says."""
    name, _, version = tag.partition(":")
    offline = {"BENTOML_DO_NOT_TRACK": "true", "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
    build = [sys.executable, "-m", "bentoml", "build", "."]
    done = subprocess.run(  # noqa: S603  our own interpreter, and names that Release has checked
        # Named, because BentoML does not look for it itself below a hidden folder such as .evergreen.
        [*build, "--bentofile", "bentofile.yaml", "--name", name, "--version", version, "--output", "tag"],
        cwd=context,
        env={**os.environ, **offline, "BENTOML_HOME": str(store), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=SECONDS_FOR_BUILD,
        check=False,
    )
    if done.returncode != 0:
        raise EvergreenError(
            "PKG002",
            f"bentoml build failed: {(done.stderr or done.stdout).strip()[-2000:]}",
            where=tag,
            next_step="Import serving.service by hand: what it says there is the cause.",
        )


def _publish(built: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        built.rename(target)
    except OSError:
        if not target.exists():  # else another process built the same release meanwhile
            raise
    write_bytes(target.parent / "latest", target.name.encode())
