"""Fixtures that several folders need: the project as it is committed, and places where writing fails for real."""

import fcntl
import json
import os
import resource
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pandas as pd
import parameters
import projects
import pytest
from servers import SECONDS, closed_port, free_port, object_store, object_store_server, postgres  # noqa: F401  fixtures

from cli import children
from cli.engine import PREFECT_SERVER, on_loopback
from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.ingest import IngestParams
from evergreen.config.params.params import Params
from evergreen.config.settings import PREFIX, Settings
from evergreen.data import datasets
from evergreen.data.ingest import sources, store
from evergreen.data.typed.schema import ROW, UNREADABLE, to_pandas
from evergreen.record.plan.identity import code_digest

if TYPE_CHECKING:
    from evergreen.project import Project

NOBODY = 65534
# Before any of them is imported: libraries make their folders then, and must not make them in anybody's home.
STATE = tempfile.TemporaryDirectory(prefix="evergreen-tests-", ignore_cleanup_errors=True)
for name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[name]
os.environ.update(
    {
        name: value
        for name, value in Settings(home=Path(STATE.name)).environment().items()
        if not name.startswith(PREFIX) and name != "TMPDIR"
    }
)
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")
Once = Callable[[str, Callable[[Path], Path]], Path]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that start whole commands and end with those of few tests, so that all cores end together.

    What needs a trained project comes after what only needs an empty one: training it takes one core, once.
    """
    fixtures: dict[Path, set[str]] = {}
    for item in items:
        fixtures.setdefault(item.path, set()).update(getattr(item, "fixturenames", ()))
    sizes = Counter(item.path for item in items)

    def order(item: pytest.Item) -> tuple[bool, bool, int]:
        used = fixtures[item.path]
        return "prepared_state" not in used, "trained_state" in used, -sizes[item.path]

    items.sort(key=order)


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def contract(project: Path) -> Contract:
    return Contract.load(project / "configs" / "flights" / "contract.yaml")


@pytest.fixture(scope="session")
def params() -> Params:
    return Params.load(parameters.FILE)


@pytest.fixture(scope="session")
def flights_table(project: Path, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The observations of January and February 2013, by time and key; shared, so copy it before changing it."""
    folder = tmp_path_factory.mktemp("flights")
    source = sources.locate(contract, Settings(project=project, home=folder))
    path, manifest = store.sync(source, contract, folder / "datasets", made_with="", secret=b"")
    ws = Workspace(root=folder)
    raw = store.take(path, manifest, ws, contract, IngestParams(start=date(2013, 1, 1), end=date(2013, 3, 1)))
    rows = pd.concat([to_pandas(batch) for _, batch in datasets.batches(ws.path(raw.uri), raw)])
    assert rows[UNREADABLE].isna().all()
    ordered = rows.drop(columns=[ROW, UNREADABLE]).sort_values([contract.time, *contract.key], kind="stable")
    return ordered.reset_index(drop=True)


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may read but not write; root gives up its privileges for the test."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.fixture
def limited_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Return a context in which the system refuses to let any file grow beyond some bytes, midway through a write."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Return what gives the folder that a function makes; of several workers the first makes it for all."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def once(name: str, make: Callable[[Path], Path]) -> Path:
        noted = shared / f"{name}.path"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not noted.exists():
                noted.write_text(str(make(tmp_path_factory.mktemp(name))))
        return Path(noted.read_text())

    return once


@pytest.fixture(scope="session")
def prepared_state(project: Path, contract: Contract, once: Once) -> Path:
    """A state folder whose databases are migrated, and that holds the flights; copied, because both take seconds."""

    def prepare(folder: Path) -> Path:
        small = projects.copy_project(project, folder / "project")
        done = small.run("prepare")
        assert done.returncode == 0, done.stderr
        source = sources.locate(contract, projects.settings_of(small))
        kept = small.home / "datasets" / contract.name
        store.sync(source, contract, kept, made_with=code_digest("tasks.ingest"), secret=b"")
        return small.home

    return once("prepared", prepare)


@pytest.fixture(scope="session")
def prefect_api_url(prepared_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server for commands that say something about anything else."""
    home = tmp_path_factory.mktemp("prefect") / "home"
    shutil.copytree(prepared_state, home)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    variables = Settings(home=home).environment()
    with children.child(
        "prefect", on_loopback(port, *PREFECT_SERVER), run=home / "run", environment=variables
    ) as server:
        children.wait_until_ready(server, f"{url}/health", seconds=SECONDS, what="Prefect", log=home / "none")
        yield url


@pytest.fixture
def small_project(project: Path, prepared_state: Path, tmp_path: Path) -> projects.Small:
    """A project of one's own with a small search and no champion yet."""
    small = projects.copy_project(project, tmp_path / "project")
    projects.copy_state(prepared_state, small)
    return small


@pytest.fixture(scope="session")
def trained_state(project: Path, prepared_state: Path, once: Once) -> Path:
    """A project whose first training has been promoted, and what it printed; copied by `trained_project`."""

    def train(folder: Path) -> Path:
        small = projects.copy_project(project, folder / "project")
        projects.copy_state(prepared_state, small)
        outcome = small.json("run")
        assert outcome["version"] == 1
        (small.root / "outcome.json").write_text(json.dumps(outcome))
        return small.root

    return once("trained", train)


@pytest.fixture
def trained_project(trained_state: Path, prefect_api_url: str, tmp_path: Path) -> projects.Small:
    """A project of one's own with a champion, whose commands use the shared Prefect server."""
    shutil.copytree(trained_state, tmp_path / "trained", symlinks=True)
    return projects.Small(tmp_path / "trained", prefect_api_url)


@pytest.fixture(scope="session")
def visits_trained(once: Once) -> Path:
    """A project of visits that has its first version, trained on January and February; copied by `visited`."""

    import direct  # which imports the flows

    from evergreen.project import Project
    from flows.training import train_and_judge

    def train(folder: Path) -> Path:
        root = direct.visits(folder / "visits")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root)
            (root / ".evergreen").mkdir()
            outcome = train_and_judge(Project.open(), reason="first training", do=direct.Direct())
        assert (outcome.verdict, outcome.version, outcome.analysis) == ("promoted", 1, "attached")
        return root

    return once("visits", train)


@pytest.fixture(scope="session")
def two_environments(project: Path, prepared_state: Path, once: Once) -> Path:
    """A project of visits with a version in one environment and nothing in another; copied by `here`."""
    import transfers

    return once("environments", lambda folder: transfers.two_environments(folder / "visits", project, prepared_state))


@pytest.fixture
def here(two_environments: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Project":
    """The environment with a version in it."""
    from evergreen.project import Project

    root = Path(shutil.copytree(two_environments, tmp_path / "visits", symlinks=True))
    monkeypatch.chdir(root)
    return Project.open()


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Project":
    """A project of visits that nothing was done with."""
    import direct

    from evergreen.project import Project

    root = direct.visits(tmp_path / "visits")
    (root / ".evergreen").mkdir()
    monkeypatch.chdir(root)
    return Project.open()


@pytest.fixture
def visited(visits_trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Project":
    """A project of visits with a champion."""
    from evergreen.project import Project

    root = Path(shutil.copytree(visits_trained, tmp_path / "visits"))
    monkeypatch.chdir(root)
    return Project.open()
