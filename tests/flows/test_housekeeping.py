"""Housekeeping in this process: the inbox is emptied once, and nothing is deleted while somebody works."""

import os
from pathlib import Path

import looking
import numpy as np
import pytest
from looking import at

from evergreen.base.errors import DataError
from flows.housekeeping import empty_inbox, keep_house


@pytest.fixture
def inbox(visited):
    visited.settings.label_inbox.mkdir(parents=True)
    return visited.settings.label_inbox


def leave(inbox, name, text, *, age=0):
    file = inbox / name
    file.write_text(text)
    os.utime(file, (1_700_000_000 - age,) * 2)
    return file


def test_files_of_labels_are_taken_oldest_first_and_put_aside(visited, inbox):
    leave(inbox, "b.csv", "visit,returned\n2,true\n", age=100)
    leave(inbox, "a.csv", "visit,returned\n1,true\n")
    leave(inbox, ".c.csv", "visit,ret")  # somebody still writes it
    done = empty_inbox(visited)
    assert [Path(added.file).name for added in done.taken] == ["b.csv", "a.csv"]
    assert [added.taken for added in done.taken] == [1, 1]
    assert sorted(file.name for file in inbox.rglob("*") if file.is_file()) == [".c.csv", "a.csv", "b.csv"]
    assert empty_inbox(visited).taken == ()


def test_file_that_cannot_be_read_stays_and_is_an_error_once_the_others_are_in(visited, inbox):
    bad = leave(inbox, "bad.csv", "when,what\n1,2\n", age=100)
    good = leave(inbox, "good.csv", "visit,returned\n1,true\n")
    with pytest.raises(DataError):
        empty_inbox(visited)
    assert (bad.exists(), good.exists(), (inbox / "taken" / "good.csv").exists()) == (True, False, True)


def test_labels_that_somebody_else_takes_wait_without_an_error(visited, inbox):
    leave(inbox, "a.csv", "visit,returned\n1,true\n")
    with visited.ledger().lease("labels:visits"):
        done = empty_inbox(visited)
    assert (done.taken, list(done.left)) == ((), ["a.csv"])
    assert len(empty_inbox(visited).taken) == 1


def test_inbox_that_nobody_made_is_empty(visited):
    assert empty_inbox(visited).taken == ()


def test_log_is_rolled_and_what_nothing_names_goes(visited):
    rows = looking.source(visited)
    some = rows[rows["at"] >= at("04-29")]
    looking.serve(visited, some, np.full(len(some), 0.5))
    left = visited.workspace.root / "test-0123456789abcdef.parquet"
    left.write_bytes(b"x" * 100)
    os.utime(left, (1_700_000_000,) * 2)
    done = keep_house(visited, older_than_days=7)
    assert (done.predictions_rolled, done.why) == (len(some), "")
    assert done.freed >= 100
    assert not left.exists()


def test_nothing_is_deleted_while_somebody_trains(visited):
    left = visited.workspace.root / "test-0123456789abcdef.parquet"
    left.write_bytes(b"x" * 100)
    os.utime(left, (1_700_000_000,) * 2)
    with visited.ledger().lease("training:visits"):
        done = keep_house(visited, older_than_days=7)
    assert done.freed == 0
    assert "already running" in done.why
    assert left.exists()
