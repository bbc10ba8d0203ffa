"""The service's log: one JSON object a line on stderr, bounded in size and number, and nothing that a caller sent.

A line has `time`, `level`, `logger`, `pid` and `event`. What is known beside that stands in the fields of `FIELDS`,
given as ``extra``. An error has its block in `error`; one that is not ours has a `traceback` too.
"""

import json
import logging
import os
import select
import stat
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

from evergreen.base.errors import EvergreenError

FIELDS = (
    "request_id", "prediction_id", "model", "version", "method", "route", "status", "seconds", "cause", "code", "where",
)  # fmt: skip
LINE_BYTES = select.PIPE_BUF  # what a pipe takes as a whole: lines of several workers never mix
LINES_A_SECOND = 20  # from one place in the code
EVENT_CHARACTERS, TRACEBACK_CHARACTERS, FIELD_CHARACTERS = 600, 2_400, 200

OURS = ("serving", "evergreen")
Place = tuple[str, int, object]
access = logging.getLogger("serving.access")


def configure(level: int = logging.INFO) -> None:
    """Send every logger's records, uvicorn's and warnings too, and what nobody caught to stderr as lines of JSON."""
    root = logging.getLogger()
    for handler in [*root.handlers]:
        root.removeHandler(handler)
    root.addHandler(Lines(sys.stderr.fileno()))
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    logging.getLogger("uvicorn.access").disabled = True  # ours says what it would, without the query
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    threading.excepthook = lambda ended: _uncaught(
        ended.exc_type, ended.exc_value or ended.exc_type(), ended.exc_traceback
    )


def answered(method: str, route: str, status: int, seconds: float, **fields: object) -> None:
    """Note an answer: one that is not a refusal only at level debug. `route` is a known path, or "other"."""
    level = logging.WARNING if status >= 500 else logging.INFO if status >= 400 else logging.DEBUG
    if access.isEnabledFor(level):
        known = {"method": method, "route": route, "status": status, "seconds": round(seconds, 6), **fields}
        access.log(level, "answered", extra={"per": (route, status), **known})


class Lines(logging.Handler):
    """Writes each record as one line, and never waits for who reads them.

    Of one place in the code, or of one route and status, at most 20 lines are written in a second. What is left out,
    because of that or because nobody reads, is counted: in `not_shown` of the next line from there, or at the end.
    """

    def __init__(self, file: int) -> None:
        super().__init__()
        self._file, self._poll = _unwaiting(file), select.poll()
        self._poll.register(self._file, select.POLLOUT)
        self._shown: dict[Place, tuple[int, int]] = {}
        self._not_shown: dict[Place, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        place = (record.name, record.lineno, getattr(record, "per", None))
        second = int(record.created)
        began, n_shown = self._shown.get(place, (second, 0))
        n_shown = n_shown if began == second else 0
        if n_shown >= LINES_A_SECOND:
            self._not_shown[place] = self._not_shown.get(place, 0) + 1
            return
        self._shown[place] = (second, n_shown + 1)
        content = fields(record)
        if place in self._not_shown:
            content["not_shown"] = self._not_shown[place]
        if self._write(content):
            self._not_shown.pop(place, None)
        else:
            self._not_shown[place] = self._not_shown.get(place, 0) + 1

    def close(self) -> None:
        """Say how many lines were left out since the last that said so."""
        for (name, *_), n in self._not_shown.items():
            record = logging.LogRecord(name, logging.WARNING, "", 0, "lines were left out", (), None)
            self._write({**fields(record), "not_shown": n}, milliseconds=1_000)
        self._not_shown.clear()
        super().close()

    def _write(self, content: Mapping[str, Any], milliseconds: int = 0) -> bool:
        """Return whether the line was written: it is not while a pipe is full, or closed."""
        try:
            if not any(event & select.POLLOUT for _, event in self._poll.poll(milliseconds)):
                return False
            os.write(self._file, encode(content))
        except OSError:
            return False
        return True


def _unwaiting(file: int) -> int:
    """Return a descriptor of the same pipe that never waits: another worker may fill it between a look and a write."""
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            return os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # of another user, or no such folder
        pass
    return file


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says of a record.

    Of messages that are not ours only the first line is kept: asyncio shows objects, with what they hold, below it.
    """
    event = record.getMessage()
    if not record.name.startswith(OURS):
        event = event.partition("\n")[0]
    known: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "pid": record.process,
        "event": event[:EVENT_CHARACTERS],
    }
    for name in FIELDS:
        if (value := getattr(record, name, None)) is not None:
            known[name] = value if isinstance(value, int | float) else str(value)[:FIELD_CHARACTERS]
    if record.exc_info and record.exc_info[1]:
        known |= _of_error(record.exc_info[1])
    return known


def encode(content: Mapping[str, Any]) -> bytes:
    """Return content as one line of at most `LINE_BYTES` bytes, in ASCII; where it is longer, texts are cut."""
    most = TRACEBACK_CHARACTERS
    while len(line := json.dumps(_cut(content, most)).encode() + b"\n") > LINE_BYTES:
        most //= 2
    return line


def _cut(content: Any, most: int) -> Any:
    if isinstance(content, str):
        return content if len(content) <= most else f"…{content[-most:]}"
    return {key: _cut(value, most) for key, value in content.items()} if isinstance(content, Mapping) else content


def _of_error(error: BaseException) -> dict[str, Any]:
    if isinstance(error, EvergreenError):
        return {
            "error": {"code": error.code, "what": error.what, "where": error.where, "next": error.next_step},
        }
    return {"error": {"what": _said(error)}, "traceback": _frames(error)}


def _frames(error: BaseException) -> str:
    """Return the traceback of an error and of what it came from, without what its message says."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and len(parts) < 5:
        parts.append("".join(traceback.format_tb(link.__traceback__)) + _said(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(reversed(parts))[-TRACEBACK_CHARACTERS:]


def _said(error: BaseException) -> str:
    """Return what may be told of an error: libraries put the values that they stumble on into their messages."""
    if isinstance(error, EvergreenError):
        return str(error)
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}: {error.filename}"
    return f"{type(error).__module__}.{type(error).__name__}"


def _warned(
    message: Warning | str,  # noqa: ARG001  it may hold what the library warns of
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  Python passes all of them
    line: str | None = None,  # noqa: ARG001  the same
) -> None:
    logging.getLogger("serving").warning("%s", category.__name__, extra={"where": f"{filename}:{lineno}"})


def _uncaught(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    logging.getLogger("serving").critical("ended by an error", exc_info=(kind, error, frames))
