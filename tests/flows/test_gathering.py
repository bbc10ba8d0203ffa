"""The rows of a window and the answers to them: where they were served, or else at the source, in any state."""

from dataclasses import replace
from datetime import date

import looking
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from direct import A_DAY, Direct
from looking import APRIL, LATE, MARCH, at

from evergreen.data import datasets
from evergreen.record.predicted import ID
from flows.gathering import checked_source, rows_of, rows_of_source
from flows.monitoring import look_at

WEEK = date(2024, 3, 1), date(2024, 3, 8)
OF_A_WEEK, OF_MARCH = 7 * A_DAY, 31 * A_DAY


@pytest.fixture
def served(visited):
    """The rows of a week of which each third one was served, with the ids of the answers."""
    rows = looking.source(visited)
    rows = rows[(rows["at"] >= at("03-01")) & (rows["at"] < at("03-08"))].iloc[::3].reset_index(drop=True)
    return rows.assign(id=looking.serve(visited, rows, np.linspace(0.05, 0.95, len(rows))))


def gathered(project, start=MARCH, end=APRIL, *, as_of=LATE):
    do = Direct()
    found, trusted = rows_of(project.for_period(start, end), project.champion(), as_of=as_of, do=do)
    return found, trusted, do.names


def test_rows_that_were_served_come_with_their_answers_and_the_source_beside_them(visited, served):
    found, trusted, names = gathered(visited, *WEEK)
    rows = pq.read_table(visited.workspace.verified(found.rows)).to_pandas().set_index(ID).loc[served["id"]]
    answers = visited.workspace.read(found.answers)
    assert (found.source, found.n, found.said.n, found.refused) == ("served", len(served), len(served), "")
    assert rows["visit"].tolist() == served["visit"].tolist()
    assert set(answers["prediction_id"]) == set(served["id"])
    assert trusted.rows == OF_A_WEEK
    assert "score" not in names


def test_what_is_served_after_the_time_of_the_look_is_not_there(visited, served):
    found, _, _ = gathered(visited, *WEEK, as_of=at("03-03"))
    assert (found.source, found.n) == ("served", (served["at"] < at("03-03")).sum())


def test_window_in_which_nothing_was_served_is_that_of_the_source_and_the_champion_answers_it(visited, served):
    found, trusted, names = gathered(visited, date(2024, 3, 8), date(2024, 3, 15))
    rows = pd.read_parquet(visited.workspace.verified(found.answered))
    answers = visited.workspace.read(found.answers)
    assert (found.source, found.n, found.said, names.count("score")) == ("source", OF_A_WEEK, None, 1)
    assert trusted == found.answered
    assert answers["target"].tolist() == rows["returned"].tolist()
    assert np.corrcoef(answers["probability"], rows["pages"])[0, 1] > 0.8  # of which people come back
    assert (answers["label"] == (answers["probability"] >= visited.champion().threshold)).all()


def test_window_without_a_row_anywhere_is_empty_and_not_refused(visited):
    found, trusted, names = gathered(visited, date(2024, 5, 1), date(2024, 6, 1))
    assert (found.source, found.n, found.rows, found.answered, found.answers, trusted) == ("source", 0, *[None] * 4)
    assert found.refused == ""
    assert "score" not in names


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda path, rows: rows.drop(columns="pages").to_csv(path, index=False), "pages"),
        (lambda path, _: path.write_bytes(b"\x00\xff\xfe no table\n\x00"), "DQ029: "),
    ],
)
def test_source_that_cannot_be_read_says_why_and_gives_no_rows(visited, broken, why):
    path = visited.settings.project / "visits.csv"
    broken(path, looking.source(visited))
    found, trusted, _ = gathered(visited)
    assert (found.n, found.answered, found.answers, trusted) == (0, None, None, None)
    assert why in found.refused


def test_rows_that_break_the_contract_are_there_to_be_looked_at_and_nobody_answers_them(visited):
    project = looking.asking(visited, "{name: pages, ", "{name: pages, min: -9, max: 9, ")
    rows = looking.source(project)
    looking.bring(project, rows.assign(pages=rows["pages"].where(~looking.since(rows, "03-01"), rows["pages"] * 1000)))
    found, trusted, names = gathered(project)
    assert (found.n, found.answered, found.answers, trusted) == (OF_MARCH, None, None, None)
    assert "pages" in found.refused
    assert "score" not in names


def test_few_rows_that_break_the_contract_are_looked_at_and_not_answered(visited):
    project = looking.asking(visited, "{name: pages, ", "{name: pages, min: -9, max: 9, ")
    rows = looking.source(project)
    bad = rows.index[rows["at"] >= at("03-01")][:5]
    looking.bring(project, rows.assign(pages=rows["pages"].mask(rows.index.isin(bad), 99.0)))
    window = project.for_period(MARCH, APRIL)
    found = rows_of_source(window, project.champion(), Direct())
    seen = sum(batch.num_rows for _, batch in datasets.batches(window.workspace.path(found.rows.uri), found.rows))
    assert (seen, found.answered.rows, found.answers.rows) == (OF_MARCH, OF_MARCH - 5, OF_MARCH - 5)
    assert (found.quarantined, found.refused) == (5, "")
    assert checked_source(window, Direct()).answers is None


def test_source_that_is_refused_takes_nothing_from_what_was_served(visited, served):
    looking.bring(visited, looking.source(visited).drop(columns="pages"))
    found, trusted, _ = gathered(visited, *WEEK)
    assert (found.source, found.n, found.refused, trusted) == ("served", len(served), "", None)


def test_labels_that_the_source_knows_count_for_rows_that_were_served(visited, served, monkeypatch):
    looking.directly(monkeypatch)
    truth, said = served["returned"].to_numpy(), np.linspace(0.05, 0.95, len(served))
    found = look_at(visited, *WEEK, as_of=LATE)
    assert (found.source, found.labels.verdict, found.labels.n_labelled) == ("served", "complete", len(served))
    assert sum(day.loss for day in found.days) == pytest.approx(((said - truth) ** 2).sum())
    assert found.skew.n_pairs == len(served)
    early = look_at(visited, *WEEK, as_of=at("03-05"))  # labels are due a day after their rows
    assert [day.day for day in early.days] == [date(2024, 3, day) for day in (1, 2, 3)]


def test_window_may_have_fewer_rows_than_a_training_needs(visited):
    demanding = replace(visited, contract=visited.contract.model_copy(update={"rows": (10**6, None)}))
    found = checked_source(demanding.for_period(date(2024, 3, 1), date(2024, 3, 2)), Direct())
    assert (found.refused, found.answered.rows) == ("", A_DAY)
