"""`evergreen resume`: a run that was killed ends as it would have."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import projects
import pytest
import sqlalchemy as sa
from projects import Small, wait_for

SMALLER = ("ingest.end=2013-02-01", "features.test_days=7", "tune.trials=20", "tune.max_rows=1000")
ARGUMENTS = (*(part for override in SMALLER for part in ("--set", override)), "--reason", "why")


def trials(url: str) -> list[tuple[str, str]]:
    """Return the state and the parameters of each trial in a database of studies, in their order."""
    engine = sa.create_engine(url)
    try:
        with engine.connect() as database:
            states = database.execute(sa.text("SELECT trial_id, state FROM trials ORDER BY trial_id")).fetchall()
            params = database.execute(sa.text("SELECT trial_id, param_name, param_value FROM trial_params")).fetchall()
    finally:
        engine.dispose()
    return [(state, str(sorted(tuple(rest) for number, *rest in params if number == trial))) for trial, state in states]


def n_trials(url: str) -> int:
    try:
        return len(trials(url))
    except sa.exc.DBAPIError:  # not there yet
        return 0


def embedded(small: Small) -> str:
    """Return the URL of a project's own database of studies, to read it."""
    return f"sqlite:///file:{small.home / 'studies.db'}?mode=ro&uri=true"


@pytest.fixture(scope="module")
def whole(
    project: Path, prepared_state: Path, prefect_api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[tuple[str, str]]]:
    """The digest of the model, and the trials, of a run that nothing interrupted."""
    small = projects.copy_project(project, tmp_path_factory.mktemp("whole") / "project")
    projects.copy_state(prepared_state, small)
    outcome = replace(small, prefect_api_url=prefect_api_url).json("run", *ARGUMENTS)
    return outcome["model_digest"], trials(embedded(small))


@pytest.fixture(params=["sqlite", "postgresql"])
def studies_of(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Small], str]:
    """Return a function that gives a project a database of studies, and says its URL."""

    def studies_of(small: Small) -> str:
        if request.param == "sqlite":
            return embedded(small)
        server = sa.make_url(request.getfixturevalue("postgres")).set(drivername="postgresql+psycopg")
        name = f"studies_{uuid4().hex}"
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as database:
            database.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        url = server.set(database=name).render_as_string(hide_password=False)
        monkeypatch.setenv("EVERGREEN_STUDY_URL", url)
        return url

    return studies_of


def test_run_that_was_killed_in_trial_7_of_20_is_resumed_to_20_and_ends_the_same(
    small_project: Small,
    prefect_api_url: str,
    studies_of: Callable[[Small], str],
    whole: tuple[str, list[tuple[str, str]]],
) -> None:
    url = studies_of(small_project)
    process = small_project.start("run", *ARGUMENTS)
    wait_for(lambda: n_trials(url) >= 6 or process.poll() is not None, "six trials have ended")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")
    assert 6 <= n_trials(url) < 20

    outcome = replace(small_project, prefect_api_url=prefect_api_url).json("resume")

    ended = trials(url)
    assert len(ended) == 20
    assert {state for state, _ in ended} <= {"COMPLETE", "PRUNED"}
    assert len({params for _, params in ended}) == 20
    assert "why" in outcome["reason"]
    assert [step["cached"] for step in outcome["steps"][:4]] == [True, True, True, False]
    assert "no run was interrupted" in small_project.refused("resume", code=2)
    assert (outcome["model_digest"], ended) == whole


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
    assert "STA003: the parameters have changed since the run of 'flights'" in block
    wait_for(lambda: not small_project.processes(), "no process of a killed run is left")
