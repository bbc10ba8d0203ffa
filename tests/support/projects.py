"""Running the command line as a user does, on a project small enough to train in seconds."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import commands
import parameters
import psutil

from evergreen.config.settings import PREFIX, Settings

COMMAND = str(Path(sys.executable).with_name("evergreen"))
SMALL = {
    "trials: 8": "trials: 3",
    "max_rows: 40000": "max_rows: 4000",
    "evaluate: {}": "evaluate: {resamples: 100, repeats: 1, curve_points: 0, analysis: never}",
}

SECONDS = 300.0  # long enough for a machine that does much else


@dataclass(frozen=True)
class Small:
    """A copy of the committed project with a small search; its state lies in `home`.

    `prefect_api_url`: a server for the commands that `run` runs; without it each starts one of its own, as those that
    `start` starts always do.
    """

    root: Path
    prefect_api_url: str | None = None

    @property
    def home(self) -> Path:
        return self.root / ".evergreen"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "EVERGREEN_HOME": str(self.home), "COLUMNS": "200"}

    def start(self, *arguments: str) -> commands.Started:
        """Start a command and return at once; what it says goes to ``started.log``."""
        log = self.root / "started.log"
        return commands.start([COMMAND, *arguments], cwd=self.root, env=self.environment, log=log)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; one with variables that are not ours starts anew, because libraries read them."""
        env = {**self.environment, **environment}
        if self.prefect_api_url:
            env[f"{PREFIX}PREFECT_API_URL"] = self.prefect_api_url
        if all(name.startswith(PREFIX) for name in environment):
            return commands.run([COMMAND, *arguments], cwd=self.root, env=env, seconds=2 * SECONDS)
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            check=False,
        )

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return its one object, checking the exit code."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def refused(self, *arguments: str, code: int, **environment: str) -> str:
        """Run a command that must end with `code` and one block on stderr, and return that block."""
        done = self.run(*arguments, **environment)
        assert done.returncode == code, (done.returncode, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr

    def processes(self) -> list[int]:
        """Return the processes, other than ours, whose environment names this project's state."""
        return [
            process.pid for process in psutil.process_iter() if process.pid != os.getpid() and self._is_ours(process)
        ]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return (
                process.environ().get("EVERGREEN_HOME") == str(self.home) and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


def copy_project(source: Path, target: Path) -> Small:
    """Copy what a user edits, with a smaller search; the code stays where it is."""
    target.mkdir()
    shutil.copytree(source / "configs", target / "configs")
    text = parameters.FILE.read_text()
    for old, new in SMALL.items():
        assert old in text
        text = text.replace(old, new)
    (target / "params.yaml").write_text(text)
    for name in ("bentofile.yaml", "requirements.lock"):
        shutil.copy(source / name, target / name)
    for name in ("evergreen", "serving"):
        (target / name).symlink_to(source / name)
    return Small(target)


def copy_state(prepared: Path, small: Small) -> None:
    """Give a project databases that are migrated already."""
    shutil.copytree(prepared, small.home)


def settings_of(small: Small) -> Settings:
    """Return the settings that a command of this project runs with."""
    return Settings.load(start=small.root).model_copy(update={"home": small.home})


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}"
        time.sleep(0.02)
