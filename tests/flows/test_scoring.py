"""The scoring flow: groups of files in turn, one run at a time into one target, and what it says at its end."""

import direct
import pandas as pd
import pytest

from evergreen.base.errors import ConfigError, IntegrityError, LostRace
from evergreen.record.predictions.table import files
from flows import scoring
from flows.scoring import run_scoring, score_planned
from tasks.planned import plan


@pytest.fixture
def days(visited):
    """The visits of four months, a file for each day."""
    rows = pd.read_csv(visited.settings.project / "visits.csv")
    for day, some in rows.groupby(rows["at"].str[:10]):
        path = visited.settings.project / "days" / f"day={day}" / "visits.csv"
        path.parent.mkdir(parents=True)
        some.to_csv(path, index=False)
    return visited.settings.project / "days"


def test_all_files_are_scored_in_groups_and_counted(visited, days, tmp_path):
    do, target = direct.Whole(), tmp_path / "out"
    planned = plan(str(days), target)
    found = score_planned(visited, planned, target, visited.champion(), do=do)
    assert do.names == ["score-partitions"] * 2  # of 121 files
    counts = {"rows": 1_815, "scored": 1_815, "refused": 0, "logged": 1_815, "files": 121, "skipped": 0, "failed": 0}
    assert found.model_dump(include=set(counts)) == counts
    assert (found.model, found.version, found.exit_code, len(found.listed)) == ("visits", 1, 0, 100)
    assert len(files(visited.settings.predictions, "table")) == 121
    again = score_planned(visited, planned, target, visited.champion(), do=do)
    assert (again.rows, again.skipped, again.logged) == (1_815, 121, 0)


def test_file_that_cannot_be_scored_is_named_first_and_gives_the_exit_code(visited, days, tmp_path):
    (days / "day=2024-04-01" / "visits.csv").write_text("at,minutes\n")
    found = score_planned(visited, plan(str(days), tmp_path), tmp_path, visited.champion(), do=direct.Whole())
    assert (found.failed, found.exit_code, found.listed[0].name) == (1, 3, "day=2024-04-01/visits.csv")
    assert found.rows == 1_800


def test_second_run_into_the_same_target_is_refused_while_the_first_one_works(visited, days, tmp_path):
    planned, champion = plan(str(days), tmp_path / "out"), visited.champion()
    with visited.ledger().lease(f"scoring:{tmp_path / 'out'}"), pytest.raises(LostRace):
        score_planned(visited, planned, tmp_path / "out", champion, do=direct.Whole())
    assert not (tmp_path / "out").exists()


def test_model_that_is_not_the_registered_one_answers_nothing(visited, days, tmp_path):
    champion = visited.champion()
    path = visited.workspace.path(champion.artifact.uri) / "model.skops"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(IntegrityError):
        score_planned(visited, plan(str(days), tmp_path / "out"), tmp_path / "out", champion, do=direct.Whole())
    assert not [each for each in (tmp_path / "out").rglob("*") if each.is_file()]


def test_run_is_named_for_its_target(visited, days, tmp_path, monkeypatch):
    shown = {}

    def opened(name, project, body, *, why, **asked):
        shown.update(name=name, why=why, **asked)
        return body()

    monkeypatch.setattr(scoring, "run_opened", opened)
    monkeypatch.setattr(scoring, "Recorder", direct.Whole)
    target = tmp_path / "out"
    found = run_scoring(visited, plan(str(days), target), target, visited.champion(), logs=False)
    assert (found.files, found.logged) == (121, 0)
    assert shown == {"name": "scoring", "why": str(target), "target": target, "version": 1}


def test_flow_scores_with_the_version_that_is_asked_for(visited, days, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "Recorder", direct.Whole)
    given = {"source": f"{days}/day=2024-04-*/*.csv", "target": str(tmp_path / "out")}
    found = scoring.scoring.fn(**given)
    assert (found.version, found.files) == (1, 30)
    assert scoring.scoring.fn(**given, version=1).skipped == 30
    with pytest.raises(ConfigError, match="no version '9'") as caught:
        scoring.scoring.fn(**given, version=9)
    assert caught.value.code == "STA006"
