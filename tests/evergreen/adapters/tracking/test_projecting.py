"""MLflow's registry shows the ledger: what somebody moved is told from what was not shown yet, and put back."""

import pytest
from registries import MODEL, change, facts, known_to_mlflow, settings_in, shown

from evergreen.adapters.tracking import projecting
from evergreen.adapters.tracking.projecting import Change, look, reconcile
from evergreen.base.errors import Unavailable
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import projection
from evergreen.record.registry.projection import KINDS, wanted

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.fixture
def settings(prepared_state, tmp_path):
    return settings_in(tmp_path / "home", prepared_state)


@pytest.fixture
def ledger(settings):
    return Ledger.open(settings)


@pytest.fixture
def store(settings):
    """MLflow, with three versions of which the ledger will speak."""
    return known_to_mlflow(settings, 1, 2, 3)


def asked(ledger, settings, **named):
    entries = ledger.entries(MODEL, *KINDS)
    return settings.tracking_uri(), MODEL, wanted(entries, **named)


def reconciled(ledger, settings, **named):
    given = asked(ledger, settings, **named)
    changes = reconcile(*given, workspace=settings.workspace)
    assert [one for one in look(*given).changes if one.repairable] == []
    return changes


def foreign(changes):
    return [(one.what, one.was, one.found) for one in changes if one.foreign]


def test_what_the_ledger_says_is_shown_and_nobody_else_did_it(ledger, settings, store):
    change(ledger, 1)
    change(ledger, 2)
    changes = reconciled(ledger, settings)
    assert foreign(changes) == []
    assert shown(settings) == {"champion": 2, "previous": 1}
    version = store.get_model_version(MODEL, "2")
    assert version.description == "gain of 2"
    assert version.tags["validation_status"] == "passed"
    assert version.tags["ledger_entry"] == ledger.entries(MODEL, "promotion")[1].hash
    assert reconciled(ledger, settings) == ()


def test_look_changes_nothing(ledger, settings, store):
    change(ledger, 1)
    changes, current = look(*asked(ledger, settings))
    assert "alias champion" in [one.what for one in changes]
    assert not current
    assert shown(settings) == {}


def test_alias_that_somebody_moved_removed_or_made_is_foreign_and_put_back(ledger, settings, store):
    change(ledger, 1)
    change(ledger, 2)
    reconciled(ledger, settings)
    store.set_registered_model_alias(MODEL, "champion", "3")
    store.delete_registered_model_alias(MODEL, "previous")
    store.set_registered_model_alias(MODEL, "challenger", "1")
    assert foreign(reconciled(ledger, settings)) == [
        ("alias champion", "2", "3"),
        ("alias challenger", None, "1"),
        ("alias previous", "1", None),
    ]
    assert shown(settings) == {"champion": 2, "previous": 1}


def test_change_of_the_ledger_itself_is_not_foreign_and_a_hand_since_then_is(ledger, settings, store):
    change(ledger, 1)
    reconciled(ledger, settings)
    change(ledger, 2)
    assert foreign(reconciled(ledger, settings)) == []  # champion 1 was what the ledger said
    change(ledger, 1, "rollback")
    store.set_registered_model_alias(MODEL, "champion", "3")
    assert foreign(reconciled(ledger, settings)) == [("alias champion", "1", "3")]


def test_process_killed_while_it_showed_a_change_is_no_foreign_hand(ledger, settings, store, monkeypatch):
    for version in (1, 2):
        change(ledger, version)
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "set_registered_model_tag", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            reconciled(ledger, settings)
    assert shown(settings) == {"champion": 2, "previous": 1}
    change(ledger, 3)  # and only now it is noted how far the ledger was shown
    assert foreign(reconciled(ledger, settings)) == []
    assert shown(settings) == {"champion": 3, "previous": 2}


def test_tags_and_descriptions_that_somebody_edited_are_put_back(ledger, settings, store):
    change(ledger, 1)
    reconciled(ledger, settings)
    store.set_model_version_tag(MODEL, "1", "model_digest", "forged")
    store.delete_model_version_tag(MODEL, "1", "validation_status")
    store.update_model_version(MODEL, "1", "best model ever")
    store.set_model_version_tag(MODEL, "1", "team", "our own")
    assert foreign(reconciled(ledger, settings)) == [
        ("tag model_digest of version 1", "m1", "forged"),
        ("tag validation_status of version 1", "passed", None),
        ("description of version 1", "gain of 1", "best model ever"),
    ]
    assert store.get_model_version(MODEL, "1").tags["team"] == "our own"


def test_description_that_is_made_otherwise_by_now_is_not_foreign(ledger, settings, store, monkeypatch):
    change(ledger, 1)
    reconciled(ledger, settings)
    entries = ledger.entries(MODEL, *KINDS)
    monkeypatch.setattr(projection, "described", lambda facts: f"card of {facts['version']}")
    newer = wanted(entries)
    changes = reconcile(settings.tracking_uri(), MODEL, newer, workspace=settings.workspace)
    assert [one.what for one in changes] == ["description of version 1"]
    assert foreign(changes) == []
    assert store.get_model_version(MODEL, "1").description == "card of 1"


def test_other_versions_are_looked_at_where_everything_is(ledger, settings, store):
    for version in (1, 2, 3):
        change(ledger, version)
    reconciled(ledger, settings, everything=True)
    store.set_model_version_tag(MODEL, "1", "model_digest", "forged")
    assert reconciled(ledger, settings) == ()
    assert foreign(reconciled(ledger, settings, everything=True)) == [("tag model_digest of version 1", "m1", "forged")]


def test_many_versions_are_looked_at_by_pages(ledger, settings, store, monkeypatch):
    monkeypatch.setattr(projecting, "FEW", 0)
    monkeypatch.setattr(projecting, "AT_ONCE", 2)
    for version in (1, 2, 3):
        change(ledger, version)
    reconciled(ledger, settings, everything=True)
    for version in (1, 3):
        store.set_model_version_tag(MODEL, str(version), "model_digest", "forged")
    assert [what for what, _, _ in foreign(reconciled(ledger, settings, everything=True))] == [
        "tag model_digest of version 1",
        "tag model_digest of version 3",
    ]


def test_lost_registry_is_made_again_with_all_versions_aliases_and_tags(ledger, settings, store):
    for version in (1, 2, 3):
        change(ledger, version)
    reconciled(ledger, settings, everything=True)
    store.delete_registered_model(MODEL)
    changes = reconciled(ledger, settings)
    assert foreign(changes) == []
    assert changes[0] == Change(what="versions 1 to 3", was="registered", found=None)
    assert shown(settings) == {"champion": 3, "previous": 2}
    assert store.get_model_version(MODEL, "1").tags["restored"] == "from the ledger"
    assert store.get_model_version(MODEL, "3").description == "gain of 3"


def test_version_deleted_by_hand_is_told_and_the_rest_is_shown(ledger, settings, store):
    for version in (1, 2, 3):
        change(ledger, version)
    reconciled(ledger, settings)
    store.delete_model_version(MODEL, "3")
    for _ in range(2):
        changes = reconciled(ledger, settings)
        assert [(one.what, one.found, one.repairable) for one in changes] == [
            ("version 3", None, False),
            ("alias champion", None, False),
        ]
    assert shown(settings) == {"previous": 2}


def test_version_of_somebody_else_is_not_taken_for_ours(ledger, settings, store):
    change(ledger, 1)
    ledger.record(MODEL, "version", "2", facts(2, "other").model_dump(mode="json"))
    changes = reconciled(ledger, settings, everything=True)
    assert [(one.what, one.found) for one in changes if not one.repairable] == [("version 2", "another model")]
    assert "model_digest" not in store.get_model_version(MODEL, "2").tags


def test_server_that_is_down_is_told_and_the_ledger_stands(ledger, settings, closed_port, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    change(ledger, 1)
    down = settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{closed_port}"})
    with pytest.raises(Unavailable):
        reconciled(ledger, down)
    assert ledger.champion(MODEL).version == 1
