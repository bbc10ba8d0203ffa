"""Registering: no version comes from code or data that nobody can find again, unless it is allowed and tagged."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from registries import MODEL, TAGS, numbers, run_of, settings_in
from trainings import CANDIDATE, training

from evergreen.adapters import tracking
from evergreen.base.errors import ConfigError, Unavailable
from evergreen.config.settings import Settings
from evergreen.record.ledger.ledger import Ledger
from tasks.register import register

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
CLEAN = {"dirty": "false", "commit": "a1b2", "data_digest": "d" * 64}


@pytest.fixture(scope="module")
def home(prepared_state, tmp_path_factory):
    found = tmp_path_factory.mktemp("home")
    (found / "mlflow").mkdir()
    shutil.copy(prepared_state / "mlflow" / "mlflow.db", found / "mlflow" / "mlflow.db")
    return found


@pytest.fixture(scope="module")
def run(home):
    return tracking.MlflowTracker(Settings(home=home).tracking_uri(), home / "artifacts").log(training())


def versions(home):
    store = tracking.client(Settings(home=home).tracking_uri())
    return {each.name: each.tags for each in store.search_model_versions("name like 'parcels%'")}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        (CLEAN | {"dirty": "true"}, "REG001"),
        (CLEAN | {"data_digest": ""}, "REG002"),
        ({"dirty": "false"}, "REG002"),
        ({}, "REG002"),
        ({"data_digest": "d" * 64}, "REG001"),
    ],
    ids=["dirty", "empty digest", "no digest", "nothing", "nobody knows whether dirty"],
)
def test_candidate_that_nobody_can_find_again_is_refused_and_leaves_no_version(home, run, tags, code):
    with pytest.raises(ConfigError) as caught:
        register.fn(name="parcels-refused", candidate=CANDIDATE, run=run, settings=Settings(home=home), tags=tags)

    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert "parcels-refused" not in versions(home)


@pytest.mark.parametrize(("name", "tags"), [("dirty", CLEAN | {"dirty": "true"}), ("unknown", {"dirty": "false"})])
def test_candidate_that_is_allowed_is_tagged(home, run, name, tags):
    allowed = Settings(home=home, allow_dirty=True)

    assert register.fn(name=f"parcels-{name}", candidate=CANDIDATE, run=run, settings=allowed, tags=tags) == 1

    found = versions(home)[f"parcels-{name}"]
    assert found["override"] == "allow_dirty"
    assert found["dirty"] == tags["dirty"]


def test_clean_candidate_is_registered_without_a_tag_of_overriding(home, run):
    for settings in (Settings(home=home), Settings(home=home, allow_dirty=True)):
        assert register.fn(name="parcels-clean", candidate=CANDIDATE, run=run, settings=settings, tags=CLEAN) == 1

    assert versions(home)["parcels-clean"] == {**CLEAN, "candidate": CANDIDATE}


# Forked before anything is connected to: a process costs its own work, and not the imports.
AT_ONCE = """
import json, os, sys
import mlflow.store.model_registry.sqlalchemy_store, mlflow.store.tracking.sqlalchemy_store
from pathlib import Path
from registries import MODEL, TAGS, run_of
from evergreen.config.settings import Settings
from tasks.register import register

home, n, each = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
children = []
for candidate in [f"c{number}" for number in range(n)] * each:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            number = register.fn(
                run_of(candidate), name=MODEL, candidate=candidate, settings=Settings(home=home), tags=TAGS
            )
            (home / f"{candidate}-{os.getpid()}.json").write_text(json.dumps([candidate, number]))
            code = 0
        finally:
            os._exit(code)
    children.append(pid)
sys.exit(sum(os.waitpid(pid, 0)[1] for pid in children))
"""


def test_sixteen_processes_at_once_register_each_candidate_once_under_the_number_of_the_ledger(
    prepared_state, tmp_path
):
    settings = settings_in(tmp_path / "home", prepared_state)
    paths = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AT_ONCE, str(settings.home), "8", "2"],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(path.read_text()) for path in settings.home.glob("c*.json")]
    given = {entry.payload["candidate"]: int(entry.key) for entry in Ledger.open(settings).entries(MODEL, "number")}
    assert len(answers) == 16
    assert sorted(given.values()) == list(range(1, 9))
    assert all(given[candidate] == number for candidate, number in answers)
    assert numbers(settings) == {number: candidate for candidate, number in given.items()}


def test_registry_that_is_down_leaves_nothing_half_done(prepared_state, tmp_path, closed_port, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = settings_in(tmp_path / "home", prepared_state)
    down = settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{closed_port}"})
    given = {"name": MODEL, "candidate": "c1", "tags": TAGS}
    with pytest.raises(Unavailable) as caught:
        register.fn(run_of("c1"), settings=down, **given)
    assert (caught.value.code, caught.value.exit_code) == ("DEP002", 5)
    assert register.fn(run_of("c1"), settings=settings, **given) == 1
    assert numbers(settings) == {1: "c1"}
