"""Building: one bento per release, whole or not there, equal wherever it is made."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import released
from projects import wait_for
from servers import SECONDS

from evergreen.adapters import packaging
from evergreen.base.errors import EvergreenError, IntegrityError


def test_container_does_not_run_as_root_and_keeps_state_in_its_own_folder(bento):
    dockerfile = (bento.path / "env" / "docker" / "Dockerfile").read_text()

    assert "USER bentoml" in dockerfile
    assert "EVERGREEN_HOME=/home/bentoml/evergreen" in dockerfile


def test_staging_is_removed(bento, home):
    assert list((home / "staging").iterdir()) == []


def test_building_the_same_release_again_reuses_the_bento(bento, source, project, home):
    model_folder, release = source
    before = {name: (bento.path / name).stat().st_mtime_ns for name in released.files(bento.path)}

    again = packaging.build(model_folder, release, project=project, home=home)

    assert again == bento
    assert {name: (bento.path / name).stat().st_mtime_ns for name in released.files(bento.path)} == before


def test_two_builders_at_once_publish_one_bento(source, project, tmp_path):
    model_folder, release = source

    with ThreadPoolExecutor(2) as builders:
        arguments = {"project": project, "home": tmp_path}
        builds = [builders.submit(packaging.build, model_folder, release, **arguments) for _ in range(2)]
        built = [build.result() for build in builds]

    assert built[0] == built[1]
    assert [path.name for path in built[0].path.parent.iterdir() if path.is_dir()] == [built[0].path.name]
    assert list((tmp_path / "staging").iterdir()) == []


def test_same_version_is_built_alike_wherever_and_whenever(bento, source, project, tmp_path):
    model_folder, release = source

    again = packaging.build(model_folder, release, project=project, home=tmp_path, digest=bento.digest)

    assert again.digest == bento.digest
    assert released.files(again.path) == released.files(bento.path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("src/release.json", b'{"model":"parcels","version":99,"threshold":0.01}'),
        ("src/serving/app.py", None),
        ("src/sitecustomize.py", b"import os"),
        ("package.json", None),
    ],
)
def test_damaged_bento_is_not_whole_and_is_built_again_as_the_ledger_knows_it(
    bento, source, project, copied, name, content
):
    model_folder, release = source
    home, folder = copied
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)

    assert not packaging.is_missing(release, home, bento.digest)
    assert not packaging.whole(release, home, bento.digest)
    with pytest.raises(IntegrityError, match="INT018"):
        packaging.check(release, home, bento.digest)

    again = packaging.build(model_folder, release, project=project, home=home, digest=bento.digest)

    assert (again.digest, released.files(again.path)) == (bento.digest, released.files(bento.path))
    assert list((home / "staging").iterdir()) == []


def test_damaged_bento_is_left_alone_where_the_code_has_changed_since_and_a_whole_one_is_taken(
    bento, source, changed, copied
):
    model_folder, release = source
    home, folder = copied
    whole = packaging.build(model_folder, release, project=changed, home=home, digest=bento.digest)
    (folder / "bento.yaml").write_bytes(b"")
    before = released.files(home / "bentoml")

    with pytest.raises(IntegrityError, match="damaged or gone") as caught:
        packaging.build(model_folder, release, project=changed, home=home, digest=bento.digest)

    assert whole.digest == bento.digest
    assert (caught.value.code, caught.value.exit_code) == ("INT016", 7)
    assert "evergreen run" in caught.value.next_step
    assert released.files(home / "bentoml") == before


def test_bento_from_before_there_were_manifests_is_built_again_by_todays_code(bento, source, changed, copied):
    model_folder, release = source
    home, folder = copied
    (folder / "package.json").unlink()

    assert packaging.is_missing(release, home, None)
    built = packaging.build(model_folder, release, project=changed, home=home)

    assert built.digest != bento.digest
    assert packaging.check(release, home, None) == built


BUILDER = """
import sys
from pathlib import Path
from evergreen.adapters import packaging
from evergreen.learning.model.release import Release
model, release, project, home = sys.argv[1:]
packaging.build(Path(model), Release.model_validate_json(release), project=Path(project), home=Path(home))
"""


def test_build_that_is_killed_leaves_no_bento_and_the_next_one_clears_up(source, project, tmp_path):
    model_folder, release = source
    arguments = [str(model_folder), release.model_dump_json(), str(project), str(tmp_path)]
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], cwd=project)
    deadline = time.monotonic() + SECONDS
    while not list(tmp_path.glob("staging/*/context/release.json")):
        assert time.monotonic() < deadline
        assert builder.poll() is None
    wait_for(lambda: psutil.Process(builder.pid).children(recursive=True), "bentoml builds")
    children = psutil.Process(builder.pid).children(recursive=True)
    builder.kill()
    builder.wait()
    gone, alive = psutil.wait_procs(children, timeout=SECONDS)
    assert len(gone) > 0
    assert alive == []

    assert packaging.is_missing(release, tmp_path, None)
    assert len(list((tmp_path / "staging").iterdir())) == 1

    bento = packaging.build(model_folder, release, project=project, home=tmp_path)

    assert bento.path.is_dir()
    assert list((tmp_path / "staging").iterdir()) == []


def test_model_that_is_not_the_releases_is_not_packed(source, project, tmp_path):
    model_folder, release = source
    copy = tmp_path / "model"
    shutil.copytree(model_folder, copy)
    (copy / "contract.json").write_bytes((copy / "contract.json").read_bytes() + b" ")

    with pytest.raises(IntegrityError):
        packaging.build(copy, release, project=project, home=tmp_path / "home")

    assert packaging.is_missing(release, tmp_path / "home", None)


def test_failure_of_the_build_says_why(source, project, tmp_path):
    model_folder, release = source
    broken = tmp_path / "project"
    for package in ("evergreen", "serving"):
        shutil.copytree(project / package, broken / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copyfile(project / name, broken / name)
    (broken / "serving" / "service.py").write_text("import no_such_module\n")

    with pytest.raises(EvergreenError, match="no_such_module") as caught:
        packaging.build(model_folder, release, project=broken, home=tmp_path / "home")

    assert caught.value.code == "PKG002"
    assert packaging.is_missing(release, tmp_path / "home", None)
