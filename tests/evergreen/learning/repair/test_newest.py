"""What a champion is repaired on: rows that it has not seen, in blocks of whole days, or why they do not do."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import released

from evergreen.base.artifacts.workspace import Workspace
from evergreen.config.contract.contract import Contract
from evergreen.config.params.features import FeatureParams
from evergreen.learning import features
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.learning.repair.newest import BLOCKS, FEWEST_ROWS, newest, require, require_recipe
from evergreen.learning.repair.recalibrating import CannotRepairError
from evergreen.learning.tuning import families

A_DAY, DAYS = 20, 40
FIRST = pd.Timestamp("2024-03-01", tz="Europe/Paris")  # the clocks go forward on the 31st
SEEN = pd.Timestamp("2024-03-10")  # the last day that was fitted on; a day of embargo follows
GATE = date(2024, 3, 20)  # the day after the last that the gate judged by


def rows() -> pd.DataFrame:
    """Return parcels of forty days, twenty a day, out of order."""
    table = released.table(A_DAY * DAYS)
    day = np.repeat(np.arange(DAYS), A_DAY)
    at = [FIRST + pd.DateOffset(days=int(n)) + pd.Timedelta(hours=i % A_DAY) for i, n in enumerate(day)]
    table["handed_in"] = pd.DatetimeIndex(at).tz_convert("UTC")
    return table.sample(frac=1, random_state=1)


def model_in(folder, contract: Contract = released.CONTRACT, pipeline=None) -> Model:
    fitted = pipeline or released.fitted("logistic")
    ref = models.save(Workspace(root=folder), "model", fitted, contract=contract, features=released.FEATURES, about={})
    return models.load(folder / ref.uri, ref.sha256)


def days_of(known) -> "pd.Series[str]":
    return known.rows["handed_in"].dt.tz_convert("Europe/Paris").dt.strftime("%m-%d")


@pytest.mark.parametrize(
    ("data_end", "since", "first"),
    [
        (GATE, None, "03-20"),  # enough came since the gate
        (date(2024, 4, 1), None, "03-12"),  # too few did: all that the model has not seen
        (GATE, date(2024, 3, 25), "03-25"),
        (GATE, date(2024, 3, 2), "03-12"),  # none that it has seen, whatever is asked
    ],
)
def test_rows_are_those_since_the_gate_or_a_day_that_the_model_has_not_seen(tmp_path, data_end, since, first):
    known = newest(model_in(tmp_path), rows(), last_seen=SEEN, data_end=data_end, since=since)
    days = days_of(known)
    assert (days.min(), days.max()) == (first, "04-09")
    assert days.value_counts().unique().tolist() == [A_DAY]


def test_rows_come_with_their_labels_and_what_the_model_says_of_them(tmp_path):
    model, given = model_in(tmp_path), rows()
    known = newest(model, given, last_seen=None, data_end=FIRST.date(), since=None)
    assert len(known.rows) == len(given)
    assert known.rows["parcel"].tolist() == given["parcel"].tolist()
    assert known.labels.tolist() == given["late"].tolist()
    names = features.inputs(released.CONTRACT, released.FEATURES).names
    made = features.build(given, released.CONTRACT, released.FEATURES)[names]
    np.testing.assert_allclose(known.estimates.values, model.pipeline.predict_proba(made)[:, 1], rtol=1e-12)


def test_blocks_are_stretches_of_whole_days_and_together_all_rows(tmp_path):
    known = newest(model_in(tmp_path), rows(), last_seen=SEEN, data_end=GATE, since=None)
    assert sorted(np.concatenate(known.blocks)) == [*range(len(known.rows))]
    stretches = [sorted(set(days_of(known).iloc[block])) for block in known.blocks]
    assert len(stretches) == BLOCKS
    assert [day for stretch in stretches for day in stretch] == sorted(set(days_of(known)))
    assert max(map(len, stretches)) - min(map(len, stretches)) <= 1


def test_fewer_days_than_blocks_make_a_block_each(tmp_path):
    days = [(FIRST + pd.DateOffset(days=n)).tz_convert("UTC") for n in range(2)]
    given = rows()
    given["handed_in"] = np.where(given.index % 2, *days)
    known = newest(model_in(tmp_path), given, last_seen=None, data_end=FIRST.date(), since=None)
    assert [len(block) for block in known.blocks] == [400, 400]


def test_classes_that_the_model_does_not_know_are_left_out(tmp_path):
    columns = [column.model_dump(exclude_unset=True) for column in released.CONTRACT.columns]
    columns[-1] = {"name": "late", "type": "category", "role": "target"}
    contract = Contract.model_validate({**released.CONTRACT.model_dump(exclude_unset=True), "columns": columns})
    given = rows()
    given["late"] = np.random.default_rng(3).choice(["early", "late", "on time"], len(given))
    asked = features.inputs(contract, released.FEATURES)
    pipeline = families.build("logistic", {}, task="multiclass", inputs=asked, features=released.FEATURES, seed=7)
    old = given[given["late"] != "early"]
    pipeline.fit(features.build(old, contract, released.FEATURES)[asked.names], old["late"].to_numpy())
    model = model_in(tmp_path, contract, pipeline)
    known = newest(model, given, last_seen=None, data_end=FIRST.date(), since=None)
    assert known.rows["parcel"].tolist() == old["parcel"].tolist()
    assert known.estimates.classes == ("late", "on time")


def test_nothing_that_is_unseen_is_said_with_how_much_is_needed(tmp_path):
    with pytest.raises(CannotRepairError, match="0 labelled rows came since, and at least 200 are"):
        newest(model_in(tmp_path), rows(), last_seen=pd.Timestamp("2024-05-01"), data_end=GATE, since=None)
    with pytest.raises(CannotRepairError, match="100 labelled rows came since"):
        newest(model_in(tmp_path), rows(), last_seen=SEEN, data_end=GATE, since=date(2024, 4, 5))


def test_as_many_labels_as_are_needed_are_enough_and_one_fewer_is_not():
    binary = np.arange(FEWEST_ROWS) < 20
    require(binary, released.CONTRACT)
    for few in (binary[1:], binary[:-1]):
        with pytest.raises(CannotRepairError, match="199 labelled rows"):
            require(few, released.CONTRACT)
    with pytest.raises(CannotRepairError, match="fewer than 20 rows of a class"):
        require(np.arange(FEWEST_ROWS) < 19, released.CONTRACT)
    with pytest.raises(CannotRepairError, match="of a class"):
        require(np.ones(FEWEST_ROWS, dtype=bool), released.CONTRACT)


def test_model_is_repaired_only_on_rows_that_are_made_as_its_own_were(tmp_path):
    model = model_in(tmp_path)
    require_recipe(model, released.CONTRACT, released.FEATURES)
    with pytest.raises(CannotRepairError, match="the contract is another than the champion's"):
        require_recipe(model, released.CONTRACT.model_copy(update={"label_delay_days": 3}), released.FEATURES)
    other = FeatureParams.model_validate({**released.FEATURES.model_dump(), "calendar": ("hour",)})
    with pytest.raises(CannotRepairError, match="the features are others than the champion's"):
        require_recipe(model, released.CONTRACT, other)
