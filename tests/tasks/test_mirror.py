"""The mirror step: MLflow shows the ledger, and what somebody changed by hand is put back and recorded."""

import pytest
from registries import MODEL, change, known_to_mlflow, settings_in, shown, store_of

from evergreen.base.errors import Unavailable
from evergreen.record.ledger.ledger import Ledger
from tasks.mirror import follow, mirror

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


@pytest.fixture
def settings(prepared_state, tmp_path):
    return settings_in(tmp_path / "home", prepared_state)


@pytest.fixture
def ledger(settings):
    """The ledger of two champions whose versions are in MLflow."""
    known_to_mlflow(settings, 1, 2)
    ledger = Ledger.open(settings)
    for number in (1, 2):
        change(ledger, number)
    mirror.fn(MODEL, settings=settings)
    return ledger


def foreign(ledger):
    return [entry.payload for entry in ledger.entries(MODEL, "foreign")]


def test_aliases_of_the_configured_registry_follow_the_ledger_and_nothing_is_foreign(ledger, settings):
    assert shown(settings) == {"champion": 2, "previous": 1}
    change(ledger, 1, "rollback")
    mirror.fn(MODEL, settings=settings)
    assert shown(settings) == {"champion": 1}
    assert foreign(ledger) == []


def test_alias_moved_by_hand_is_recorded_once_and_put_back(ledger, settings):
    store_of(settings).set_registered_model_alias(MODEL, "champion", "1")
    for _ in range(2):
        mirror.fn(MODEL, settings=settings)
    assert shown(settings) == {"champion": 2, "previous": 1}
    assert foreign(ledger) == [{"what": "alias champion", "was": "2", "is": "1"}]


def test_nobody_is_kept_waiting_where_nothing_differs(ledger, settings):
    with ledger.lease(f"registry:{MODEL}"):
        assert follow(ledger, MODEL, settings=settings) == ()


def test_looking_repairs_and_records_nothing(ledger, settings):
    store_of(settings).set_registered_model_alias(MODEL, "champion", "1")
    (found,) = follow(ledger, MODEL, settings=settings, repair=False)
    assert (found.what, found.was, found.found, found.foreign) == ("alias champion", "2", "1", True)
    assert shown(settings)["champion"] == 1
    assert foreign(ledger) == []


def test_version_that_cannot_come_back_is_no_reason_to_do_anything_again(ledger, settings):
    store_of(settings).delete_model_version(MODEL, "1")
    follow(ledger, MODEL, settings=settings)
    with ledger.lease(f"registry:{MODEL}"):
        assert [one.what for one in follow(ledger, MODEL, settings=settings)] == ["version 1", "alias previous"]
    assert foreign(ledger) == []


def test_promotion_stands_while_the_server_is_down_and_is_shown_when_it_is_back(
    ledger, settings, closed_port, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    down = settings.model_copy(update={"mlflow_tracking_uri": f"http://127.0.0.1:{closed_port}"})
    change(ledger, 1, "rollback")
    with pytest.raises(Unavailable) as caught:
        mirror.fn(MODEL, settings=down)
    assert caught.value.exit_code == 5
    assert ledger.champion(MODEL).version == 1
    mirror.fn(MODEL, settings=settings)
    assert shown(settings) == {"champion": 1}
    assert foreign(ledger) == []
