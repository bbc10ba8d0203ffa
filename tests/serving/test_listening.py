"""The socket that the service listens on."""

import socket
import subprocess
from pathlib import Path

import pytest

from evergreen.adapters import packaging
from evergreen.base.errors import ResourceError
from evergreen.config.settings import Settings
from serving.listening import beside, listen


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
