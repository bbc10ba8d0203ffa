"""Nothing is written outside of the state folder but what a command is asked to write, and no name is looked up."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import direct
import pandas as pd
import projects
import pytest
import typer
import watched
from servers import free_port

from cli.main import app

QUIET = ("TMPDIR", "ORT_DISABLE_TELEMETRY", "MPLCONFIGDIR", "DO_NOT_TRACK")  # what a person's shell does not set
ODD = '50% off? #1 it\'s "ü" {h} $j'
DVC = str(Path(sys.executable).with_name("dvc"))
PERSON = ("--by", "Ada", "--reason", "a test")
# What is asked of a project of visits, in this order, with the places that it names; "{out}" is a folder beside it.
COMMANDS = (
    "prepare",
    "init visits.csv --target returned --name seen",
    "contract check",
    "contract propose",
    "contract diff configs/visits/contract.yaml configs/visits/contract.yaml",
    "plan",
    "run",
    "resume",
    "status",
    "history",
    "why 1",
    "lineage 1",
    "diff 1 1",
    "report",
    "alerts",
    "card 1",
    "data ls",
    "data show",
    "data diff {data} {data}",
    "hold 1 --by Ada --reason test",
    "export 1 {out}/visits.evergreen",
    "verify {out}/visits.evergreen",
    "package",
    "package 1 --edge {out}/edge",
    "score rows.csv {out}/scored.csv",
    "score many {out}/scored",
    "predictions show",
    "predictions roll",
    "predictions export {out}/log.parquet",
    "predictions import {out}",
    "predictions forget --key visit=1",
    "labels ask {out}/ask.csv --share 0.5",
    "labels add {out}/ask.csv",
    "monitor --window 2024-03",
    "retrain",
    "drill",
    "reproduce 1",
    "promote 1",
    "approve 1",
    "reject 1",
    "rollback",
    "rollout start 1 --by ann --reason why",
    "rollout status",
    "rollout advance --by ann --reason why",
    "rollout hold --by ann --reason why",
    "rollout abort --by ann --reason why",
    "experiment plan --effect 0.02 --rate 0.1",
    "experiment start one --arm B=1 --goal brier=0.01 --units 500 --by ann --reason why",
    "experiment report one --out {out}/one.html",
    "experiment stop one --by ann --reason why",
    "bandit start two 1 --by ann --reason why",
    "bandit report two",
    "bandit reward two {out}/ask.csv",
    "bandit evaluate two --policy uniform",
    "bandit stop two --by ann --reason why",
    "degree show",
    "degree lower human --by ann --reason why",
    "degree raise --by ann --reason why",
    "degree renew --by ann --reason why",
    "review list",
    "review next --by ann",
    "review answer 0 --label true --by ann",
    "gc",
    "doctor",
    "upgrade",
    "replay --from 2024-03 --to 2024-04",
    "serve",
    "serve --workers 2",
    "up",
)


@pytest.fixture
def person(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has just logged in, with a home of their own."""
    there = tmp_path / "person"
    there.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    return {**kept, "HOME": str(there), "XDG_CACHE_HOME": str(there / ".cache"), "COLUMNS": "200"}


def registered() -> Iterator[str]:
    """Yield the commands that there are, as they are typed."""

    def below(group: object, before: str) -> Iterator[str]:
        for name, command in getattr(group, "commands", {}).items():
            yield from below(command, f"{before}{name} ") if hasattr(command, "commands") else (before + name,)

    return below(typer.main.get_command(app), "")


def test_every_command_is_watched():
    words = [command.split() for command in COMMANDS]
    assert {*registered()} == {name for name in registered() if name.split() in [w[: len(name.split())] for w in words]}


def test_what_is_written_and_asked_elsewhere_is_seen(tmp_path, person):
    look_up = "import socket\ntry:\n    socket.getaddrinfo('vendor.example', 443)\nexcept OSError: pass"
    beyond = "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))"
    write = f"cd {tmp_path}; echo x > one; mkdir two; mv one two/three; ln -s two four; touch -d @0 two/three"
    seen = watched.watch(["sh", "-c", write], cwd=Path("/"), env=person)
    names = ("four", "one", "two", "two/three")
    assert (seen.code, seen.outside()) == (0, [str(tmp_path / name) for name in names])
    assert seen.outside(tmp_path) == []
    asked = watched.watch([sys.executable, "-c", f"{look_up}\n{beyond}"], cwd=tmp_path, env=person).asked
    assert "192.0.2.1 port 9" in asked
    assert any(one.endswith("port 53") for one in asked)
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        assert watched.watch([sys.executable, "-c", own], cwd=tmp_path, env=person).asked == set()


def test_init_writes_its_contract_and_parameters_alone(tmp_path, person):
    root = direct.visits(tmp_path / "visits")
    seen = watched.watch(
        [projects.COMMAND, "init", "visits.csv", "--target", "returned", "--name", "seen"], cwd=root, env=person
    )
    assert seen.code == 0, seen.output
    assert seen.outside(root / ".evergreen", root / "configs" / "seen") == []
    assert seen.asked == set()


def test_scoring_writes_its_output_alone_and_asks_nobody(visited, tmp_path, person):
    root, out = visited.settings.project, tmp_path / "out"
    out.mkdir()
    pd.read_csv(root / "visits.csv").head(5).to_csv(root / "rows.csv", index=False)
    seen = watched.watch([projects.COMMAND, "score", "rows.csv", str(out / "scored.csv")], cwd=root, env=person)
    assert seen.code == 0, seen.output
    assert (out / "scored.csv").exists()
    assert seen.outside(visited.settings.home, out) == []
    assert seen.asked == set()


@pytest.fixture
def asked_of(project: Path, tmp_path: Path) -> Path:
    """A project of visits in a folder, and with a state folder, of characters that addresses have a meaning for."""
    root = direct.visits(tmp_path / ODD)
    for name in ("bentofile.yaml", "requirements.lock", "pyproject.toml"):
        shutil.copy(project / name, root / name)
    for name in ("evergreen", "serving", "tasks", "flows", "cli"):
        (root / name).symlink_to(project / name)
    rows = pd.read_csv(root / "visits.csv").head(50)
    (root / "many").mkdir()
    for name in ("rows.csv", "many/a.csv", "many/b.csv"):
        rows.to_csv(root / name, index=False)
    return root


@pytest.fixture
def with_dvc(project: Path, tmp_path: Path) -> Path:
    """A project of visits set up for DVC as `make` does it, in a folder whose name DVC can take."""
    root = direct.visits(tmp_path / "visits of the spring")
    for name in (".dvcignore", "requirements.lock"):
        shutil.copy(project / name, root / name)
    for name in (".venv", "evergreen", "tasks"):
        (root / name).symlink_to(project / name)
    shutil.copytree(project / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("tmp", "config.local"))
    (root / "data").mkdir()
    for name, value in (("core.no_scm", "true"), ("core.site_cache_dir", f"{root}/.evergreen/dvc/site")):
        subprocess.run([DVC, "config", "--local", name, value], cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "tasks.stages"], cwd=root, check=True)
    return root


@pytest.mark.parametrize("stages", [pytest.param(["ingest"]), pytest.param([], marks=pytest.mark.long)])
def test_dvc_writes_its_stages_artifacts_alone_and_asks_nobody(with_dvc, tmp_path, person, stages):
    root = with_dvc
    seen = watched.watch([DVC, "repro", *stages], cwd=root, env=person)
    assert seen.code == 0, seen.output
    assert (root / "data" / "raw").exists()
    assert (root / "data" / "report.json").exists() == (not stages)
    own = ("data", ".evergreen", ".dvc", "dvc.lock")
    assert seen.outside(*(root / name for name in own)) == []
    assert seen.asked == set()
    assert [*(tmp_path / "person").rglob("*")] == []


@pytest.mark.long
def test_no_command_writes_outside_of_the_state_folder_or_looks_a_name_up(asked_of, tmp_path, person):
    root, home, out = asked_of, tmp_path / f"state {ODD}", tmp_path / "out"
    out.mkdir()
    port = free_port()
    env = {**person, "EVERGREEN_HOME": str(home), "EVERGREEN_SERVE_PORT": str(port)}
    named = {"export", "package", "score", "predictions", "labels"}
    found: dict[str, object] = {}
    for command in COMMANDS:
        places = {"out": str(out), "data": dataset(home)}
        words = [word.format(**places) for word in command.split()]
        words += PERSON if words[0] in ("promote", "approve", "reject", "rollback") else ()
        seen = served(words, root, env, port) if words[0] in ("serve", "up") else once(words, root, env)
        allowed = [
            home,
            *([out] if words[0] in named else []),
            *([root / "configs" / "seen"] if words[0] == "init" else []),
        ]
        assert "BUG001" not in seen.output, (command, seen.output)
        assert "Traceback" not in seen.output, (command, seen.output)
        if seen.outside(*allowed) or seen.asked:
            found[command] = (seen.outside(*allowed), seen.asked)
        if words[0] in ("prepare", "init", "run", "status", "plan", "score", "export", "verify", "serve"):
            assert seen.code in (0, 130, -signal.SIGINT), (command, seen.code, seen.output)
    assert found == {}
    assert {path.name for path in tmp_path.iterdir()} == {ODD, home.name, "out", "person"}
    assert [*(tmp_path / "person").rglob("*")] == []


def once(words: list[str], root: Path, env: dict[str, str]) -> watched.Seen:
    return watched.watch([projects.COMMAND, *words], cwd=root, env=env)


def served(words: list[str], root: Path, env: dict[str, str], port: int) -> watched.Seen:
    """Start what answers, ask it once, see a flow of the platform through, and stop it."""
    prefect = free_port() if words[0] == "up" else None
    more = ["--prefect-port", str(prefect), "--mlflow-port", str(free_port())] if prefect else []
    with watched.Watched([projects.COMMAND, *words, *more], cwd=root, env=env) as command:
        deadline = time.monotonic() + projects.SECONDS
        while not answers(f"http://127.0.0.1:{port}/readyz") or (prefect and not has_run_a_flow(prefect)):
            assert command.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    return command.seen


def has_run_a_flow(port: int) -> bool:
    """Whether the server knows of a flow run that has ended: the platform begins with one."""
    asked = json.dumps({"flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}}}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/flow_runs/count", asked, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return int(response.read()) > 0
    except OSError:
        return False


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def dataset(home: Path) -> str:
    """Return the digest of a dataset version of visits; a word that names none before there is one."""
    there = sorted(path.name for path in (home / "datasets" / "visits").glob("[0-9a-f]*"))
    return there[0] if there else "none"
