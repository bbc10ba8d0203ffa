"""The served step: the rows that were answered in a period, as they were sent, and the answers of one version."""

from datetime import date

import logged
import looking
import numpy as np
import pyarrow.parquet as pq
import pytest
from looking import LATE, at

from evergreen.base.artifacts.workspace import Workspace
from evergreen.record.predicted import ID
from evergreen.record.predictions import rolling
from evergreen.record.predictions.log import PredictionLog
from tasks.served import served


def taken(ws, predictions, contract, *, start="2024-03-02", end="2024-03-05", as_of=LATE, version=1):
    found = served.fn(
        predictions=predictions, version=version, ws=ws, contract=contract, start=date.fromisoformat(start),
        end=date.fromisoformat(end), as_of=as_of,
    )  # fmt: skip
    return found, pq.read_table(ws.verified(found.rows)).to_pandas(), ws.read(found.answers)


@pytest.fixture
def sent(visited):
    """The rows of the first days of March, with ids and answers, logged as they were answered."""
    rows = looking.source(visited)
    rows = rows[(rows["at"] >= at("03-01")) & (rows["at"] < at("03-06"))].reset_index(drop=True)
    said = np.linspace(0.1, 0.9, len(rows))
    return rows.assign(id=looking.serve(visited, rows, said), said=said)


@pytest.mark.parametrize("rolled", [False, True])
def test_rows_of_the_local_days_are_given_back_as_they_were_sent(visited, sent, rolled):
    if rolled:
        rolling.roll(visited.settings.predictions)
    found, rows, answers = taken(visited.workspace, visited.settings.predictions, visited.contract)
    inside = sent[(sent["at"] >= at("03-02")) & (sent["at"] < at("03-05"))].set_index("id")
    assert set(rows[ID]) == set(answers["prediction_id"]) == set(inside.index)
    again = rows.set_index(ID).loc[inside.index]
    for name in ("at", "minutes", "pages", "visit"):
        assert (again[name] == inside[name]).all()
    assert answers.set_index("prediction_id")["probability"].loc[inside.index].tolist() == inside["said"].tolist()
    assert answers["event_at"].is_monotonic_increasing
    assert (found.labels.n, found.labels.n_labelled) == (len(inside), 0)


def test_period_is_of_the_contracts_time_zone(visited, sent):
    there = visited.contract.model_copy(update={"timezone": "America/New_York"})
    _, rows, _ = taken(visited.workspace, visited.settings.predictions, there)
    inside = (sent["at"] >= at("03-02T05:00")) & (sent["at"] < at("03-05T05:00"))
    assert set(rows[ID]) == set(sent["id"][inside])


def test_label_is_beside_its_answer_once_it_was_known(visited, sent):
    looking.label(visited, sent["id"][20:50], sent["returned"][20:50], at("05-02"))
    before = taken(visited.workspace, visited.settings.predictions, visited.contract, as_of=at("05-01T12:00"))
    after = taken(visited.workspace, visited.settings.predictions, visited.contract, as_of=at("05-03"))
    assert before[2]["target"].isna().all()
    known = after[2].dropna(subset="target").set_index("prediction_id")
    assert known["target"].to_dict() == dict(zip(sent["id"][20:50], sent["returned"][20:50], strict=True))
    assert set(known["known_at"]) == {at("05-02")}


def test_rows_that_any_version_answered_are_there_and_answers_of_one(visited, sent):
    ids = looking.serve(visited, sent[20:30], np.full(10, 0.5), version=2)
    _, rows, answers = taken(visited.workspace, visited.settings.predictions, visited.contract, version=2)
    assert len(rows) == 3 * 15 + 10
    assert set(answers["prediction_id"]) == set(ids)


def test_nothing_served_is_no_rows_and_no_traffic(visited):
    found, rows, answers = taken(visited.workspace, visited.settings.predictions, visited.contract)
    assert (len(rows), len(answers), found.labels.verdict) == (0, 0, "no traffic")
    assert {"minutes", "pages", "visit", "at", ID} == {*rows}


def test_personal_columns_are_left_out_and_a_row_without_a_time_counts_when_it_was_answered(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    logged.append(log, [1, 2], event_us=None)
    log.close()
    ws, days = Workspace(root=tmp_path / "ws"), {"start": "2024-05-01", "end": "2024-05-02"}
    found, rows, _ = taken(ws, tmp_path / "predictions", logged.CONTRACT, version=3, **days)
    assert {*rows} == {ID, "at", "day", "weight", "stops", "Version", "insured"}
    assert sorted(rows["stops"]) == [1, 2]
    assert rows["at"].notna().all()
    assert found.answers.rows == 2
