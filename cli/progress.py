"""The bar of a search in a terminal: trials done, and the best score so far."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evergreen.learning.tuning import progress

SEARCH = "evergreen.learning.tuning.search"


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
