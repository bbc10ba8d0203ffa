"""The socket that the service listens on."""

import socket
import subprocess
from pathlib import Path

import pytest

from evergreen.adapters import packaging
from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings
from serving.listening import beside, listen, warning


def run(bundle: Path, settings: Settings) -> tuple[int, str]:
    argv, env = packaging.command(bundle.parent, settings)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def test_port_that_is_taken_is_named(bundle, tmp_path):
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        code, printed = run(bundle, Settings(home=tmp_path, serve_port=port))

    assert code == 8
    assert f"127.0.0.1:{port}" in printed


def test_second_listener_at_a_shared_address_is_refused_and_one_beside_it_is_not():
    with listen("127.0.0.1", 0, shared=True) as first:
        address = first.getsockname()
        with pytest.raises(ResourceError, match="SRV010"):
            listen("127.0.0.1", address[1], shared=True)
        with beside(address, first.family) as second:
            second.listen()
            first.close()
            socket.create_connection(address, timeout=60).close()  # the one that is left gets it
            second.accept()[0].close()


def test_address_that_somebody_took_has_no_room_beside_it():
    with listen("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use"):
        beside(taken.getsockname(), taken.family)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "service.example"])
def test_service_that_everybody_may_ask_says_so_unless_a_token_is_asked_for(host):
    said = warning(Settings(serve_host=host))
    assert said is not None
    assert host in said
    assert "EVERGREEN_SERVE_TOKEN" in said
    assert warning(Settings(serve_host=host, serve_token="secret")) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_service_on_this_machine_alone_needs_no_token(host):
    assert warning(Settings(serve_host=host)) is None
