"""The service as BentoML runs it: whether it is ready is what our own `/readyz` says."""

import os
import subprocess
import sys

from servers import SECONDS

CODE = """
import asyncio
from serving.service import APPLICATION, Evergreen
service = Evergreen.inner()
print(asyncio.run(service.__is_ready__()))
APPLICATION.service.load()
print(asyncio.run(service.__is_ready__()))
"""


def test_service_is_ready_once_its_model_is_loaded(bundle, tmp_path):
    own = {"PYTHONPATH": str(bundle), "EVERGREEN_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    env = {**os.environ, **own, "BENTOML_HOME": str(tmp_path / "bentoml"), "BENTOML_DO_NOT_TRACK": "true"}

    done = subprocess.run([sys.executable, "-P", "-c", CODE], env=env, capture_output=True, text=True, timeout=SECONDS)

    assert done.stdout.splitlines()[-2:] == ["False", "True"], done.stderr
