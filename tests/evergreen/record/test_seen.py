"""The last day that a version has seen: of its own rows where they are kept, and else of all before its end."""

from datetime import date

import pandas as pd
import pytest
from tables import contract_of

from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.record.seen import last_seen

END = date(2013, 2, 1)


@pytest.fixture
def ws(tmp_path):
    return Workspace(root=tmp_path)


@pytest.fixture
def written(ws, contract):
    """Return the reference of a table of rows at these instants."""

    def written(*times):
        instants = pd.to_datetime(list(times), utc=True).astype("datetime64[us, UTC]")
        return ws.write("train", pd.DataFrame({contract.time: instants, "carrier": "UA"}))

    return written


@pytest.mark.parametrize(
    ("times", "day"),
    [
        (["2013-01-05T12:00Z", "2013-01-20T12:00Z", "2013-01-07T12:00Z"], "2013-01-20"),
        (["2013-01-21T04:59Z"], "2013-01-20"),  # a minute before midnight in New York
        (["2013-01-21T05:00Z"], "2013-01-21"),
        (["2013-06-21T03:59Z"], "2013-06-20"),  # in summer it is four hours behind
        (["2013-06-21T04:00Z"], "2013-06-21"),
    ],
)
def test_it_is_the_local_day_of_the_latest_row(ws, contract, written, times, day):
    assert last_seen(written(*times), END, contract, ws) == pd.Timestamp(day)


def test_rows_that_are_not_kept_any_more_are_taken_for_all_before_the_end(ws, contract, written):
    train = written("2013-01-05T12:00Z")
    ws.path(train.uri).unlink()
    assert last_seen(train, END, contract, ws) == pd.Timestamp("2013-01-31")
    assert last_seen(None, END, contract, ws) == pd.Timestamp("2013-01-31")


def test_rows_that_are_others_by_now_are_not_believed(ws, contract, written):
    train = written("2013-01-05T12:00Z")
    ws.path(train.uri).write_bytes(ws.path(written("2013-01-09T12:00Z").uri).read_bytes())
    with pytest.raises(IntegrityError):
        last_seen(train, END, contract, ws)


def test_without_time_nobody_can_tell(ws, contract, written):
    train = written("2013-01-05T12:00Z")
    assert last_seen(train, None, contract, ws) is None
    assert last_seen(train, END, contract_of("binary"), ws) is None
