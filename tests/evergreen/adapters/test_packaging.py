"""Packaging: one bento per release, whole or not there, and a service that runs from it and from nothing else."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import keys
import psutil
import pytest
import released
from servers import SECONDS, free_port, running

from evergreen.adapters import packaging
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import ConfigError, EvergreenError, IntegrityError
from evergreen.config.settings import Settings
from evergreen.learning.model import model as models
from evergreen.learning.model.package import verify_package
from evergreen.learning.model.release import Release, load_release
from evergreen.record.plan import requirements as locks
from evergreen.record.predictions import log as predictions


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


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_bento_is_named_after_the_release(bento, source, home):
    _, release = source

    assert bento.tag == f"parcels:v3-{release.model_digest[:8]}"
    assert packaging.check(release, home, bento.digest) == bento
    assert packaging.whole(release, home, bento.digest)


def test_bento_holds_what_the_service_needs_and_nothing_else(bento, source, project):
    model_folder, release = source

    packed = files(bento.path / "src")

    top = {name.partition("/")[0] for name in packed}
    assert top == {"evergreen", "serving", "model", "release.json", "bentofile.yaml"}
    assert {n.removeprefix("model/"): c for n, c in packed.items() if n.startswith("model/")} == files(model_folder)
    assert Release.model_validate_json(packed["release.json"]) == release
    assert packed["serving/app.py"] == (project / "serving" / "app.py").read_bytes()
    assert not any("__pycache__" in name for name in packed)


def test_requirements_are_pins_of_the_lock(bento, project):
    locked = set(re.findall(r"^\S+==\S+", (project / "requirements.lock").read_text(), flags=re.MULTILINE))
    written = (bento.path / "env" / "python" / "requirements.txt").read_text()
    installed = re.findall(r"^\S+==[^\s;]+", written, flags=re.MULTILINE)

    assert len(installed) == len(written.splitlines())
    assert set(installed) <= locked
    names = {line.partition("==")[0] for line in installed}
    assert set(packaging.SERVED_BY) <= names
    assert not names & {"prefect", "mlflow", "dvc", "evidently", "great-expectations", "optuna", "sqlalchemy"}
    assert len(names) == len(installed)


def requirements(bento) -> set[str]:
    written = (bento.path / "env" / "python" / "requirements.txt").read_text()
    return set(re.findall(r"^(\S+)==", written, flags=re.MULTILINE))


def test_library_of_a_family_is_packed_with_its_models_only(bento, project, tmp_path):
    pipeline = released.fitted("lightgbm", n_estimators=3)
    about = {"family": "lightgbm", "seed": 7}
    ref = models.save(
        Workspace(root=tmp_path), "model", pipeline, contract=released.CONTRACT, features=released.FEATURES, about=about
    )
    release = Release(model="parcels", version=4, model_digest=ref.sha256, threshold=0.5)

    of_lightgbm = packaging.build(tmp_path / ref.uri, release, project=project, home=tmp_path / "home")

    assert requirements(of_lightgbm) - requirements(bento) == {"lightgbm"}
    assert not requirements(bento) & {"lightgbm", "xgboost-cpu", "skl2onnx", "onnxmltools"}


@pytest.mark.parametrize(
    ("family", "needs"),
    [
        ("xgboost", {"xgboost-cpu"}),
        ("xgboost.XGBRFClassifier", {"xgboost-cpu"}),
        ("lightgbm.LGBMClassifier", {"lightgbm"}),
        ("gradient_boosting", set()),
        ("evergreen.own.stumps.Stump", set()),
    ],
)
def test_packages_follow_the_family_by_name_or_by_path(family, needs, project):
    names = packaging.packages(family)

    assert set(names) - set(packaging.SERVED_BY) == needs
    assert locks.pins((project / "requirements.lock").read_text(), names)


def test_container_does_not_run_as_root_and_keeps_state_in_its_own_folder(bento):
    dockerfile = (bento.path / "env" / "docker" / "Dockerfile").read_text()

    assert "USER bentoml" in dockerfile
    assert "EVERGREEN_HOME=/home/bentoml/evergreen" in dockerfile


def test_staging_is_removed(bento, home):
    assert list((home / "staging").iterdir()) == []


def test_building_the_same_release_again_reuses_the_bento(bento, source, project, home):
    model_folder, release = source
    before = {name: (bento.path / name).stat().st_mtime_ns for name in files(bento.path)}

    again = packaging.build(model_folder, release, project=project, home=home)

    assert again == bento
    assert {name: (bento.path / name).stat().st_mtime_ns for name in files(bento.path)} == before


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
    assert files(again.path) == files(bento.path)


@pytest.fixture
def copied(bento, tmp_path) -> tuple[Path, Path]:
    """A home of one's own with the bento in it, and the folder of that."""
    home = bento.path.parents[3]
    return Path(shutil.copytree(home, tmp_path / "home")), tmp_path / "home" / bento.path.relative_to(home)


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

    assert (again.digest, files(again.path)) == (bento.digest, files(bento.path))
    assert list((home / "staging").iterdir()) == []


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


def test_damaged_bento_is_left_alone_where_the_code_has_changed_since_and_a_whole_one_is_taken(
    bento, source, changed, copied
):
    model_folder, release = source
    home, folder = copied
    whole = packaging.build(model_folder, release, project=changed, home=home, digest=bento.digest)
    (folder / "bento.yaml").write_bytes(b"")
    before = files(home / "bentoml")

    with pytest.raises(IntegrityError, match="damaged or gone") as caught:
        packaging.build(model_folder, release, project=changed, home=home, digest=bento.digest)

    assert whole.digest == bento.digest
    assert (caught.value.code, caught.value.exit_code) == ("INT016", 7)
    assert "evergreen run" in caught.value.next_step
    assert files(home / "bentoml") == before


def test_bento_from_before_there_were_manifests_is_built_again_by_todays_code(bento, source, changed, copied):
    model_folder, release = source
    home, folder = copied
    (folder / "package.json").unlink()

    assert packaging.is_missing(release, home, None)
    built = packaging.build(model_folder, release, project=changed, home=home)

    assert built.digest != bento.digest
    assert packaging.check(release, home, None) == built


def test_bento_of_another_threshold_is_not_taken_for_the_release(bento, source, home):
    _, release = source
    other = release.model_copy(update={"threshold": 0.25})

    assert not packaging.whole(other, home, None)
    with pytest.raises(IntegrityError, match=r"threshold 0\.25"):
        packaging.check(other, home, None)


def test_bento_is_signed_and_one_that_no_trusted_key_signed_is_refused(bento, source, project, copied, tmp_path):
    model_folder, release = source
    home, _ = copied
    trusted = tmp_path / "keys" / "trusted"
    trusted.mkdir(parents=True)
    key, _ = keys.pair(tmp_path / "keys" / "team.pem", trusted / "team.pem")
    places = {"project": project, "home": home, "digest": bento.digest, "trusted_keys": trusted}

    with pytest.raises(IntegrityError, match="INT017: it is not signed"):
        packaging.check(release, home, bento.digest, trusted_keys=trusted)
    with pytest.raises(IntegrityError, match="INT017: it is not signed"):
        packaging.build(model_folder, release, **places)
    signed = packaging.build(model_folder, release, **places, signing_key=key)

    assert signed.digest == bento.digest
    assert packaging.check(release, home, bento.digest, trusted_keys=trusted) == signed
    assert packaging.check(release, home, bento.digest) == signed
    with pytest.raises(ConfigError, match="in the repository"):
        packaging.build(model_folder, release, project=tmp_path, home=tmp_path / "new", signing_key=key)


def test_service_is_given_neither_the_signing_key_nor_bytecode_from_elsewhere(tmp_path, monkeypatch):
    kept_out = {"PYTHONPYCACHEPREFIX", "EVERGREEN_SIGNING_KEY", "EVERGREEN_PACKAGE_DIGEST"}
    settings = Settings(home=tmp_path)
    for name in kept_out:
        monkeypatch.setenv(name, "a" * 64)

    _, environment = packaging.command(tmp_path, settings)
    _, pinned = packaging.command(tmp_path, settings, digest="b" * 64)

    assert not kept_out & set(environment)
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert pinned["EVERGREEN_PACKAGE_DIGEST"] == "b" * 64


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
    children = psutil.Process(builder.pid).children(recursive=True)
    for process in (builder, *children):
        process.send_signal(signal.SIGKILL)
    builder.wait()
    psutil.wait_procs(children)

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


def test_package_that_is_not_locked_is_named():
    with pytest.raises(ConfigError, match="skops"):
        packaging.pins("numpy==2.4.6\n    # via evergreen\n", ["numpy", "skops"])


def answers(client: httpx.Client, n: int) -> list[float]:
    response = client.post("/predict", json={"rows": released.requests(n)})
    assert response.status_code == 200, response.text
    return [each["probability"] for each in response.json()["predictions"]]


@pytest.fixture(scope="session")
def expected(bento) -> list[float]:
    _, model = load_release(bento.path / "src")
    return model.predict(released.table().head(25)).values.tolist()


def test_service_runs_from_the_bento_and_gives_the_models_answers(bento, expected, tmp_path):
    settings = Settings(home=tmp_path / "home", serve_port=free_port())
    argv, env = packaging.command(bento.path, settings, digest=bento.digest)

    with running(argv, env, tmp_path, settings.serve_port) as (_, client):
        assert answers(client, 25) == expected
    verify_package(bento.path, bento.digest)  # it has written nothing there

    assert len(predictions.read(settings.predictions)) == 25


def test_uvicorn_runs_the_application_from_the_bento(bento, expected, tmp_path):
    port = free_port()
    application = ["--app-dir", str(bento.path / "src"), "--factory", "serving.app:from_environment"]
    argv = [sys.executable, "-m", "uvicorn", *application, "--port", str(port)]

    with running(argv, {**os.environ, "EVERGREEN_HOME": str(tmp_path)}, tmp_path, port) as (_, client):
        assert answers(client, 25) == expected


def test_bentoml_serves_the_bento_with_the_same_answers(bento, expected, home, tmp_path):
    port = free_port()
    argv = [sys.executable, "-m", "bentoml", "serve", bento.tag, "--host", "127.0.0.1", "--port", str(port)]
    own = {"BENTOML_HOME": str(home / "bentoml"), "BENTOML_DO_NOT_TRACK": "true", "EVERGREEN_HOME": str(tmp_path)}

    with running(argv, {**os.environ, **own}, tmp_path, port) as (process, client):
        assert answers(client, 25) == expected
        assert "compared with its own manifest only" in (tmp_path / f"{port}.log").read_text()
        assert "evergreen_predictions_total" in client.get("/metrics").text
        assert client.post("/predict", content="{}").status_code == 415
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(SECONDS)
        assert not psutil.wait_procs(children, timeout=SECONDS)[1]

    assert len(predictions.read(tmp_path / "predictions")) == 25
