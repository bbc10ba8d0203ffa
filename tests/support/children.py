"""Processes that use the ledger beside this one, and wait for a word before they go on."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# What a child process runs around one statement: it says "ready" and waits for a line before it goes on.
CHILD = """
import sys
from evergreen.base.errors import EvergreenError
from evergreen.record.ledger.ledger import Ledger
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
try:
    {body}
except EvergreenError as error:
    print(error.code, flush=True)
    sys.exit(error.exit_code)
"""


@contextmanager
def child(body: str, *arguments: object, run: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Yield a process around `body`; `run`: what runs the script and its arguments instead of this interpreter."""
    script = CHILD.format(body=body.strip().replace("\n", "\n    "))
    command = [*(run or (sys.executable, "-c")), script, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
