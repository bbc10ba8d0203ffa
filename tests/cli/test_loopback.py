"""An application of our own listens on loopback and nowhere else."""

import pytest

from cli import loopback


@pytest.mark.parametrize(("more", "factory"), [([], False), (["--factory"], True)])
def test_application_is_run_on_loopback(monkeypatch, more, factory):
    ran = []
    monkeypatch.setattr(loopback.memory, "collect_rarely", lambda: ran.append("collect rarely"))
    monkeypatch.setattr(loopback.uvicorn, "run", lambda *given, **options: ran.append((given, options)))
    monkeypatch.setattr("sys.argv", ["loopback", "4321", "package:app", *more])
    loopback.main()
    options = {"factory": factory, "host": "127.0.0.1", "port": 4321, "log_level": "warning"}
    assert ran == ["collect rarely", (("package:app",), options)]
