"""What DVC tracks is read as it is named, or not at all."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evergreen.base.errors import DataError
from evergreen.config.contract.sources import DvcSource
from evergreen.data.ingest import dvc

DVC = str(Path(sys.executable).with_name("dvc"))


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A project in which DVC itself has added a file and a folder."""
    project = tmp_path_factory.mktemp("tracked").resolve()
    (project / "folder" / "deep").mkdir(parents=True)
    (project / "a.csv").write_text("a\n1\n")
    (project / "folder" / "b.csv").write_text("a\n2\n")
    (project / "folder" / "deep" / "c.csv").write_text("a\n3\n")
    run = {"cwd": project, "check": True, "capture_output": True}
    subprocess.run([DVC, "init", "--no-scm", "--quiet"], **run)
    subprocess.run([DVC, "config", "core.site_cache_dir", str(project / ".dvc" / "site")], **run)
    subprocess.run([DVC, "add", "--quiet", "a.csv", "folder"], **run)
    return project


@pytest.fixture
def project(tracked, tmp_path):
    shutil.copytree(tracked, tmp_path / "project", symlinks=True)
    return (tmp_path / "project").resolve()


def find(project, path):
    return dvc.find(DvcSource(kind="dvc", path=path), project=project)


def refusal(project, path):
    with pytest.raises(DataError) as caught:
        find(project, path)
    return caught.value


def test_tracked_file_and_folder_are_found(project):
    assert [item.name for item in find(project, "a.csv")] == ["a.csv"]
    assert [item.name for item in find(project, "folder")] == ["folder/b.csv", "folder/deep/c.csv"]


@pytest.mark.parametrize("path", ["a.csv", "folder"])
def test_data_that_was_not_pulled_names_the_command(project, path):
    shutil.rmtree(project / path) if path == "folder" else (project / path).unlink()
    error = refusal(project, path)
    assert (error.code, error.what) == ("DQ000", "the tracked data is not here")
    assert error.next_step.startswith("Run dvc pull")


@pytest.mark.parametrize(
    ("path", "changed", "text"),
    [("a.csv", "a.csv", "a\n9\n"), ("folder", "folder/b.csv", "a\n9\n"), ("folder", "folder/new.csv", "a\n1\n")],
)
def test_changed_or_added_data_is_refused(project, path, changed, text):
    (project / changed).unlink(missing_ok=True)
    (project / changed).write_text(text)
    error = refusal(project, path)
    assert error.what == f"the tracked data is not what {path}.dvc names: {Path(changed).name}"


def test_file_missing_from_a_tracked_folder_is_refused(project):
    (project / "folder" / "deep" / "c.csv").unlink()
    assert refusal(project, "folder").what.endswith("names: deep/c.csv")


def test_folder_whose_list_is_not_in_the_cache_is_refused(project):
    shutil.rmtree(project / ".dvc" / "cache")
    assert refusal(project, "folder").what == "DVC's list of the folder's files is not in its cache"
    assert find(project, "a.csv")


def test_untracked_path_is_refused(project):
    (project / "b.csv").write_text("a\n")
    error = refusal(project, "b.csv")
    assert error.what == "no .dvc file lies beside the source"
    assert error.next_step == "Run dvc add b.csv in that folder, or make it a source of kind file."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n",
        "outs: []\n",
        "outs:\n- path: other.csv\n  md5: abc\n",
        "a: [\n",
        "!!python/object/apply:os.system [ls]",
    ],
)
def test_dvc_file_that_names_no_single_output_is_refused(project, text):
    (project / "a.csv.dvc").write_text(text)
    assert refusal(project, "a.csv").what.startswith("the .dvc file does not name 'a.csv' and its md5")


def test_path_out_of_the_project_is_refused(project, tmp_path):
    (tmp_path / "x.csv").write_text("a\n1\n")
    (tmp_path / "x.csv.dvc").write_text("outs:\n- path: x.csv\n  md5: " + "0" * 32 + "\n")
    assert refusal(project, "../x.csv").code == "DQ027"
