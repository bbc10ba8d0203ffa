"""Rows that were made for one model and are asked of another: what it has seen, what it lacks, and its own past."""

from pathlib import Path

import pandas as pd
import pytest
import released

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning.model import model as models
from evergreen.learning.model.beside import as_it_knows_them, gone, local_days, same_past, unseen_after
from evergreen.learning.model.model import Model
from tasks.features import FeatureSet, features

LATE = {"late_before": {"of": "late", "by": ["carrier"], "lag": 1}}
ARRIVAL = {"arrival_before": {"of": "arrival", "by": ["size"], "aggregate": "max", "window_days": 3}}


def asked(**history: object) -> FeatureParams:
    return FeatureParams.model_validate({"history": history, "rare_category": 5, "test_days": 9, "embargo_days": 2})


def model_of(ws: Workspace, contract: Contract = released.CONTRACT, **history: object) -> Model:
    """Return a model that looks back on something; its pipeline is asked nothing here."""
    pipeline = released.fitted("logistic")
    ref = models.save(ws, "champion", pipeline, contract=contract, features=asked(**history), about={})
    return models.load(ws.path(ref.uri), ref.sha256)


def made(ws: Workspace, contract: Contract = released.CONTRACT, **history: object) -> tuple[Path, FeatureSet]:
    """Return where validated rows lie, and the tables that the features step makes of them."""
    rows = released.table(900).astype({"late": "boolean"})
    valid = ws.write("valid", rows[[column.name for column in contract.columns]])
    tables = features.fn(valid, ws=ws, contract=contract, params=asked(**history), seed=7)
    return ws.path(valid.uri), tables


def without(name: str) -> Contract:
    columns = tuple(column for column in released.CONTRACT.columns if column.name != name)
    return released.CONTRACT.model_copy(update={"columns": columns})


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace(root=tmp_path, by_content=True)


def test_local_day_is_that_of_the_contracts_zone_across_a_change_of_the_clocks():
    times = ["2024-03-30T22:59", "2024-03-30T23:00", "2024-03-31T21:59", "2024-03-31T22:00"]
    rows = pd.DataFrame({"handed_in": pd.to_datetime(times, utc=True)})
    days = local_days(rows, released.CONTRACT)  # Paris, whose clocks went forward on the 31st
    assert days.dt.strftime("%m-%d").tolist() == ["03-30", "03-31", "03-31", "04-01"]
    assert days.dt.tz is None


@pytest.mark.parametrize(("embargo", "unseen"), [(0, [3, 4, 5]), (1, [4, 5]), (2, [5]), (9, [])])
def test_rows_are_unseen_after_the_last_day_and_its_embargo(embargo, unseen):
    rows = pd.DataFrame({"handed_in": pd.date_range("2024-05-01T22:30", periods=6, freq="D", tz="UTC")})
    mask = unseen_after(pd.Timestamp("2024-05-04"), rows, released.CONTRACT, embargo)  # 00:30 of the second to the 7th
    assert [place for place, is_unseen in enumerate(mask) if is_unseen] == unseen
    assert unseen_after(None, rows, released.CONTRACT, embargo).tolist() == [True] * 6


def test_past_is_the_same_where_the_contract_is_and_the_models_features_are_among_those_of_the_rows(ws):
    theirs = model_of(ws, **LATE)
    assert same_past(theirs, released.CONTRACT, asked(**LATE))
    assert same_past(theirs, released.CONTRACT, asked(**LATE, **ARRIVAL))
    assert not same_past(theirs, released.CONTRACT, asked(**ARRIVAL))
    assert not same_past(theirs, released.CONTRACT, asked(late_before={**LATE["late_before"], "lag": 2}))
    later = released.CONTRACT.model_copy(update={"label_delay_days": 9})
    assert not same_past(theirs, later, asked(**LATE))


def test_column_that_is_looked_back_on_and_gone_is_named(ws):
    theirs = model_of(ws, **ARRIVAL)
    every = [column.name for column in released.CONTRACT.columns]
    assert gone(theirs, every) == ""
    assert gone(theirs, [name for name in every if name != "arrival"]) == (
        "it looks back on column 'arrival', which the candidate's rows do not have"
    )
    assert gone(theirs, [name for name in every if name != "copy"]) == ""  # which it asks of the row alone


def test_model_is_given_its_own_past_whatever_the_rows_were_made_with(ws):
    valid, own = made(ws, **ARRIVAL)
    _, other = made(ws, **LATE)
    theirs = model_of(ws, **ARRIVAL)
    given = as_it_knows_them(ws.read(other.test), theirs, released.CONTRACT, asked(**LATE), valid)
    expected = ws.read(own.test)["arrival_before"]
    assert expected.nunique() > 5
    pd.testing.assert_series_equal(given["arrival_before"], expected)


def test_past_that_is_the_same_already_is_not_made_again(ws, tmp_path):
    _, tables = made(ws, **LATE, **ARRIVAL)
    rows, theirs = ws.read(tables.test), model_of(ws, **LATE)
    given = as_it_knows_them(rows, theirs, released.CONTRACT, asked(**LATE, **ARRIVAL), tmp_path / "not there")
    pd.testing.assert_frame_equal(given, rows)


def test_column_that_is_gone_is_missing_and_no_other_is_touched(ws):
    valid, tables = made(ws, without("weight"))
    rows, theirs = ws.read(tables.test), model_of(ws)
    assert "weight" not in rows
    given = as_it_knows_them(rows, theirs, without("weight"), asked(), valid)
    assert given["weight"].isna().all()
    pd.testing.assert_frame_equal(given.drop(columns="weight"), rows)
