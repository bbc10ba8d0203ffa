"""The walk over the calendar."""

import signal
import sqlite3
from contextlib import closing
from dataclasses import replace

from projects import Small, wait_for

HEADINGS = ("month", "rows", "shift", "harm", "AUC in service", "AUC never retrained", "decision", "version")


def test_walk_ends_with_the_table_and_goes_on_where_it_was_killed(small_project: Small, prefect_api_url: str) -> None:
    process = small_project.start("replay", "--from", "2013-03", "--to", "2013-04")
    wait_for(
        lambda: any((small_project.home / "steps").glob("drift-*")) or process.poll() is not None, "March is watched"
    )
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()

    done = small_project.run("replay", "--from", "2013-03", "--to", "2013-04")
    assert done.returncode == 0, done.stderr
    assert not small_project.processes()
    for heading in HEADINGS:
        assert heading in done.stdout
    assert "2013-03" in done.stdout
    assert "28,330" in done.stdout
    assert "answered 10 rows as batch scoring does" in done.stdout
    assert "evergreen serve" in done.stdout

    again = replace(small_project, prefect_api_url=prefect_api_url).json(
        "replay", "--from", "2013-03", "--to", "2013-04"
    )
    months = again["months"]
    assert [month["month"] for month in months] == ["2013-03", "2013-04"]
    assert months[0]["version"] == 1
    assert months[0]["metric"] == "roc_auc"
    assert months[0]["value"] == months[0]["value_never_retrained"]
    assert again["service"]["largest"] <= 1e-12


def test_walk_refuses_months_that_the_champion_has_seen(trained_project: Small) -> None:
    block = trained_project.refused("replay", "--from", "2013-02", "--to", "2013-03", code=2)
    assert "RPL001" in block
    assert "make clean" in block


def test_policies_are_replayed_to_the_end_after_a_kill_and_leave_the_project_alone(
    small_project: Small, prefect_api_url: str
) -> None:
    arguments = ("replay", "--from", "2013-03", "--to", "2013-04", "--policies", "never,every-1")
    process = small_project.start(*arguments)
    wait_for(
        lambda: any((small_project.home / "steps").glob("drift-*")) or process.poll() is not None, "March is watched"
    )
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not small_project.processes(), "no process of a killed replay is left")

    shared = replace(small_project, prefect_api_url=prefect_api_url)
    told = shared.json(*arguments)
    never, monthly = told["rows"]
    assert (never["policy"], never["trainings"], monthly["policy"], monthly["trainings"]) == ("never", 0, "every-1", 1)
    assert (told["against"], told["windows"], told["days"]) == ("every-1", 2, 61)
    assert told["answered"] > 50_000
    assert [window["outcome"] for window in told["decisions"][1]["walked"]][1] == "not done"
    assert shared.json(*arguments) == told
    assert "STA001" in shared.refused("status", code=2)
    with closing(sqlite3.connect(small_project.home / "mlflow" / "mlflow.db")) as mlflow:
        assert mlflow.execute("SELECT count(*) FROM runs").fetchone() == (0,)
        assert mlflow.execute("SELECT count(*) FROM model_versions").fetchone() == (0,)
    assert not list((small_project.home / "bentoml").glob("bentos/*"))
