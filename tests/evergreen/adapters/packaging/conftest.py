"""A bento of a release, and the homes that it lies in."""

import shutil
from pathlib import Path

import pytest
import released

from evergreen.adapters import packaging
from evergreen.learning.model.release import Release, load_release


@pytest.fixture(scope="session")
def source(tmp_path_factory) -> tuple[Path, Release]:
    """A model folder and its release."""
    folder = tmp_path_factory.mktemp("workspace")
    return folder / "model", released.bundle(folder)


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """A hidden folder, as the default home is: BentoML passes over some files below one."""
    return tmp_path_factory.mktemp("project") / ".evergreen"


@pytest.fixture(scope="session")
def bento(source, project, home) -> packaging.Bento:
    model_folder, release = source
    return packaging.build(model_folder, release, project=project, home=home)


@pytest.fixture
def copied(bento, tmp_path) -> tuple[Path, Path]:
    """A home of one's own with the bento in it, and the folder of that."""
    home = bento.path.parents[3]
    return Path(shutil.copytree(home, tmp_path / "home")), tmp_path / "home" / bento.path.relative_to(home)


@pytest.fixture
def changed(project, tmp_path) -> Path:
    """A checkout whose code has gone on by a line."""
    checkout = tmp_path / "project"
    for package in ("evergreen", "serving"):
        shutil.copytree(project / package, checkout / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copyfile(project / name, checkout / name)
    with (checkout / "serving" / "answers.py").open("a") as file:
        file.write("# newer\n")
    return checkout


@pytest.fixture(scope="session")
def expected(bento) -> list[float]:
    _, model = load_release(bento.path / "src")
    return model.predict(released.table().head(25)).values.tolist()
