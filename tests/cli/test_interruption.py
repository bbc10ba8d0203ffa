"""A run that is killed, interrupted or started twice leaves nothing behind, and the next one works."""

import os
import signal

from commands import Started
from projects import SECONDS, Small, wait_for


def start_until(small: Small, step: str, *arguments: str) -> Started:
    """Start a run and return once the result of `step` is recorded, which is while the next one works."""
    process = small.start("run", *arguments)
    wait_for(lambda: any((small.home / "steps").glob(f"{step}-*")) or process.poll() is not None, f"{step} is recorded")
    assert process.poll() is None, "the run ended before it could be stopped"
    return process


def test_killed_run_leaves_no_process_and_the_next_one_ends_as_if_uninterrupted(
    small_project: Small, trained_project: Small
) -> None:
    process = start_until(small_project, "features")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")
    outcome = small_project.json("run")
    assert outcome["model_digest"] == trained_project.json("status")["model_digest"]
    assert [step["cached"] for step in outcome["steps"][:3]] == [True, True, True]


def test_killed_run_leaves_the_champion_untouched(trained_project: Small) -> None:
    before = trained_project.json("status")
    process = trained_project.start("run", "--set", "seed=9")
    wait_for(lambda: bool(trained_project.processes()), "the run has started")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert trained_project.json("status") == before
    wait_for(lambda: not trained_project.processes(), "no process of a killed run is left")


def test_second_run_loses_the_race_and_the_first_ends_with_130_when_interrupted(small_project: Small) -> None:
    first = start_until(small_project, "ingest", "--set", "tune.trials=1000")
    block = small_project.refused("run", "--set", "seed=3", code=6)
    assert f"process {first.pid}" in block
    assert first.poll() is None
    os.kill(first.pid, signal.SIGINT)
    assert first.wait(SECONDS) == 130, (small_project.root / "started.log").read_text()
    assert "\nInterrupted. " in (small_project.root / "started.log").read_text()
    assert not small_project.processes()
