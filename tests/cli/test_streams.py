"""What is printed, where nobody reads it, or there is no room: the exit code says what became of the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")


def ended(code: str, *, out: int | Path = subprocess.PIPE, err: int | Path = subprocess.PIPE) -> tuple[int, str]:
    """Run code as a command runs, and return its exit code and what it said on stderr."""
    lines = ["import sys", "from cli import streams", "from cli.ending import explained", "streams.guard()"]
    lines += ["with explained(False):", "    try:", f"        {code}", "    finally:", "        streams.flush()"]
    with (
        open(os.devnull if out == subprocess.PIPE else out, "w") as told,  # noqa: PTH123  a descriptor, or a path
        open(os.devnull if err == subprocess.PIPE else err, "w") as said,  # noqa: PTH123  the same
    ):
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            stdout=subprocess.PIPE if out == subprocess.PIPE else told,
            stderr=subprocess.PIPE if err == subprocess.PIPE else said,
            text=True,
            check=False,
        )
    return done.returncode, done.stderr or ""


def gone() -> int:
    """Return the end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


SPOKEN = ["print('x')", "print('x' * 1_000_000)", "import typer; typer.echo('x')", "__import__('rich').print('x')"]


@pytest.mark.parametrize("code", SPOKEN)
def test_reader_that_has_gone_changes_nothing(code):
    assert ended(code, out=gone()) == (0, "")


@pytest.mark.parametrize("code", SPOKEN)
def test_output_without_room_is_a_lack_of_resources(code):
    exit_code, said = ended(code, out=FULL)
    assert exit_code == 8
    assert said.startswith("RES001: could not print: No space left on device\n  where: stdout\n")


def test_command_goes_on_without_its_reader_and_ends_with_its_own_code():
    assert ended("print('x' * 100_000); print('done', file=sys.stderr); sys.exit(4)", out=gone()) == (4, "done\n")


def test_error_that_cannot_be_said_keeps_its_exit_code():
    raising = "from evergreen.base.errors import DataError; raise DataError('DQ007', 'no rows')"
    assert ended(raising, err=FULL)[0] == 3
    assert ended(raising, err=gone())[0] == 3


def test_what_is_printed_with_room_arrives_whole():
    lines = "from cli import streams; streams.guard(); print('ü→漢'); print('x' * 100_000)"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, check=True)
    assert done.stdout.decode() == f"ü→漢\n{'x' * 100_000}\n"


def test_streams_that_are_replaced_or_closed_stay(capsys):
    from cli import streams

    before = sys.stdout, sys.stderr
    streams.guard()
    assert (sys.stdout, sys.stderr) == before
    assert ended("pass", out=gone())[0] == 0
    closed = "import sys; from cli import streams; streams.guard(); streams.flush(); assert sys.stdout is None"
    done = subprocess.run(["sh", "-c", f'exec {sys.executable} -c "{closed}" >&-'], check=False)
    assert done.returncode == 0
