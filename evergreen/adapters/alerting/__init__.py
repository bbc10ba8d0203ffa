"""Messages to people: by mail, chat or webhook through Apprise, or into a file of our own."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from pydantic import SecretStr

from evergreen.base.values import Value
from evergreen.config.settings import Settings
from evergreen.decisions.alerts.message import Message

SECONDS = 20.0  # that a route may take, whatever it does meanwhile
FILE = "file://"
CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from evergreen.adapters.alerting import child
child.main(int(sys.argv[2]))
"""
HERE = str(Path(__file__).parents[3])  # so that the child is of the same code, wherever it is started


class Address(NamedTuple):
    """Where a route goes: an address, which is a secret, or a file, relative to `home`."""

    url: SecretStr
    home: Path


class Sent(Value):
    """What became of a message, without anything of the address in it.

    `doubtful`: whether it may have arrived although nobody said so.
    """

    reached: bool
    why: str
    doubtful: bool = False


def routes(settings: Settings) -> dict[str, Address]:
    """Return the routes of the settings by name; where there are none, the file alerts.log in `home` alone."""
    given = settings.alert_routes or {"log": SecretStr(f"{FILE}alerts.log")}
    return {name: Address(url=url, home=settings.home) for name, url in sorted(given.items())}


def send(address: Address, message: Message, *, seconds: float = SECONDS) -> Sent:
    """Send a message, and say what became of it; nothing is raised, whatever the route does.

    Parameters
    ----------
    seconds : after which a route that does not answer is given up.
    """
    url = address.url.get_secret_value()
    if url.startswith(FILE):
        return _append(address.home / unquote(url.removeprefix(FILE)), message)
    told = {"url": url, "title": message.title, "body": message.body, "is_page": message.is_page}
    try:
        # A process of its own: it can be ended when a server keeps it waiting, and what a library says of an address
        # goes nowhere.
        done = subprocess.run(  # noqa: S603  our own interpreter
            [sys.executable, "-P", "-c", CHILD, HERE, str(os.getpid())],
            input=json.dumps(told).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
        return Sent.model_validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        return Sent(reached=False, why=f"no answer within {seconds:g} s", doubtful=True)
    except (OSError, ValueError):
        return Sent(reached=False, why="the process that sends could not run", doubtful=True)


def _append(path: Path, message: Message) -> Sent:
    lines = message.body.replace("\n", "\n  ")
    text = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {message.title}\n  {lines}\n\n"
    if path.exists() and not path.is_file():
        return Sent(reached=False, why="what is there is no file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("ab", buffering=0) as file:  # one write, so that two processes do not mix
            file.write(text.encode())
            os.fsync(file.fileno())
    except OSError as error:
        return Sent(reached=False, why=f"the file could not be written: {error.strerror}")
    return Sent(reached=True, why="written")
