"""A fence around an interpreter: packages that it may not import, hosts that it may not ask, and what it did import."""

import json
import re
import sys
from collections.abc import Collection
from importlib.metadata import packages_distributions
from pathlib import Path

# Of this checkout, which the environment of tests can import from anywhere.
OURS = ("evergreen", "serving", "tasks", "flows", "cli")
SITE = """
import importlib.machinery, json, os, sys

said = json.load(open(os.path.join(os.path.dirname(__file__), "fence.json")))
shut, ours = frozenset(said["shut"]), frozenset(said["ours"])


def note(kind, what):
    descriptor = os.open(said["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{kind} {what}\\n".encode())
    os.close(descriptor)


class Fence:
    @staticmethod
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if top in shut:
            note("refused", name)
            raise ModuleNotFoundError(f"No module named {name!r}: it is behind the fence", name=name)
        if top in ours:
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and spec.origin:
                note("ours", spec.origin)
            return spec
        return None


def audit(event, arguments):
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "0.0.0.0", "::", "::1", "localhost") and not str(host).startswith("127."):
        note("asked", host)
        raise OSError(f"the network is behind the fence: {host}")


sys.meta_path.insert(0, Fence)
sys.addaudithook(audit)
"""


class Fence:
    """What goes before an interpreter's path; `seen` is what it has met since."""

    def __init__(self, folder: Path, allowed: Collection[str]) -> None:
        self.folder, self._log = folder, folder / "fence.log"
        folder.mkdir()
        known = {canonical(name) for name in allowed}
        shut = [
            module
            for module, names in packages_distributions().items()
            if module not in OURS and module not in sys.stdlib_module_names and not known & set(map(canonical, names))
        ]
        ours = ("evergreen", "serving")
        told = {"shut": [*shut, *(set(OURS) - {*ours})], "ours": ours, "log": str(self._log)}
        (folder / "fence.json").write_text(json.dumps(told))
        (folder / "sitecustomize.py").write_text(SITE)

    def seen(self, kind: str) -> set[str]:
        """Return what was ``refused``, which hosts were ``asked``, or where modules of ``ours`` came from."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return {what for line in lines for name, _, what in [line.partition(" ")] if name == kind}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(requirements: str) -> set[str]:
    """Return the names of the packages that lines pin."""
    return set(re.findall(r"^([\w.-]+)==", requirements, flags=re.MULTILINE))
