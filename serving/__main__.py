"""`python -m serving`: serve the bundle that this package lies in, until a signal says otherwise."""

import logging
import sys
from contextlib import suppress

import uvicorn

from evergreen.base.errors import EvergreenError
from evergreen.config.settings import Settings
from serving.app import from_environment
from serving.listening import listen

log = logging.getLogger("serving")


def main() -> int:
    """Load the release, listen, and answer; SIGTERM and SIGINT let open requests finish."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings()
    app = from_environment()
    try:
        app.state.service.load()
        listening = listen(settings.serve_host, settings.serve_port)
    except EvergreenError as error:
        print(error.block(), file=sys.stderr)  # noqa: T201  for the person or the supervisor that started it
        return error.exit_code
    host, port = listening.getsockname()[:2]
    log.info("listening on http://%s:%d", host, port)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=20)
    with suppress(KeyboardInterrupt):  # which uvicorn raises again once open requests have ended
        uvicorn.Server(config).run(sockets=[listening])
    return 0


if __name__ == "__main__":
    sys.exit(main())
