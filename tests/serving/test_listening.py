"""The socket that the service listens on."""

import subprocess
from pathlib import Path

from evergreen.adapters import packaging
from evergreen.config.settings import Settings
from serving.listening import listen


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
