"""A bundle to serve, servers of it in a thread of this process, and servers of it in processes of their own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import released
from answering import ROOMY, served
from servers import Server, free_port, running

from evergreen.adapters import packaging
from evergreen.config.settings import Settings
from evergreen.learning.model.release import Release
from serving.app import create_app
from serving.connections import Limits

WITH_FILES = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """The ``src`` of a folder laid out as a bento's: the release, the model, and the code that serves them."""
    folder = tmp_path_factory.mktemp("bento") / "src"
    folder.mkdir()
    released.bundle(folder)
    released.pack(folder, project)
    return folder


@pytest.fixture(scope="session")
def release(bundle: Path) -> Release:
    return Release.model_validate_json((bundle / "release.json").read_bytes())


@pytest.fixture
def serve(bundle: Path, tmp_path: Path) -> Serve:
    """Return a context that serves a bundle over HTTP from a thread."""

    def serve(
        folder: Path = bundle, lifespan: str = "on", limits: Limits = ROOMY, **settings: Any
    ) -> AbstractContextManager[httpx.Client]:
        return served(create_app(folder, Settings(home=tmp_path, **settings)), lifespan, limits)

    return serve


@pytest.fixture(scope="module")
def client(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service that the tests of a file share; none of them may break it."""
    with served(create_app(bundle, Settings(home=tmp_path_factory.mktemp("home"), max_body_bytes=20_000))) as client:
        yield client


@pytest.fixture
def start(bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Return a function that serves the bundle from a process of its own and waits until it is ready.

    `files`: how many that process may have open.
    """
    with ExitStack() as started:

        def start(*, files: int | None = None, **more: Any) -> Server:
            settings = Settings(home=tmp_path, serve_port=free_port(), **more)
            argv, env = packaging.command(bundle.parent, settings)
            if files is not None:
                argv = [sys.executable, "-c", WITH_FILES, str(files), *argv]
            return started.enter_context(running(argv, env, tmp_path, settings.serve_port))

        yield start
