"""Rows whose labels are asked for: at random, the same ones again, and back with how likely they were asked."""

from datetime import UTC, datetime, timedelta

import labelled
import logged
import msgspec
import pandas as pd
import pyarrow.csv
import pytest
from scipy import stats

from evergreen.record.labels import adding
from evergreen.record.labels.asking import asked
from evergreen.record.labels.join import join
from evergreen.record.predictions import rolling
from evergreen.record.predictions.log import PredictionLog

NOON = datetime(2024, 5, 1, 12, 0, 15, 250, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    log = PredictionLog(tmp_path / "predictions")
    yield log
    log.close()


def ids(table):
    return table["prediction_id"].to_pylist()


def test_share_of_rows_is_asked_and_the_same_ones_again(log):
    names = logged.append(log, range(5_000))
    first = asked(log.folder, contract=logged.CONTRACT, share=0.1)
    low, high = stats.binom.interval(1 - 1e-6, 5_000, 0.1)
    assert low <= first.num_rows <= high
    log.close()
    rolling.roll(log.folder)
    again = asked(log.folder, contract=logged.CONTRACT, share=0.1)
    assert again.equals(first)
    more = asked(log.folder, contract=logged.CONTRACT, share=0.3)
    assert set(ids(first)) < set(ids(more)) < set(names)
    assert asked(log.folder, contract=logged.CONTRACT, share=1.0).num_rows == 5_000


def test_columns_are_those_that_are_filled_in_and_added(log):
    names = logged.append(log, [1, 2])
    rows = asked(log.folder, contract=logged.CONTRACT, share=1.0)
    assert rows.schema.names == ["prediction_id", "person", "day", "event_at", "label_propensity", "back"]
    assert ids(rows) == names
    assert rows["day"].to_pylist() == ["1", "2"]
    assert rows["back"].null_count == 2
    assert b"person-1" not in str(rows.to_pylist()).encode()


def test_period_is_of_events_and_other_models_are_left_out(log):
    names = logged.append(log, [1, 2, 3])
    log.append(msgspec.structs.replace(logged.COLUMNS, contract="others"), [logged.row(log.new_ids(1)[0], 2)])
    start, end = (NOON + timedelta(microseconds=at) for at in (2, 3))
    found = {
        "all": asked(log.folder, contract=logged.CONTRACT, share=1.0),
        "from": asked(log.folder, contract=logged.CONTRACT, share=1.0, start=start),
        "one": asked(log.folder, contract=logged.CONTRACT, share=1.0, start=start, end=end),
    }
    assert {name: ids(rows) for name, rows in found.items()} == {"all": names, "from": names[1:], "one": names[1:2]}


def test_row_that_was_logged_again_is_asked_once(log):
    (name,) = log.new_ids(1)
    log.append(logged.COLUMNS, [logged.row(name)])
    log.append(logged.COLUMNS, [logged.row(name)])
    assert ids(asked(log.folder, contract=logged.CONTRACT, share=1.0)) == [name]


def test_log_without_predictions_asks_nothing(tmp_path):
    assert asked(tmp_path, contract=logged.CONTRACT, share=0.5).num_rows == 0


def test_filled_file_comes_back_with_the_share_and_estimates_the_error_without_bias(tmp_path):
    world = labelled.world(tmp_path / "predictions", 20_000, seed=8, rolled=0.0, answers=False)
    path = tmp_path / "ask.csv"
    pyarrow.csv.write_csv(asked(world.folder, contract=logged.CONTRACT, share=0.05), path)
    truth = world.predictions.set_index("id")["truth"]
    filled = pd.read_csv(path)
    filled["back"] = truth.loc[filled["prediction_id"]].to_numpy()
    filled.to_csv(path, index=False)
    added = adding.add(
        world.folder, path, contract=logged.CONTRACT, refused=tmp_path / "labels", key=tmp_path / "pii.key"
    )
    assert (added.taken, added.refused, added.unknown_ids) == (len(filled), 0, 0)
    rows = join(world.folder, model="visits", as_of=datetime.now(UTC), delay=timedelta(days=30)).rows.to_pandas()
    came = rows[rows["target"].notna()]
    assert came["label_propensity"].eq(0.05).all()
    error = ((came["label"] != came["target"]) / came["label_propensity"]).sum() / len(rows)
    everywhere = (rows.set_index("prediction_id")["label"] != truth.loc[rows["prediction_id"]]).mean()
    spread = (everywhere * (1 - 0.05) / 0.05 / len(rows)) ** 0.5
    assert abs(error - everywhere) < 4.5 * spread
