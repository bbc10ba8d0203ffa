"""BentoML: a release becomes a bento, which holds everything that the service runs from."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from evergreen.adapters.packaging import contents
from evergreen.adapters.packaging.starting import passed_on
from evergreen.base import failpoints, parents, signature, temporaries
from evergreen.base.artifacts.folders import MANIFEST, read_folder
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import EvergreenError, IntegrityError, explain_os_errors
from evergreen.base.files import write_bytes
from evergreen.config.settings import Settings
from evergreen.learning.model.package import seal_package, verify_package
from evergreen.learning.model.release import MODEL_FOLDER, RELEASE_FILE, Release
from evergreen.record.outcomes import VersionFacts
from evergreen.record.plan.requirements import hashed, pins
from evergreen.record.registry.bentos import Bento, check, path_of, release_of, tag_of, whole

LOCK_FILE = "requirements.lock"  # of a bento: what a container installs
SECONDS_FOR_BUILD = 120
CREATED = "2000-01-01T00:00:00+00:00"


def restore(facts: VersionFacts, settings: Settings) -> Bento:
    """Return the bento of a registered version, building it again from its model if it is damaged or gone.

    Raises
    ------
    As `build`.
    """
    return build(
        Workspace(root=settings.workspace).path(facts.artifact.uri),
        release_of(facts),
        project=settings.project,
        home=settings.home,
        digest=facts.package,
        signing_key=settings.signing_key,
        trusted_keys=settings.trusted_keys,
    )


def build(
    model_folder: Path,
    release: Release,
    *,
    project: Path,
    home: Path,
    digest: str | None = None,
    signing_key: Path | None = None,
    trusted_keys: Path | None = None,
) -> Bento:
    """Return the bento of a release, building it unless it is there and whole; no network is used.

    It appears whole, by a rename, in the place of a damaged one. A build that was killed leaves a folder under
    ``home/staging``, which the next command removes. Equal models, code, locks and releases give equal digests.

    Parameters
    ----------
    model_folder : the model that `release` names.
    project : the checkout: ``evergreen/``, ``serving/``, ``bentofile.yaml`` and ``requirements.lock``. Of the code only
        what serving reaches is packed, so that a package stays the same when something else changes.
    home : the folder of all state; bentos lie under ``home/bentoml``.
    digest : of the package, where the ledger knows one. Another one is not published.
    signing_key, trusted_keys : an Ed25519 key in PEM that signs what is built, and public keys, one of which must have
        signed what is returned.

    Raises
    ------
    IntegrityError if the model is not the one that the release names, or what was built has not the digest, or is not
    signed by a trusted key. ConfigError if a key cannot be used.
    """
    if whole(release, home, digest, trusted_keys=trusted_keys):
        return check(release, home, digest, trusted_keys=trusted_keys)
    if signing_key:
        signature.check_key(signing_key, outside=project)
    tag, target, staging = tag_of(release), path_of(release, home), home / "staging"
    with explain_os_errors(staging):
        temporaries.delete(temporaries.left_in(staging))
        with temporaries.folder(staging / target.name) as own:
            context, store = Path(own, "context"), Path(own, "bentoml")
            _stage(context, model_folder, release, project)
            failpoints.reach("package.staged")
            _run_bentoml(context, store, tag)
            built = store / "bentos" / release.model / target.name
            _leave_out_the_time(built / "bento.yaml")
            made = seal_package(built, signing_key=signing_key)
            if digest and made != digest:
                raise _not_the_version(release, target, digest)
            verify_package(built, made, trusted_keys=trusted_keys)
            failpoints.reach("package.built")
            _publish(
                built,
                target,
                aside=Path(own, "damaged"),
                is_whole=lambda: whole(release, home, made, trusted_keys=trusted_keys),
            )
    failpoints.reach("package.published")
    return Bento(tag=tag, path=target, digest=made)


def _leave_out_the_time(description: Path) -> None:
    """Give a bento a time of creation that is the same whenever it is built: else no two of a version are equal."""
    text, n_times = re.subn(r"(?m)^creation_time: .*$", f"creation_time: '{CREATED}'", description.read_text())
    assert n_times == 1, "BentoML stamps a bento once"
    description.write_text(text)


def _not_the_version(release: Release, path: Path, digest: str) -> IntegrityError:
    return IntegrityError(
        "INT016",
        f"the package of version {release.version} is damaged or gone, and cannot be built again: what this checkout "
        f"makes of it is not the one of digest {digest[:12]}, so code or libraries have changed since",
        where=str(path),
        next_step="Check out the commit of the version, `make install`, and run the same command there. Where that "
        "code is lost: evergreen rollback goes back to the version before, and evergreen run with other parameters "
        "trains a version of this code, which the gate judges.",
    )


def _stage(context: Path, model_folder: Path, release: Release, project: Path) -> None:
    manifest, files = read_folder(model_folder, release.model_digest)
    for name in contents.files(project):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / name, context / name)
    for name, content in {**files, MANIFEST: (model_folder / MANIFEST).read_bytes()}.items():
        path = context / MODEL_FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (context / RELEASE_FILE).write_text(release.model_dump_json())
    recipe = yaml.safe_load((project / "bentofile.yaml").read_text())
    lock, needed = (project / "requirements.lock").read_text(), contents.packages(manifest.get("family", ""))
    (context / LOCK_FILE).write_text(hashed(lock, needed))
    lines = pins(lock, (*needed, contents.SERVER))
    # BentoML writes its own version beside them, and reads no requirements file below a hidden folder.
    recipe["python"]["packages"] = [line for line in lines if not line.startswith("bentoml==")]
    (context / "bentofile.yaml").write_text(yaml.safe_dump(recipe))


def _run_bentoml(context: Path, store: Path, tag: str) -> None:
    """Build in a child: it imports the staged code, changes folder, and keeps its store where the environment says."""
    name, _, version = tag.partition(":")
    offline = {"BENTOML_DO_NOT_TRACK": "true", "UV_OFFLINE": "1", "PIP_NO_INDEX": "1"}
    # The file is named, because BentoML does not look for it itself below a hidden folder such as .evergreen.
    build = [sys.executable, "-m", "bentoml", "build", ".", "--bentofile", "bentofile.yaml"]
    done = subprocess.run(  # noqa: S603  our own interpreter, and names that Release has checked
        parents.bound([*build, "--name", name, "--version", version, "--output", "tag"]),
        cwd=context,
        env={**passed_on(), **offline, "BENTOML_HOME": str(store), "PYTHONDONTWRITEBYTECODE": "1"},
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


def _publish(built: Path, target: Path, *, aside: Path, is_whole: Callable[[], bool]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        built.rename(target)
    except OSError:
        if not is_whole():  # else another process built the same package meanwhile
            target.rename(aside)
            built.rename(target)
    write_bytes(target.parent / "latest", target.name.encode())
