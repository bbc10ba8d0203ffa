"""`python -m cli.bound ARGV…`: become ARGV, and die with the process that started it."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for the signal first, then check that the parent did not go in between."""
    parent = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  an argument list of ours, no shell


if __name__ == "__main__":
    main()
