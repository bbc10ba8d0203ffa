"""Bars of long work in a terminal: trials and the best score so far, files and rows that are scored, months walked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from evergreen.learning.model.scored import Progress as Scored
from evergreen.learning.tuning import progress

SEARCH = "evergreen.learning.tuning.search"
SCORING = "tasks.partitions.progress"


class Bar(logging.Handler):
    """Shows the progress that a search logs."""

    def __init__(self, shown: Progress) -> None:
        super().__init__()
        self._shown = shown
        self._task: TaskID | None = None

    def emit(self, record: logging.LogRecord) -> None:
        logged = getattr(record, "progress", None)
        if not isinstance(logged, progress.Progress):
            return
        if self._task is None:
            self._task = self._shown.add_task("", total=logged.of, best="")
        best = "" if logged.best is None else f"best so far {logged.best:.4f}"
        self._shown.update(self._task, completed=logged.done, best=best)
        if logged.done == logged.of:
            self._shown.remove_task(self._task)
            self._task = None


class ScoringBar(logging.Handler):
    """Shows the progress that scoring logs: by file, and by row where a file says how many it has."""

    def __init__(self, shown: Progress) -> None:
        super().__init__()
        self._shown = shown
        self._task = shown.add_task("", total=None, rows="")

    def emit(self, record: logging.LogRecord) -> None:
        logged = getattr(record, "progress", None)
        if isinstance(logged, Scored):
            rows = f"{logged.rows:,} rows" if logged.of == 1 else f"file {logged.done + 1} of {logged.of}"
            total = logged.of if logged.of > 1 or logged.share else None
            self._shown.update(self._task, completed=logged.done + logged.share, total=total, rows=rows)


@contextmanager
def scoring_bar() -> Iterator[None]:
    """Show a bar while files are scored, where logs go to a terminal."""
    console = _terminal()
    if console is None:
        yield
        return
    columns = (TextColumn("scoring"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn())
    scoring = logging.getLogger(SCORING)
    before = scoring.level, scoring.propagate
    with Progress(*columns, console=console, transient=True) as shown:
        drawn = ScoringBar(shown)
        scoring.addHandler(drawn)
        scoring.setLevel(logging.DEBUG)
        scoring.propagate = False
        try:
            yield
        finally:
            scoring.removeHandler(drawn)
            scoring.setLevel(before[0])
            scoring.propagate = before[1]


def walking(console: Console) -> Progress:
    """Return what shows how many months of a walk are done, and what is being done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _terminal() -> Console | None:
    handlers = [handler for handler in logging.getLogger("evergreen").handlers if isinstance(handler, RichHandler)]
    return handlers[0].console if handlers and handlers[0].console.is_terminal else None


@contextmanager
def bar() -> Iterator[None]:
    """Show a bar instead of a line for each trial, where logs go to a terminal."""
    handlers = [handler for handler in logging.getLogger("evergreen").handlers if isinstance(handler, RichHandler)]
    if not handlers or not handlers[0].console.is_terminal:
        yield
        return
    columns = (
        TextColumn("tuning"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}"),
        TimeElapsedColumn(),
    )
    search = logging.getLogger(SEARCH)
    with Progress(*columns, console=handlers[0].console, transient=True) as shown:
        drawn = Bar(shown)
        search.addHandler(drawn)
        handlers[0].addFilter(_is_no_progress)
        try:
            yield
        finally:
            handlers[0].removeFilter(_is_no_progress)
            search.removeHandler(drawn)


def _is_no_progress(record: logging.LogRecord) -> bool:
    return not hasattr(record, "progress")
