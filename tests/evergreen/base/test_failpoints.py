"""Failpoints: one that is armed ends the process at once, others do nothing, and each stands in the code once."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evergreen.base import failpoints

ROOT = Path(__file__).parents[3]


def test_point_that_is_armed_ends_the_process_and_another_does_not():
    body = (
        "from evergreen.base import failpoints\nfailpoints.arm('promote.recorded')\n"
        "failpoints.reach('promote.begun')\nprint('begun', flush=True)\n"
        "failpoints.reach('promote.recorded')\nprint('no')"
    )
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "begun\n")


def test_point_that_there_is_not_cannot_be_armed():
    with pytest.raises(ValueError, match=r"no failpoint 'promote\.bugen'"):
        failpoints.arm("promote.bugen")


def test_every_point_stands_in_the_code_once():
    code = "".join(
        path.read_text() for package in ("evergreen", "tasks", "flows") for path in (ROOT / package).rglob("*.py")
    )
    assert sorted(re.findall(r'failpoints\.reach\("([\w.]+)"\)', code)) == sorted(
        (*failpoints.POINTS, *failpoints.OF_RETRAINING, *failpoints.OF_PREDICTIONS, *failpoints.OF_ALERTS)
    )
