"""Registering: no version comes from code or data that nobody can find again, unless it is allowed and tagged."""

import shutil

import pytest
from trainings import CANDIDATE, training

from evergreen.adapters import tracking
from evergreen.base.errors import ConfigError
from evergreen.config.settings import Settings
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
