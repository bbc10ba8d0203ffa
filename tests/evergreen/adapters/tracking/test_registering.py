"""Registering: MLflow's version has the number of the ledger, whatever became of MLflow meanwhile."""

import mlflow
import pytest
from registries import MODEL, TAGS, change, facts, numbers, run_of, settings_in, store_of

from evergreen.adapters.tracking import registering
from evergreen.adapters.tracking.registering import register
from evergreen.base.errors import Unavailable
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry.projection import KINDS, versions

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.fixture
def settings(prepared_state, tmp_path):
    return settings_in(tmp_path / "home", prepared_state)


@pytest.fixture
def ledger(settings):
    return Ledger.open(settings)


@pytest.fixture
def store(settings):
    return store_of(settings)


@pytest.fixture
def registered(settings, ledger):
    def registered(candidate):
        return register(
            settings.tracking_uri(),
            MODEL,
            run_of(candidate),
            candidate=candidate,
            tags=TAGS,
            give=lambda taken: ledger.number(MODEL, candidate, taken=taken),
            known=versions(ledger.entries(MODEL, *KINDS)),
            workspace=settings.workspace,
        )

    return registered


def complete(ledger, version):
    ledger.record(MODEL, "version", str(version), facts(version).model_dump(mode="json"))


def test_candidate_is_registered_once_with_its_tags_and_its_run(registered, store):
    assert [registered("c1") for _ in range(3)] == [1, 1, 1]
    (version,) = store.search_model_versions(f"name = '{MODEL}'")
    assert (version.run_id, version.source) == ("run-c1", "file:///runs/c1")
    assert version.tags == {**TAGS, "candidate": "c1"}
    assert store.get_registered_model(MODEL).aliases == {}


def test_each_candidate_has_the_next_number(registered, settings):
    assert [registered(candidate) for candidate in ("c1", "c2", "c1", "c3")] == [1, 2, 1, 3]
    assert numbers(settings) == {1: "c1", 2: "c2", 3: "c3"}


def test_candidate_whose_tag_was_taken_away_is_found_by_its_run(registered, store):
    registered("c1")
    store.delete_model_version_tag(MODEL, "1", "candidate")
    assert registered("c1") == 1


def test_version_registered_by_hand_keeps_its_number_and_the_ledger_gives_a_larger_one(registered, store, settings):
    registered("c1")
    store.create_model_version(MODEL, source="file:///by-hand")
    assert registered("c2") == 3
    assert numbers(settings) == {1: "c1", 2: None, 3: "c2"}
    assert registered("c1") == 1


def test_number_of_a_version_deleted_by_hand_is_not_used_again(registered, store, settings):
    registered("c1")
    registered("c2")
    store.delete_model_version(MODEL, "2")
    assert registered("c3") == 3
    assert registered("c2") == 4  # which nobody completed
    by_hand = store.create_model_version(MODEL, source="file:///by-hand")
    store.delete_model_version(MODEL, by_hand.version)
    assert registered("c5") == 6  # after 5 was tried, and MLflow gave 6
    assert numbers(settings) == {1: "c1", 3: "c3", 4: "c2", 6: "c5"}


def test_versions_of_a_lost_database_are_registered_again_before_the_next(registered, store, ledger, settings):
    for version in (1, 2):
        assert registered(f"c{version}") == version
        complete(ledger, version)
    assert ledger.number(MODEL, "never") == 3  # its process was killed
    store.delete_registered_model(MODEL)

    assert registered("c4") == 4
    assert numbers(settings) == {1: "c1", 2: "c2", 4: "c4"}
    restored = store.get_model_version(MODEL, "2")
    assert (restored.run_id, restored.source) == ("run-c2", (settings.workspace / "model-2").as_uri())
    assert restored.tags["restored"] == "from the ledger"
    assert restored.tags["model_digest"] == "m2"
    assert registered("c5") == 5


def test_versions_promoted_before_the_ledger_numbered_them_count(registered, ledger, settings):
    change(ledger, 3)
    assert registered("c4") == 4
    assert numbers(settings) == {3: "c3", 4: "c4"}


@pytest.mark.parametrize("at", ["create_model_version", "set_registered_model_tag"])
def test_killed_between_two_effects_it_is_completed_by_the_next_try(registered, store, settings, monkeypatch, at):
    registered("c1")
    done = getattr(mlflow.MlflowClient, at)

    def killed(*given, **named):
        done(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, at, killed)
        with pytest.raises(KeyboardInterrupt):
            registered("c2")
    assert registered("c2") == 2
    assert registered("c3") == 3
    assert numbers(settings) == {1: "c1", 2: "c2", 3: "c3"}


def test_hand_that_is_faster_keeps_its_number_and_we_get_another(registered, settings, ledger, monkeypatch):
    create, left = mlflow.MlflowClient.create_model_version, iter([1])

    def raced(self, name, source, **named):
        if next(left, None):
            create(self, name, "file:///by-hand")
        return create(self, name, source, **named)

    monkeypatch.setattr(mlflow.MlflowClient, "create_model_version", raced)
    assert registered("c1") == 2
    assert registered("c2") == 3
    assert numbers(settings) == {1: None, 2: "c1", 3: "c2"}
    assert [entry.key for entry in ledger.entries(MODEL, "number")] == ["1", "2", "3"]


def test_numbers_that_never_fit_are_an_error_that_may_be_tried_again_and_leave_no_version(settings, store):
    store.create_registered_model(MODEL)
    store.create_model_version(MODEL, "file:///by-hand")
    store.delete_model_version(MODEL, "1")
    with pytest.raises(Unavailable) as caught:
        register(
            settings.tracking_uri(), MODEL, run_of("c1"), candidate="c1", tags=TAGS, give=lambda taken: 1,
            known={}, workspace=settings.workspace,
        )  # fmt: skip
    assert (caught.value.code, caught.value.exit_code) == ("REG003", 5)
    assert numbers(settings) == {}


def test_placeholder_whose_process_was_killed_goes_with_the_next(registered, ledger, settings, monkeypatch):
    assert ledger.number(MODEL, "never") == 1
    with monkeypatch.context() as patch:
        patch.setattr(registering, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            registered("c2")
    assert numbers(settings) == {1: None}
    assert registered("c2") == 2
    assert numbers(settings) == {2: "c2"}
