"""How the service is started from a bento's folder, and that it answers from it and from nothing else."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import fences
import httpx
import psutil
import pytest
import released
from servers import SECONDS, free_port, running

from evergreen.adapters import packaging
from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings
from evergreen.learning.model.package import verify_package
from evergreen.record.predictions import reading

RAN = "\nimport os, pathlib; pathlib.Path(os.environ['RAN']).touch()\n"


def test_folder_that_python_would_cut_in_two_is_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        packaging.command(tmp_path / "a:b", Settings(home=tmp_path))
    assert (caught.value.code, caught.value.next_step) == ("CFG011", "Set EVERGREEN_HOME to a folder without it.")


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


def answers(client: httpx.Client, n: int) -> list[float]:
    response = client.post("/predict", json={"rows": released.requests(n)})
    assert response.status_code == 200, response.text
    return [each["probability"] for each in response.json()["predictions"]]


def test_service_runs_from_the_bento_and_gives_the_models_answers(bento, expected, tmp_path):
    settings = Settings(home=tmp_path / "home", serve_port=free_port())
    argv, env = packaging.command(bento.path, settings, digest=bento.digest)

    with running(argv, env, tmp_path, settings.serve_port) as (_, client):
        assert answers(client, 25) == pytest.approx(expected, abs=1e-9)
    verify_package(bento.path, bento.digest)  # it has written nothing there

    assert len(reading.read(settings.predictions)) == 25


BENTOML = [sys.executable, "-P", "-m", "bentoml", "serve"]


def started(server: str, bento: packaging.Bento, port: int, home: Path) -> tuple[list[str], dict[str, str]]:
    """Return how a bento is started by `evergreen serve`'s command, or by BentoML with the same variables."""
    argv, env = packaging.command(bento.path, Settings(home=home, serve_port=port), digest=bento.digest)
    if server == "bentoml":
        del env["PYTHONPATH"]
        argv = [*BENTOML, str(bento.path), "--host", "127.0.0.1", "--port", str(port)]
        env |= {"BENTOML_HOME": str(home / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"}
    return argv, env


@pytest.mark.parametrize("server", ["ours", "bentoml"])
def test_service_imports_nothing_but_its_pins_and_nothing_of_the_checkout_and_asks_nobody(
    server, bento, expected, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    moved = bento.model_copy(update={"path": Path(shutil.copytree(bento.path, elsewhere / "bento"))})
    pins = fences.pinned((bento.path / "src" / "requirements.lock").read_text())
    extra = fences.pinned((bento.path / "env" / "python" / "requirements.txt").read_text())
    fence = fences.Fence(tmp_path / "fence", pins if server == "ours" else extra)
    argv, env = started(server, moved, port := free_port(), tmp_path / "home")
    path = os.pathsep.join(filter(None, [str(fence.folder), env.get("PYTHONPATH")]))

    with running(argv, {**env, "PYTHONPATH": path}, elsewhere, port) as (_, client):
        assert answers(client, 25) == pytest.approx(expected, abs=1e-9)

    came_from = fence.seen("ours")
    assert str(moved.path / "src" / "serving" / "app.py") in came_from
    assert [path for path in came_from if not path.startswith(str(moved.path))] == []
    assert fence.seen("asked") == set()
    assert fence.seen("refused") & {"evergreen", "serving", "prefect", "mlflow", "evidently", "dvc"} == set()
    verify_package(moved.path, bento.digest)


CHANGES = {
    "threshold": ("src/release.json", lambda text: text.replace('"threshold":0.5', '"threshold":0.01')),
    "version": ("src/release.json", lambda text: text.replace('"version":3', '"version":99')),
    "code of the service": ("src/serving/app.py", lambda text: text + RAN),
    "code below it": ("src/evergreen/learning/features/rowwise.py", lambda text: text + RAN),
    "what BentoML imports": ("src/bentoml.py", lambda _: RAN),
}


@pytest.mark.parametrize("server", ["ours", "bentoml"])
@pytest.mark.parametrize("change", CHANGES)
def test_changed_package_ends_the_start_before_its_code_runs(server, change, bento, tmp_path):
    copy = bento.model_copy(update={"path": Path(shutil.copytree(bento.path, tmp_path / "bento"))})
    name, changed = CHANGES[change]
    before = (copy.path / name).read_text() if (copy.path / name).exists() else ""
    (copy.path / name).write_text(changed(before))
    assert (copy.path / name).read_text() != before
    argv, env = started(server, copy, free_port(), tmp_path / "home")

    done = subprocess.run(
        argv, env={**env, "RAN": str(tmp_path / "ran")}, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS
    )

    assert done.returncode == 7, done.stderr
    assert f"INT018: file '{name}'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "ran").exists()


def test_bentoml_serves_no_package_but_the_one_that_is_asked_for_nor_one_without_its_manifest(bento, tmp_path):
    argv, env = started("bentoml", bento, free_port(), tmp_path / "home")
    other = {**env, "EVERGREEN_PACKAGE_DIGEST": "0" * 64}
    bare = shutil.copytree(bento.path, tmp_path / "bare")
    (bare / "package.json").unlink()
    run = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS)

    of_another = run(argv, env=other)
    without = run([str(bare) if each == str(bento.path) else each for each in argv], env=env)

    assert (of_another.returncode, without.returncode) == (7, 7)
    assert "INT018: the package manifest is not the one of digest 000000000000" in of_another.stderr
    assert "INT018: 'package.json' cannot be read" in without.stderr


def test_uvicorn_runs_the_application_from_the_bento(bento, expected, tmp_path):
    port = free_port()
    application = ["--app-dir", str(bento.path / "src"), "--factory", "serving.app:from_environment"]
    argv = [sys.executable, "-m", "uvicorn", *application, "--port", str(port)]

    with running(argv, {**os.environ, "EVERGREEN_HOME": str(tmp_path)}, tmp_path, port) as (_, client):
        assert answers(client, 25) == pytest.approx(expected, abs=1e-9)


def test_bentoml_serves_the_bento_with_the_same_answers(bento, expected, home, tmp_path):
    port = free_port()
    argv = [sys.executable, "-m", "bentoml", "serve", bento.tag, "--host", "127.0.0.1", "--port", str(port)]
    own = {"BENTOML_HOME": str(home / "bentoml"), "BENTOML_DO_NOT_TRACK": "true", "EVERGREEN_HOME": str(tmp_path)}

    with running(argv, {**os.environ, **own}, tmp_path, port) as (process, client):
        assert answers(client, 25) == pytest.approx(expected, abs=1e-9)
        assert "compared with its own manifest only" in (tmp_path / f"{port}.log").read_text()
        assert "evergreen_predictions_total" in client.get("/metrics").text
        assert client.post("/predict", content="{}").status_code == 415
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        process.wait(SECONDS)
        assert not psutil.wait_procs(children, timeout=SECONDS)[1]

    assert len(reading.read(tmp_path / "predictions")) == 25
