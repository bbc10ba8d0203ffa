import asyncio
import json

import psutil

from serving import aside
from serving.aside import told_by


def test_what_another_process_writes_is_told_and_one_that_fails_or_takes_too_long_tells_nothing(monkeypatch, tmp_path):
    (tmp_path / "echoing.py").write_text("import sys; sys.stdout.write(sys.stdin.read())")
    (tmp_path / "failing.py").write_text("import sys; print('half'); sys.exit(1)")
    (tmp_path / "hanging.py").write_text("import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert json.loads(asyncio.run(told_by("echoing", {"é": [1]}))) == {"é": [1]}
    assert asyncio.run(told_by("failing", {})) is None

    monkeypatch.setattr(aside, "MOST_SECONDS", 0.2)
    assert asyncio.run(told_by("hanging", {})) is None
    assert not [one for one in psutil.Process().children() if "hanging" in one.cmdline()]
