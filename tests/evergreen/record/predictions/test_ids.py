"""Ids: unlike each other, unguessable, and enough to find a record wherever it is."""

import logged
import pytest

from evergreen.record.predictions import rolling
from evergreen.record.predictions.ids import ID, IdMaker, find, place
from evergreen.record.predictions.log import PredictionLog


def clock():
    return logged.NOON * 1_000


def test_ids_are_32_hex_digits_that_name_the_place_and_are_unlike_each_other():
    made = IdMaker("abcdef").make(10_000, 475_000, 5 * 4096 + 17)
    assert len(set(made)) == 10_000
    assert all(ID.fullmatch(each) for each in made)
    assert {place(each) for each in made} == {(475_000, "abcdef", 5 * 4096)}
    assert len({each[16:24] for each in made}) > 9_990  # random from their first digits on


@pytest.mark.parametrize("where", ["open", "closed", "table"])
def test_record_is_found_wherever_it_is(tmp_path, where):
    log = PredictionLog(tmp_path / "predictions", max_segment_bytes=50_000, clock=clock)
    names = [name for at in range(300) for name in logged.append(log, [at])]
    if where != "open":
        log.close()
    if where == "table":
        assert rolling.roll(tmp_path / "predictions").segments > 1

    for at in (0, 1, 150, 299):
        columns, row = find(tmp_path / "predictions", names[at])
        assert columns == logged.COLUMNS
        expected = logged.row(names[at], at)
        assert (row.prediction_id, row.features, row.received_us, row.label, row.rule) == (
            names[at],
            list(expected.features),
            expected.received_us,
            expected.label,
            expected.rule,
        )
        assert row.keys[1:] == [at, "xxx xxxxxx " + "x" * len(str(at))]
    log.close()


@pytest.mark.parametrize("name", ["", "x", "0" * 31, "G" * 32, "../" * 10, "0" * 32, "f" * 32])
def test_what_is_no_id_of_this_log_is_not_found(tmp_path, name):
    log = PredictionLog(tmp_path / "predictions")
    logged.append(log, [1])
    log.append_feedback(logged.COLUMNS, [logged.feedback("f" * 32, 1, label=True)])
    assert log.find(name) is None
    log.close()


def test_row_that_was_logged_into_the_next_segment_is_found(tmp_path):
    log = PredictionLog(tmp_path / "predictions", max_segment_bytes=2_000)
    early = log.new_ids(1)[0]
    for at in range(50):
        logged.append(log, [at])
    log.append(logged.COLUMNS, [logged.row(early, 9)])
    assert log.find(early)[1].features[2] == 9
    log.close()
