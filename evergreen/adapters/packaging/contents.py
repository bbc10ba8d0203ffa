"""What goes into a bento: the modules that serving reaches, and the pinned packages that those import."""

import modulefinder
import warnings
from collections.abc import Iterator
from pathlib import Path

from evergreen.learning.model.skops_file import TRUSTED_TYPES
from evergreen.record.plan.requirements import packages_of

CODE = ("evergreen", "serving")
# What the packed code imports. A test compares: what is imported and is not here would be missing where it is served.
IMPORTED = (
    "cronsim",
    "cryptography",
    "httptools",
    "msgspec",
    "numpy",
    "onnxruntime",
    "pandas",
    "prometheus-client",
    "psutil",
    "pyarrow",
    "pydantic",
    "pydantic-settings",
    "pyyaml",
    "scikit-learn",
    "scipy",
    "skops",
    "sqlalchemy",
    "starlette",
    "threadpoolctl",
    "uvicorn",
)
CHOSEN_BY_NAME = ("uvloop",)  # by uvicorn, where it is installed
SERVED_BY = (*IMPORTED, *CHOSEN_BY_NAME)
SERVER = "bentoml"  # the other server; `evergreen serve` and a container do without


def packages(family: str) -> tuple[str, ...]:
    """Return the packages that a service of this family's models needs, without what these depend on.

    What an estimator of your own imports beyond them belongs into IMPORTED.
    """
    return (*SERVED_BY, *packages_of(family))


def files(project: Path) -> tuple[str, ...]:
    """Return the files of a checkout that a bento holds of its code: `modules`, and all of ``evergreen.own``."""
    own = (path for path in project.joinpath("evergreen", "own").rglob("*") if path.is_file())
    beside = {path.relative_to(project).as_posix() for path in own if path.suffix != ".pyc"}
    return tuple(sorted({*modules(project), *beside}))


def modules(project: Path) -> tuple[str, ...]:
    """Return the files of a checkout that serving may run, relative to it with ``/`` and sorted.

    These are ``serving``, a team's own code in ``evergreen.own``, the types that a model may hold, and whatever of
    `CODE` they import, at the top or inside functions.
    """
    project = project.absolute()
    finder = modulefinder.ModuleFinder(path=[str(project)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the code that it compiles: whoever imports it is told
        for name in _roots(project):
            finder.import_hook(name)
    found = [Path(file) for module in finder.modules.values() if (file := getattr(module, "__file__", None))]
    return tuple(sorted(path.relative_to(project).as_posix() for path in found))


def _roots(project: Path) -> Iterator[str]:
    for folder in ("serving", "evergreen/own"):
        for path in sorted(project.joinpath(folder).rglob("*.py")):
            parts = path.relative_to(project).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    for kind in TRUSTED_TYPES:
        if kind.partition(".")[0] in CODE:
            yield kind.rpartition(".")[0]
