"""`python -m cli.bound PARENT ARGV…`: become ARGV, and die with the process that started it."""

import os
import sys

from evergreen.base import parents


def main() -> None:
    """Ask the kernel for the signal first: what this process becomes keeps it."""
    parents.end_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  an argument list of ours, no shell


if __name__ == "__main__":
    main()
