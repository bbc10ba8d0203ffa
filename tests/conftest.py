"""Fixtures that several folders need: the project as it is committed, and places where writing fails for real."""

import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path

import hypothesis
import pandas as pd
import pytest

from evergreen import ingest
from evergreen.contract import Contract
from evergreen.params import Params

NOBODY = 65534
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def contract(project: Path) -> Contract:
    return Contract.load(project / "configs" / "flights" / "contract.yaml")


@pytest.fixture(scope="session")
def params(project: Path) -> Params:
    return Params.load(project / "params.yaml")


@pytest.fixture(scope="session")
def flights_table(project: Path, contract: Contract) -> pd.DataFrame:
    """The observations of January and February 2013; shared, so copy it before changing it."""
    return ingest.read(ingest.locate(contract, project), contract, date(2013, 1, 1), date(2013, 3, 1))


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
