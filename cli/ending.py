"""How a command ends: one block for an error, and the exit code of its kind."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from evergreen.base.errors import ConfigError, EvergreenError, ResourceError

INTERRUPTED = 130


@contextmanager
def explained(debug: bool, *, advise: Callable[[str], str] = str) -> Iterator[None]:
    """End with one block and the exit code of the error's kind; a traceback only with --debug.

    Parameters
    ----------
    advise : what makes of a next step the one that fits the user's command.
    """
    interrupted = _note_interrupts()
    try:
        yield
    except typer.TyperException as error:
        error.show()  # type: ignore[attr-defined]  # usage errors have it, and no other reaches us
        raise SystemExit(ConfigError.exit_code) from error
    except (Exception, KeyboardInterrupt) as error:
        # A library below may have turned the interrupt into an error of its own.
        if interrupted or isinstance(error, (KeyboardInterrupt, typer.Abort)):
            typer.echo("Interrupted. What was finished is kept; the same command continues.", err=True)
            raise SystemExit(INTERRUPTED) from error
        if debug:
            raise
        known = _known(error)
        known.next_step = advise(known.next_step)
        typer.echo(known.block(), err=True)
        raise SystemExit(known.exit_code) from error


def _note_interrupts() -> list[int]:
    """Return a list that holds every Ctrl-C from now on."""
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(number)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    return seen


def _known(error: BaseException) -> EvergreenError:
    if isinstance(error, EvergreenError):
        return error
    if isinstance(error, MemoryError):
        return ResourceError("RES004", "memory is short", next_step="Free memory, or read a shorter period.")
    return EvergreenError(
        "BUG001",
        f"{type(error).__name__}: {error}",
        where="evergreen " + " ".join(sys.argv[1:]),
        next_step="Run again with --debug and report the traceback.",
    )
