"""Which rung a look leads to, the history that it is made of, and how its candidate comes of the champion."""

import shutil
from datetime import date

import pytest
import stood
from looking import APRIL, MAY

from evergreen.decisions.retrain.ladder import Probed, Rung
from evergreen.project import Project
from evergreen.record.looks import Look
from flows.rungs import history_since, repair_of, rung_of

SINCE = date(2024, 4, 11)
RUNGS = (
    Rung(name="recalibration", window="all", gain=0.01),
    Rung(name="recalibration", window="recent", gain=0.02),
    Rung(name="refit", window="all", gain=0.03),
    Rung(name="refit", window="recent", gain=0.04),
    Rung(name="search"),
)
PROBED = Probed(evidence="tried", rungs=RUNGS, since=SINCE)


def look(rung: str | None, window: str | None = None, probed: Probed | None = PROBED) -> Look:
    decision = stood.DUE.model_copy(update={"rung": rung, "window": window})
    return stood.look(APRIL, MAY, probed=probed, decision=decision)


def asking(*overrides: str) -> Project:
    return Project.open(overrides=overrides)


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: f"{rung.name} {rung.window}")
def test_rung_is_that_which_was_measured_on_the_window_that_was_decided(rung):
    assert rung_of(look(rung.name, rung.window)) == rung


def test_decision_for_a_search_that_nothing_measured_has_no_rung():
    assert rung_of(look(None)) is None
    assert rung_of(look("refit", "all", probed=None)) is None
    assert rung_of(look("boosting", "all")) is None


def test_rung_on_what_is_recent_is_made_of_the_days_that_the_probe_called_so(fresh):
    assert history_since(fresh, look("refit"), RUNGS[3], MAY) == SINCE
    assert history_since(fresh, look("recalibration"), RUNGS[1], MAY) == SINCE
    assert history_since(asking("retrain.window=7"), look("refit"), RUNGS[3], MAY) == SINCE


@pytest.mark.parametrize("window", ["auto", "all"])
def test_everything_else_is_made_of_all(fresh, window):
    project = asking(f"retrain.window={window}")
    assert history_since(project, look("refit"), RUNGS[2], MAY) is None
    assert history_since(project, look(None), None, MAY) is None


def test_days_of_the_parameters_are_those_of_a_training_and_not_of_a_repair(fresh):
    project = asking("retrain.window=30")
    assert history_since(project, look("refit"), RUNGS[2], MAY) == APRIL
    assert history_since(project, look(None), None, MAY) == APRIL
    assert history_since(project, look("search"), RUNGS[4], MAY) == APRIL
    assert history_since(project, look("recalibration"), RUNGS[0], MAY) is None


@pytest.mark.parametrize(("start", "since"), [("2024-03-31", APRIL), ("2024-04-01", None), ("2024-04-09", None)])
def test_history_that_begins_later_anyway_is_not_asked_to_begin_before(fresh, start, since):
    assert (
        history_since(asking("retrain.window=30", f"ingest.start={start}", f"ingest.end={MAY}"), look(None), None, MAY)
        == since
    )


def test_repair_is_of_the_champion_and_its_choice(visited):
    champion = visited.champion()
    made = repair_of(visited, champion, RUNGS[1], SINCE)
    assert (made.rung, made.since, made.data_end) == ("recalibration", SINCE, date(2024, 3, 1))
    assert made.artifact == champion.artifact
    assert made.choice.family == "logistic"
    assert set(made.choice.params) == {"C"}


def test_model_that_was_fitted_on_the_gate_rows_too_has_seen_all_before_its_data_ended(visited):
    champion = visited.champion()
    judged = champion.model_copy(update={"as_judged": None})
    refitted = champion.model_copy(update={"as_judged": champion.artifact})
    assert repair_of(visited, judged, RUNGS[2], None).fitted_on == champion.train
    assert repair_of(visited, refitted, RUNGS[2], None).fitted_on is None


def test_search_is_no_repair_and_neither_is_anything_of_a_champion_without_time_or_folder(visited):
    champion = visited.champion()
    assert repair_of(visited, champion, None, None) is None
    assert repair_of(visited, champion, RUNGS[4], None) is None
    assert repair_of(visited, champion.model_copy(update={"data_end": None}), RUNGS[2], None) is None
    shutil.rmtree(visited.workspace.path(champion.artifact.uri))
    assert repair_of(visited, champion, RUNGS[2], None) is None
