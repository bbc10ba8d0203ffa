"""What was begun and not ended is noted until it ends, and can be asked for again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cli import unfinished
from cli.unfinished import UnfinishedRun, last, noted, open_again
from evergreen.base.errors import ConfigError, DataError
from evergreen.base.processes import mark
from evergreen.base.values import digest_of
from evergreen.project import Asked, Project


def notes(project):
    return list((project.settings.home / "unfinished").glob("*.json"))


def left(project, *, model="visits", minutes=0, alive=False, **asked):
    """Leave the note of a run that was killed, or of one that runs."""
    run = UnfinishedRun(
        model=model,
        asked=Asked(**asked),
        reason="because",
        params_digest=digest_of(project.params),
        at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes),
        process=mark() if alive else replace(mark(), started=1.0),
    )
    folder = project.settings.home / "unfinished"
    folder.mkdir(exist_ok=True)
    (folder / f"{model}{minutes}.json").write_text(run.model_dump_json())
    return run


def test_run_is_noted_as_long_as_it_runs(fresh):
    with noted(fresh, reason="because"):
        (note,) = notes(fresh)
        run = UnfinishedRun.model_validate_json(note.read_bytes())
        assert (run.model, run.reason, run.process) == ("visits", "because", mark())
        assert run.params_digest == digest_of(fresh.params)
        assert run.asked.allow_dirty is fresh.settings.allow_dirty
    assert notes(fresh) == []


@pytest.mark.parametrize(
    ("error", "n_left"), [(DataError("DQ000", "what"), 0), (KeyboardInterrupt(), 1), (OSError(), 1)]
)
def test_error_that_is_explained_ends_a_run_and_an_interrupt_does_not(fresh, error, n_left):
    with pytest.raises(type(error)), noted(fresh, reason=None):
        raise error
    assert len(notes(fresh)) == n_left


def test_run_that_ends_replaces_what_was_left_of_its_model_and_of_no_other(fresh):
    left(fresh)
    left(fresh, model="other")
    left(fresh, minutes=5, alive=True)
    with noted(fresh, reason=None):
        pass
    assert {note.stem for note in notes(fresh)} == {"other0", "visits5"}


def test_last_run_is_the_latest_whose_process_is_gone(fresh):
    left(fresh, minutes=1)
    wanted = left(fresh, minutes=2, overrides=("seed=8",))
    left(fresh, minutes=3, alive=True)
    (fresh.settings.home / "unfinished" / "broken.json").write_text("{")
    assert last(fresh.settings) == wanted
    assert "broken" not in {note.stem for note in notes(fresh)}


def test_nothing_to_resume_says_so(fresh):
    left(fresh, alive=True)
    with pytest.raises(ConfigError) as caught:
        last(fresh.settings)
    assert caught.value.code == "STA002"


def test_project_is_opened_as_it_was_asked_for_unless_its_parameters_are_others(fresh):
    other = Project.open(overrides=["seed=8"])
    assert open_again(left(other, overrides=("seed=8",))).params == other.params
    with pytest.raises(ConfigError, match="parameters have changed") as caught:
        open_again(left(other))
    assert caught.value.code == "STA003"
    assert unfinished.last(fresh.settings).model == "visits"
