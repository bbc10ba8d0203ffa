"""Reading requirements.lock: what is pinned, and what needs it."""

import re
from collections.abc import Iterable

from evergreen.base.errors import ConfigError

LOADED_WITH = ("numpy", "pandas", "scikit-learn", "skops")
# Also of estimators from these packages by their dotted path.
OF_FAMILY = {"lightgbm": ("lightgbm",), "xgboost": ("xgboost-cpu",)}


def packages_of(family: str) -> tuple[str, ...]:
    """Return the packages that a model of this family needs beyond scikit-learn; its name may be a dotted path."""
    return OF_FAMILY.get(family.partition(".")[0], ())


def needed(lock: str, family: str) -> list[str]:
    """Return the lines that pin what loading a model of this family needs."""
    return pins(lock, [*LOADED_WITH, *packages_of(family)])


def versions(pinned: Iterable[str]) -> dict[str, str]:
    """Return the versions in lines that pin packages, by name.

    Examples
    --------
    >>> versions(["a==1", "b==2 ; os_name == 'posix'"])
    {'a': '1', 'b': '2'}
    """
    parts = (line.partition(";")[0].partition("==") for line in pinned)
    return {name.strip(): version.strip() for name, _, version in parts}


def pins(lock: str, names: Iterable[str]) -> list[str]:
    """Return the lines that pin `names`, and what they depend on, in a lock written by ``uv pip compile``.

    Examples
    --------
    >>> pins(
    ...     "a==1\\n    # via b\\nb==2 ; os_name == 'posix'\\n    # via project\\nc==3\\n    # via\\n    #   d\\n",
    ...     ["b"],
    ... )
    ['a==1', "b==2 ; os_name == 'posix'"]
    """
    _, version, chosen = _closure(lock, names)
    return [f"{name}=={version[name]}" for name in sorted(chosen)]


def hashed(lock: str, names: Iterable[str], *, alone: bool = False) -> str:
    r"""Return the part of a lock that `pins` chooses, with its hashes, as ``pip install --require-hashes`` reads it.

    Parameters
    ----------
    alone : leave out what `names` depend on.

    Examples
    --------
    >>> hashed("a==1 \\\n    --hash=sha256:aa\n    # via b\nb==2 \\\n    --hash=sha256:bb\n", ["b"]).splitlines()
    ['a==1 \\', '    --hash=sha256:aa', 'b==2 \\', '    --hash=sha256:bb']
    """
    names = set(names)
    below, version, chosen = _closure(lock, names)
    lines = []
    for name in sorted(names if alone else chosen):
        hashes = re.findall(r"--hash=(\S+)", below[name])
        lines.append(" \\\n    ".join([f"{name}=={version[name]}", *(f"--hash={digest}" for digest in hashes)]))
    return "\n".join(lines) + "\n"


def _closure(lock: str, names: Iterable[str]) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """Return what stands below every pin of a lock, its version, and `names` with all that they depend on."""
    entries = re.findall(r"^(\S+)==(.*?)(?: \\)?\n((?:[ ].*\n?)*)", lock, flags=re.MULTILINE)
    version = {name: pinned for name, pinned, _ in entries}
    below = {name: more for name, _, more in entries}
    needed_by = {
        name: set(re.findall(r"^ +#(?: via)? +(\S+)", more, flags=re.MULTILINE)) for name, more in below.items()
    }
    chosen = set(names)
    if unknown := sorted(chosen - version.keys()):
        raise ConfigError(
            "PKG001", f"not pinned: {', '.join(unknown)}", where="requirements.lock", next_step="Lock again."
        )
    while more := {name for name, parents in needed_by.items() if parents & chosen} - chosen:
        chosen |= more
    return below, version, chosen
