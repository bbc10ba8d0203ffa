"""What a package has that does not run here."""

from importlib import metadata
from pathlib import Path

import promoted
import pytest

from evergreen.learning.model.package import seal_package, verify_package
from serving import fitting


@pytest.fixture
def package(project, tmp_path) -> Path:
    """A package of the code that runs."""
    return promoted.path_of(promoted.package(tmp_path, 1, project), tmp_path)


def differences(package: Path) -> str:
    seal_package(package)
    return fitting.differences(package, verify_package(package, None))


def test_package_of_the_code_that_runs_has_nothing_else(package):
    assert differences(package) == ""


@pytest.mark.parametrize("name", ["evergreen/learning/features/rowwise.py", "serving/app.py", "evergreen/new.py"])
def test_code_that_differs_is_named(package, name):
    with (package / "src" / name).open("a") as file:
        file.write("# newer\n")

    assert differences(package) == f"other code in 1 files, such as {name}"


def test_libraries_that_are_not_the_ones_installed_are_named(package):
    here = metadata.version("numpy")
    lock = package / "src" / "requirements.lock"

    lock.write_text(f"numpy=={here} \\\n    --hash=sha256:00\npandas==1.0 \\\n    --hash=sha256:00\nnowhere==1\n")
    assert differences(package) == "pandas==1.0, nowhere==1"

    lock.write_text(f"numpy=={here} \\\n    --hash=sha256:00\n")
    assert differences(package) == ""
