"""What a container of a version is built from: its bento, the lock that it installs, and a Dockerfile."""

import re
from pathlib import Path

from evergreen.adapters.packaging.building import LOCK_FILE
from evergreen.adapters.packaging.folders import hand_on
from evergreen.base.errors import ConfigError
from evergreen.base.values import Value
from evergreen.learning.model.package import PACKAGE_FILE, SIGNATURE_FILE, read_manifest
from evergreen.learning.model.release import Release
from evergreen.record.plan.commits import UNKNOWN
from evergreen.record.registry.bentos import Bento

DOCKERFILE = Path(__file__).with_name("Dockerfile")
BASE = "docker.io/library/python:{}-slim-bookworm"
SENT = ("*", "!requirements.lock", "!bento", "!bento/**")


class Origin(Value):
    """What a version comes from: the commit, whether files differed from it, and the version of Python."""

    commit: str
    changed: bool
    python: str

    @property
    def short(self) -> str:
        """The commit as it stands in the tag of an image."""
        return (self.commit if self.commit == UNKNOWN else self.commit[:7]) + ("-changed" if self.changed else "")


class Context(Value):
    """A folder that `docker build` makes `image` from; `digest`: of its manifest."""

    image: str
    path: Path
    digest: str


def image_of(release: Release, origin: Origin) -> str:
    """Return the name and the tag of a version's image."""
    return f"{release.model}:v{release.version}-{origin.short}"


def write(bento: Bento, release: Release, origin: Origin, target: Path, *, signing_key: Path | None = None) -> Context:
    """Write the folder that a version's container is built from; nothing is asked of a registry, and no docker needed.

    Parameters
    ----------
    bento : as `check` returned it.
    signing_key : an Ed25519 key in PEM, whose signature of the folder's manifest is put beside that.

    Raises
    ------
    ConfigError if the bento is from before it held its lock, or the folder holds files of others. ResourceError if it
    cannot be written.
    """
    packed = {file.path: bento.path / file.path for file in read_manifest(bento.path).files}
    lock = packed.get(f"src/{LOCK_FILE}")
    if lock is None:
        raise ConfigError(
            "PKG004",
            f"the package of version {release.version} does not say which packages a container installs: it is from "
            "before that was kept",
            where=str(bento.path),
            next_step="Take a newer version, or train again: evergreen run",
        )
    beside = {name: bento.path / name for name in (PACKAGE_FILE, SIGNATURE_FILE) if (bento.path / name).exists()}
    files = {
        "Dockerfile": dockerfile(release, origin, bento.digest).encode(),
        ".dockerignore": "".join(f"{line}\n" for line in SENT).encode(),
        LOCK_FILE: lock.read_bytes(),
        **{f"bento/{name}": path.read_bytes() for name, path in {**packed, **beside}.items()},
    }
    digest = hand_on(files, target, signing_key=signing_key)
    return Context(image=image_of(release, origin), path=target, digest=digest)


def dockerfile(release: Release, origin: Origin, digest: str) -> str:
    """Return the Dockerfile of a version: ours, with its facts as the defaults of the arguments."""
    facts = {
        "BASE": BASE.format(origin.python),
        "MODEL": release.model,
        "VERSION": str(release.version),
        "COMMIT": origin.commit,
        "DIGEST": digest,
    }
    text = DOCKERFILE.read_text()
    for name, value in facts.items():
        text, n_times = re.subn(rf"(?m)^ARG {name}=.*$", f"ARG {name}={value}", text)
        assert n_times, f"the Dockerfile has the argument {name}"
    return text
