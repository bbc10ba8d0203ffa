"""The bar of a search: as far as its last trial, and gone when it has ended."""

import io
import logging

import pytest
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import Progress as Shown

from cli.progress import SCORING, SEARCH, Bar, ScoringBar, bar, scoring_bar
from evergreen.learning.model import scored
from evergreen.learning.tuning.progress import Progress


def record(progress=None):
    found = logging.LogRecord("n", logging.INFO, "p", 1, "m", (), None)
    if progress is not None:
        found.progress = progress
    return found


def test_bar_follows_the_trials_and_goes_when_they_are_done():
    shown = Shown(console=Console(file=io.StringIO()))
    drawn = Bar(shown)
    drawn.emit(record())
    assert shown.tasks == []
    drawn.emit(record(Progress(1, 3, None)))
    drawn.emit(record(Progress(2, 3, 0.71234)))
    (task,) = shown.tasks
    assert (task.completed, task.total, task.fields["best"]) == (2, 3, "best so far 0.7123")
    drawn.emit(record(Progress(3, 3, 0.8)))
    assert shown.tasks == []
    drawn.emit(record(Progress(1, 5, None)))  # another search begins
    assert [task.total for task in shown.tasks] == [5]


@pytest.mark.parametrize("terminal", [True, False])
def test_lines_of_trials_are_left_out_only_where_a_bar_is_shown(monkeypatch, terminal):
    handler = RichHandler(console=Console(file=io.StringIO(), force_terminal=terminal))
    logger = logging.getLogger("evergreen")
    monkeypatch.setattr(logger, "handlers", [handler])
    search = logging.getLogger(SEARCH)
    with bar():
        assert any(isinstance(each, Bar) for each in search.handlers) is terminal
        assert bool(handler.filter(record(Progress(1, 3, None)))) is not terminal
        assert handler.filter(record())
    assert not any(isinstance(each, Bar) for each in search.handlers)
    assert handler.filter(record(Progress(1, 3, None)))


def test_bar_of_scoring_follows_rows_of_one_file_and_files_of_many():
    shown = Shown(console=Console(file=io.StringIO()))
    drawn = ScoringBar(shown)
    (task,) = shown.tasks
    drawn.emit(record())
    drawn.emit(record(scored.Progress(0, 1, 65_536, 0.25)))
    assert (task.completed, task.total, task.fields["rows"]) == (0.25, 1, "65,536 rows")
    drawn.emit(record(scored.Progress(0, 1, 70_000, 0.0)))  # of text, whose rows nobody has counted
    assert task.total == 1
    drawn.emit(record(scored.Progress(4, 9, 10, 0.5)))
    assert (task.completed, task.total, task.fields["rows"]) == (4.5, 9, "file 5 of 9")


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_of_scoring_is_told_only_where_a_bar_is_shown(monkeypatch, terminal):
    handler = RichHandler(console=Console(file=io.StringIO(), force_terminal=terminal))
    monkeypatch.setattr(logging.getLogger("evergreen"), "handlers", [handler])
    scoring = logging.getLogger(SCORING)
    logging.getLogger("tasks").setLevel(logging.INFO)
    with scoring_bar():
        assert scoring.isEnabledFor(logging.DEBUG) is terminal
        assert scoring.propagate is not terminal
    assert not scoring.isEnabledFor(logging.DEBUG)
    assert scoring.propagate
    assert not any(isinstance(each, ScoringBar) for each in scoring.handlers)


def test_logger_of_scoring_is_the_one_that_is_drawn():
    from tasks import partitions

    assert partitions.progress.name == SCORING
