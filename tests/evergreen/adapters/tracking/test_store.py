"""A store that does not work: one block that may be tried again, and never a password."""

import pytest
from mlflow import MlflowClient

from evergreen.adapters import tracking
from evergreen.adapters.tracking.store import client, explain_failure, if_there
from evergreen.base.errors import Unavailable
from evergreen.record.registry.projection import Wanted

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


def test_store_that_does_not_work_is_one_block_that_may_be_tried_again(tmp_path):
    (tmp_path / "broken.db").write_bytes(b"not a database" * 100)
    broken = f"sqlite:///{tmp_path / 'broken.db'}"

    with pytest.raises(Unavailable) as caught:
        tracking.look(broken, "parcels", Wanted())
    assert (caught.value.code, caught.value.exit_code, caught.value.where) == ("DEP002", 5, broken)
    assert "delete it and run the same command again" in caught.value.next_step


def test_password_of_the_store_is_never_shown(monkeypatch):
    uri = "http://ann:s3cret@127.0.0.1:9/mlflow"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(Unavailable) as caught:
        tracking.look(uri, "parcels", Wanted())

    assert caught.value.where == "http://ann:***@127.0.0.1:9/mlflow"
    assert "s3cret" not in caught.value.block()


def test_what_is_not_there_is_none_and_anything_else_is_an_error(store, uri):
    assert if_there(lambda: store.get_registered_model("nothing")) is None
    with pytest.raises(Unavailable), explain_failure(uri):
        if_there(lambda: store.create_registered_model(""))
    assert isinstance(client(uri), MlflowClient)
