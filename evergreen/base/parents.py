"""A process that ends with the one that started it, also where that one was killed.

`python parents.py PARENT ARGV…` becomes ARGV, which ends with PARENT: a program keeps what was asked for before it.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def bound(argv: Sequence[str]) -> list[str]:
    """Return the command that becomes `argv`, and ends with this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *argv]


def end_with(parent: int) -> None:
    """Have the kernel kill this process as soon as `parent`, which started it, is gone; if it is already, end here.

    The parent's thread that started it counts as the parent. Only Linux does it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the kernel was asked
        os._exit(1)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  an argument list of ours, no shell
