"""What a piece of work costs, against work whose cost is known."""

import subprocess
import sys
import time

import numpy as np
import psutil

from evergreen.base.usage import measured

BURN = "import time\nwhile time.process_time() < 0.4: pass"
TICKS = 0.05  # user and system time are counted in ticks of 10 ms, of each process


def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_cpu_seconds_are_those_of_the_block():
    burn(0.2)
    with measured() as usage:
        burn(0.3)
    burn(0.2)

    assert 0.3 - TICKS <= usage.cpu_seconds < 0.5
    assert usage.seconds >= 0.3


def test_processes_that_the_block_starts_count_and_earlier_ones_do_not():
    earlier = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with measured() as usage:
            subprocess.run([sys.executable, "-c", BURN], check=True)
        assert 0.4 - TICKS <= usage.cpu_seconds < 1.5
        with measured() as usage:
            burn(0.1)
        assert usage.cpu_seconds < 0.5
    finally:
        earlier.kill()
        earlier.wait()


def test_process_that_still_runs_when_the_block_ends_counts():
    with measured() as usage:
        worker = subprocess.Popen([sys.executable, "-c", f"{BURN}\nprint(1, flush=True)\ninput()"], stdin=-1, stdout=-1)
        worker.stdout.read(1)
    worker.communicate(b"\n")

    assert usage.cpu_seconds >= 0.4 - TICKS


def test_memory_is_the_most_that_was_held():
    with measured() as before:
        pass

    assert before.rss_mb >= 0.5 * psutil.Process().memory_info().rss / 1e6
    with measured() as usage:
        held = np.ones(25_000_000)
    assert usage.rss_mb > before.rss_mb + 150
    del held


def test_block_that_raises_is_measured_too():
    try:
        with measured() as usage:
            burn(0.2)
            raise ValueError
    except ValueError:
        pass

    assert usage.cpu_seconds >= 0.2 - TICKS
