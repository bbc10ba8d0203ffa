"""ONNX Runtime is told to keep to itself in every process of ours that may import it."""

import os
import subprocess
import sys
from pathlib import Path

from evergreen.adapters import packaging
from evergreen.config.settings import Settings

NAME = "ORT_DISABLE_TELEMETRY"
STAGE = f"""
import os, runpy, sys
sys.argv = ["tasks", "none"]
try:
    runpy.run_module("tasks", run_name="__main__")
except SystemExit:
    print(os.environ.get({NAME!r}))
"""


def test_tests_and_settings_turn_it_off(tmp_path: Path) -> None:
    assert os.environ[NAME] == "1"
    assert Settings(home=tmp_path).environment()[NAME] == "1"


def test_process_that_nobody_told_turns_it_off_before_the_import(project: Path) -> None:
    asked = "from evergreen.learning.model.compiled import scorer\n"
    asked += "try: scorer.opened(b'')\nexcept Exception: pass\n"
    asked += f"import ctypes, sys; get = ctypes.CDLL(None).getenv; get.restype = ctypes.c_char_p; print(get(b'{NAME}'))"
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    done = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "b'1'\n"


def test_service_process_has_it_off(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv(NAME)
    _, environment = packaging.command(tmp_path, Settings(home=tmp_path))
    assert environment[NAME] == "1"


def test_stage_has_it_off_before_its_step_is_imported(project: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    done = subprocess.run(
        [sys.executable, "-c", STAGE],
        cwd=project,
        env={**environment, "EVERGREEN_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "1", done.stderr
