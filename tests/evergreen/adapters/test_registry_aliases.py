"""A quick look at MLflow's aliases: of a SQLite file and of a server, and never an error."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from registries import MODEL, settings_in, store_of

from evergreen.adapters.registry_aliases import RegistryLook, compare, look

pytestmark = pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")


def test_aliases_of_a_file_are_those_that_mlflow_has(prepared_state, tmp_path):
    settings = settings_in(tmp_path / "ho me 100%", prepared_state)
    store = store_of(settings)
    store.create_registered_model(MODEL)
    store.create_model_version(MODEL, "file:///x")
    store.set_registered_model_alias(MODEL, "champion", "1")
    assert look(settings.tracking_uri(), MODEL) == {"champion": 1}
    assert look(settings.tracking_uri(), "letters") == {}
    assert compare(settings.tracking_uri(), MODEL, 1) == RegistryLook(champion=1, as_ledger=True)
    assert compare(settings.tracking_uri(), MODEL, 2) == RegistryLook(champion=1, as_ledger=False)


def test_store_that_was_deleted_has_no_alias_and_is_not_made(tmp_path):
    assert compare(f"sqlite:///{tmp_path / 'mlflow.db'}", MODEL, 1) == RegistryLook(champion=None, as_ledger=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty.db").touch()
    assert look(f"sqlite:///{tmp_path / 'empty.db'}", MODEL) == {}


def test_what_cannot_be_looked_at_is_not_said_to_be_wrong(tmp_path, closed_port):
    (tmp_path / "broken.db").write_bytes(b"not a database" * 100)
    for uri in (
        f"sqlite:///{tmp_path / 'broken.db'}",
        f"http://127.0.0.1:{closed_port}",
        "postgresql://nobody@127.0.0.1/mlflow",
    ):
        assert compare(uri, MODEL, 1) == RegistryLook(champion=None, as_ledger=None)


@contextmanager
def server(code, answer):
    """A server that answers the same to everybody, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(code)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Say nothing."""

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield serving.server_port, asked
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def test_server_is_asked_once_by_the_address_and_the_password_in_it():
    answer = {"registered_model": {"name": MODEL, "aliases": [{"alias": "champion", "version": "3"}]}}
    with server(200, json.dumps(answer).encode()) as (port, asked):
        assert look(f"http://ann:s%40cret@127.0.0.1:{port}/", MODEL) == {"champion": 3}
    assert asked == [("/api/2.0/mlflow/registered-models/get?name=parcels", "Basic YW5uOnNAY3JldA==")]


@pytest.mark.parametrize(
    ("code", "answer", "found"),
    [(404, b"{}", {}), (200, b'{"registered_model": {}}', {}), (401, b"", None), (200, b"<html>", None)],
)
def test_answer_that_is_none_is_told_from_one_that_nothing_is_there(code, answer, found):
    with server(code, answer) as (port, _):
        assert look(f"http://127.0.0.1:{port}", MODEL) == found
