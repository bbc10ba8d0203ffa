"""A process that ends with its parent: however that ends, and at once where it has ended already."""

import os
import signal
import subprocess
import sys

import psutil
from projects import wait_for

CHILD = """
import time
from evergreen.base import parents
parents.end_with({parent})
print("lives", flush=True)
time.sleep(600)
"""


def test_child_ends_when_its_parent_is_killed(project):
    starts = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}.format(parent=os.getpid())], stdout=subprocess.PIPE)
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

    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child is gone")


def test_child_of_a_parent_that_is_gone_already_ends_at_once(project):
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(parent=os.getpid() + 1)], cwd=project, capture_output=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (1, b"")
