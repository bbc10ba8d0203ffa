"""One step, four doors: a flow run, `dvc repro`, and a Prefect deployment end in the same model digest."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import parameters
import pytest
from projects import SECONDS, SMALL, Small, copy_state, wait_for
from servers import free_port

from cli import children
from cli.engine import PREFECT_SERVER, on_loopback
from evergreen.config.settings import Settings


@pytest.fixture(scope="module")
def checkout(project: Path, prepared_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """A fresh clone with the small search, and a `.venv` that is already installed."""
    root = tmp_path_factory.mktemp("checkout") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (project / name).is_file() and name != "dvc.lock":
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project / name, root / name)
    (root / ".venv").symlink_to(Path(sys.executable).parents[1])
    text = parameters.FILE.read_text()
    for old, new in SMALL.items():
        text = text.replace(old, new)
    (root / "params.yaml").write_text(text)
    author = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.com"]
    for command in (["init"], ["add", "--all"], [*author, "commit", "--quiet", "--message", "a small search"]):
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)
    small = Small(root)
    copy_state(prepared_state, small)
    return small


def dvc(checkout: Small, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout.root / ".venv" / "bin" / "dvc", *arguments],
        cwd=checkout.root,
        env={**checkout.environment, "DVC_SITE_CACHE_DIR": str(checkout.home / "dvc" / "site")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_dvc_repro_in_a_fresh_clone_gives_the_digest_of_the_flow_and_then_has_nothing_to_do(
    checkout: Small, trained_project: Small
) -> None:
    done = dvc(checkout, "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    digest = hashlib.sha256((checkout.root / "data" / "model" / "manifest.json").read_bytes()).hexdigest()
    assert digest == trained_project.json("status")["model_digest"]
    again = dvc(checkout, "repro")
    assert again.returncode == 0
    assert "Data and pipelines are up to date" in again.stdout
    assert "Running stage" not in again.stdout


@pytest.fixture
def platform(checkout: Small) -> Iterator[str]:
    """A real Prefect server and the deployments, run by our own runner."""
    settings = Settings.load(start=checkout.root).model_copy(update={"home": checkout.home})
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    variables = {**settings.environment(), "PREFECT_API_URL": url}
    run = checkout.home / "run"
    with ExitStack() as stack:
        argv = on_loopback(port, *PREFECT_SERVER)
        server = stack.enter_context(children.child("server", argv, run=run, environment=variables))
        children.wait_until_ready(server, f"{url}/health", seconds=SECONDS, what="Prefect", log=run / "none")
        runner = subprocess.Popen(
            [sys.executable, "-m", "flows.deployments"], cwd=checkout.root, env={**checkout.environment, **variables},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(runner.wait)
        stack.callback(runner.terminate)
        yield url


def test_deployment_has_a_schedule_and_a_run_started_by_hand_gives_the_same_digest(
    checkout: Small, platform: str, trained_project: Small
) -> None:
    with httpx.Client(base_url=platform, timeout=SECONDS) as client:
        wait_for(
            lambda: client.get("/deployments/name/training/local").status_code == 200, "the deployment is registered"
        )
        deployment = client.get("/deployments/name/training/local").json()
        assert [schedule["schedule"]["cron"] for schedule in deployment["schedules"]] == ["0 5 * * 1"]
        created = client.post(
            f"/deployments/{deployment['id']}/create_flow_run",
            json={"parameters": {"reason": "by hand", "newest": False}},
        )
        run_id = created.json()["id"]

        def state() -> str:
            found: str = client.get(f"/flow_runs/{run_id}").json()["state"]["type"]
            return found

        wait_for(lambda: state() in ("COMPLETED", "FAILED", "CRASHED"), "the run ends")
        assert state() == "COMPLETED"
    status = checkout.json("status")
    assert status["model_digest"] == trained_project.json("status")["model_digest"]
    assert status["reason"].startswith("by hand")
