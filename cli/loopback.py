"""`python -m cli.loopback PORT MODULE:NAME [--factory]`: run an ASGI application on a loopback port."""

import sys

import uvicorn

from evergreen.base import memory


def main() -> None:
    """Run it, without a line for each request."""
    port, application, *factory = sys.argv[1:]
    memory.collect_rarely()
    uvicorn.run(application, factory=bool(factory), host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
