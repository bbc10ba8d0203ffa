"""How a command ends: one block and the exit code of the error's kind."""

import os
import signal

import pytest

from cli.ending import INTERRUPTED, explained
from evergreen.base.errors import ConfigError, DataError, EvergreenError, Unavailable


@pytest.fixture(autouse=True)
def handler():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def ended(error, *, debug=False):
    with pytest.raises(SystemExit) as caught, explained(debug):
        raise error
    return caught.value.code


@pytest.mark.parametrize("kind", [ConfigError, DataError, Unavailable, EvergreenError])
def test_error_of_ours_is_its_block_and_its_code(kind, capsys):
    error = kind("ABC001", "what", where="here", next_step="do that")
    assert ended(error) == kind.exit_code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"{error.block()}\n")


@pytest.mark.parametrize(("error", "code", "exit_code"), [(MemoryError(), "RES004", 8), (KeyError("k"), "BUG001", 9)])
def test_other_errors_are_blocks_too(error, code, exit_code, capsys):
    assert ended(error) == exit_code
    assert capsys.readouterr().err.startswith(f"{code}: ")


def test_debug_shows_the_error_itself():
    with pytest.raises(KeyError), explained(True):
        raise KeyError("k")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("a library made this of the interrupt")])
def test_interrupt_ends_with_its_own_code_whatever_became_of_it(error, capsys):
    def interrupted():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise error from None

    with pytest.raises(SystemExit) as caught, explained(False):
        interrupted()
    assert caught.value.code == INTERRUPTED == 130
    assert "the same command continues" in capsys.readouterr().err


def test_command_that_works_ends_in_nothing(capsys):
    with explained(False):
        pass
    assert capsys.readouterr().err == ""
