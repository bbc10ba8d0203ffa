"""`evergreen resume`: a run that was killed ends as it would have."""

import json
import signal
import sqlite3

import pytest
from projects import Small, wait_for

SMALLER = ("ingest.end=2013-02-01", "features.test_days=7", "tune.trials=20", "tune.max_rows=1000")
ARGUMENTS = (*(part for override in SMALLER for part in ("--set", override)), "--reason", "why")


def trials(small: Small) -> list[tuple[str, str]]:
    """Return the state and the parameters of each trial in the database of studies."""
    database = sqlite3.connect(f"file:{small.home / 'studies.db'}?mode=ro", uri=True)
    try:
        states = database.execute("SELECT trial_id, state FROM trials").fetchall()
        params = database.execute("SELECT trial_id, param_name, param_value FROM trial_params").fetchall()
    finally:
        database.close()
    return [(state, str(sorted(rest for number, *rest in params if number == trial))) for trial, state in states]


def n_trials(small: Small) -> int:
    try:
        return len(trials(small))
    except sqlite3.OperationalError:  # not there yet
        return 0


def test_run_that_was_killed_in_trial_7_of_20_is_resumed_to_20_and_ends_the_same(
    small_project: Small, tmp_path_factory: pytest.TempPathFactory, project, prepared_state
) -> None:
    import projects

    process = small_project.start("run", *ARGUMENTS)
    wait_for(lambda: n_trials(small_project) >= 6 or process.poll() is not None, "six trials have ended")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")
    assert 6 <= n_trials(small_project) < 20

    outcome = small_project.json("resume")

    ended = trials(small_project)
    assert len(ended) == 20
    assert {state for state, _ in ended} <= {"COMPLETE", "PRUNED"}
    assert len({params for _, params in ended}) == 20
    assert "why" in outcome["reason"]
    assert [step["cached"] for step in outcome["steps"][:4]] == [True, True, True, False]
    whole = projects.copy_project(project, tmp_path_factory.mktemp("whole") / "project")
    projects.copy_state(prepared_state, whole)
    assert whole.json("run", *ARGUMENTS)["model_digest"] == outcome["model_digest"]
    assert trials(whole) == ended
    assert "no run was interrupted" in small_project.refused("resume", code=2)


def test_nothing_to_resume_is_a_usage_error_that_says_so(trained_project: Small) -> None:
    block = trained_project.refused("resume", code=2)
    assert block.startswith("STA002: no run was interrupted\n")
    assert "evergreen run" in block


def test_run_whose_parameters_have_changed_is_not_resumed(small_project: Small) -> None:
    process = small_project.start("run")
    wait_for(lambda: any((small_project.home / "unfinished").glob("*.json")), "the run is noted")
    assert "STA002" in small_project.refused("resume", code=2)  # it is alive
    process.send_signal(signal.SIGKILL)
    process.wait()
    path = small_project.root / "params.yaml"
    path.write_text(path.read_text().replace("seed: 7", "seed: 8"))
    block = small_project.refused("resume", code=2)
    assert block.startswith("STA003: the parameters have changed since the run of 'flights'")
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")


def test_run_that_ends_with_an_error_leaves_nothing_to_resume(small_project: Small) -> None:
    assert "DQ009" in small_project.refused("run", "--set", "features.test_days=100", code=3)
    assert "STA002" in small_project.refused("resume", code=2)
    assert json.loads(small_project.run("plan", "--json").stdout)["steps"]
