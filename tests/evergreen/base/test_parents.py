"""A process that ends with its parent: however that ends, and at once where it has ended already."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from projects import wait_for

from evergreen.base.parents import bound

ROOT = Path(__file__).parents[3]
WAITS = "import time; print('lives', flush=True); time.sleep(600)"
ITSELF = "from evergreen.base import parents; parents.end_with({parent}); " + WAITS
STARTERS = {
    "subprocess": {"run", "Popen", "check_output", "check_call", "call"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
    "multiprocessing": {"Process", "Pool"},
    "spawn": {"Process", "Pool"},
    "os": {"fork", "system", "posix_spawn", "popen"},
    "": {"Popen", "ProcessPoolExecutor"},
}
# Modules that start processes which bind themselves, and where they do it.
BIND_THEMSELVES: dict[str, str | tuple[str, ...]] = {
    "evergreen/adapters/alerting/__init__.py": "evergreen/adapters/alerting/child.py",
    "evergreen/learning/tuning/workers.py": "evergreen/learning/tuning/workers.py",
    "flows/side_by_side.py": "flows/side_by_side.py",
    "serving/aside.py": ("serving/reviewing.py", "serving/status.py"),
    "serving/supervisor.py": "serving/__main__.py",
}
# Those that need not end with their parent, each with the reason.
UNBOUND = {
    "evergreen/record/plan/commits.py": "git, asked for a line: it ends by itself",
    "flows/following.py": "goes on beside a rollback, and ends itself after LONGEST seconds",
}


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "argv",
    [
        f"[sys.executable, '-c', {ITSELF!r}.format(parent=os.getpid())]",
        f"parents.bound([sys.executable, '-c', {WAITS!r}])",
    ],
    ids=["binds itself", "is bound"],
)
def test_child_ends_when_its_parent_is_killed(project, argv):
    starts = f"""
import os, subprocess, sys, time
from evergreen.base import parents
child = subprocess.Popen({argv}, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", starts], cwd=project, stdout=subprocess.PIPE)
    try:
        child = psutil.Process(int(parent.stdout.readline()))
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.communicate()

    wait_for(lambda: is_gone(child), "the child is gone")


def test_child_of_a_parent_that_is_gone_already_ends_at_once(project):
    done = subprocess.run(
        [sys.executable, "-c", ITSELF.format(parent=os.getpid() + 1)], cwd=project, capture_output=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (1, b"")


def test_nothing_is_run_for_a_parent_that_went_meanwhile(tmp_path):
    python, *options, _parent, touch, file = bound(["/bin/touch", str(tmp_path / "ran")])

    assert subprocess.run([python, *options, str(os.getpid() + 1), touch, file], timeout=60).returncode == 1
    assert not (tmp_path / "ran").exists()


def test_bound_command_gets_our_environment_and_folder_and_its_arguments_as_they_are(tmp_path):
    says = "import os, sys; print(os.getcwd(), os.environ['SAID'], sys.argv[1:])"
    argv = bound([sys.executable, "-c", says, "a b", "é", ""])

    done = subprocess.run(argv, cwd=tmp_path, env={**os.environ, "SAID": "this"}, capture_output=True, timeout=60)

    assert done.stdout.decode() == f"{tmp_path} this ['a b', 'é', '']\n"


def starts_processes(path):
    """Return the calls of a module that start a process and are not bound by `bound`."""
    tree = ast.parse(path.read_text())
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name))):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        of = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        if name in STARTERS.get(of, ()) and "bound(" not in ast.unparse(node):
            found.append(ast.unparse(node))
    return found


def test_every_process_that_we_start_ends_with_us():
    starting = {
        path.relative_to(ROOT).as_posix()
        for wing in ("cli", "evergreen", "flows", "serving", "tasks")
        for path in sorted((ROOT / wing).rglob("*.py"))
        if starts_processes(path)
    }
    assert starting == {*BIND_THEMSELVES, *UNBOUND}
    for where in BIND_THEMSELVES.values():
        for module in (where,) if isinstance(where, str) else where:
            assert "parents.end_with(" in (ROOT / module).read_text(), module
