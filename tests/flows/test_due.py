"""Monitoring by the clock, in this process: what is looked at, what is announced, and what happens when two meet."""

from datetime import date

import looking
import pytest
from looking import APRIL, LATE, MARCH, MAY, at

from evergreen.project import Project
from flows import due, monitoring
from flows.due import catch_up, days_with_rows, to_be_acted_on, until_now, windows_due
from flows.monitoring import deciding_looks


@pytest.fixture
def told(visited, monkeypatch) -> list:
    """What is announced; looks and steps are called as functions."""
    do = looking.directly(monkeypatch)
    monkeypatch.setattr(due, "Recorder", lambda: do)
    announced = []
    monkeypatch.setattr(due, "announce", lambda project, look: announced.append(look.incident))
    return announced


def harmed(project):
    looking.bring(project, looking.flipped(looking.source(project), "04-01"))


def test_tick_looks_at_every_window_that_is_due_and_the_next_one_at_none(visited, told):
    first = catch_up(visited, now=at("05-03"))
    assert (first.looked_at, first.due) == (("2024-03", "2024-04"), None)
    again = catch_up(visited, now=at("05-03T12:00"))
    assert (again.looked_at, again.why) == ((), "no window is due")
    assert [(look.start, look.end) for look in deciding_looks(visited.ledger(), "visits")] == [
        (MARCH, APRIL), (APRIL, MAY),
    ]  # fmt: skip
    assert told == []


def test_harm_is_announced_at_every_tick_until_something_came_of_it(visited, told):
    harmed(visited)
    assert catch_up(visited, now=LATE).due == "v1:2024-05-01:2024-06-01"  # empty, and the last: the harm stands
    assert catch_up(visited, now=LATE).looked_at == ()
    assert told == ["v1:2024-05-01:2024-06-01"] * 2
    visited.ledger().record("visits", "retraining", told[0], {"window_end": "2024-06-01"})
    assert to_be_acted_on(visited) is None
    assert catch_up(visited, now=LATE).due is None
    assert len(told) == 2


def test_window_is_looked_at_again_as_its_labels_come(visited, told):
    assert catch_up(visited, now=at("04-01T12:00")).looked_at == ("2024-03",)  # the labels of its last day are not due
    assert catch_up(visited, now=at("04-01T18:00")).looked_at == ()
    assert catch_up(visited, now=at("04-02T02:00")).looked_at == ("2024-03",)
    assert catch_up(visited, now=at("04-03T02:00")).looked_at == ()


def test_window_without_rows_is_looked_at_once_however_often_the_clock_ticks(visited, told):
    assert catch_up(visited, now=LATE).looked_at == ("2024-03", "2024-04", "2024-05")
    assert catch_up(visited, now=LATE.replace(day=9)).looked_at == ()


def test_length_of_windows_is_a_parameter(visited, told):
    weekly = Project.open(overrides=["monitor.window=week"])
    assert windows_due(weekly, at("03-19")) == (
        (date(2024, 2, 26), date(2024, 3, 4)), (date(2024, 3, 4), date(2024, 3, 11)),
        (date(2024, 3, 11), date(2024, 3, 18)),
    )  # fmt: skip


def test_second_scheduler_on_the_same_ledger_leaves_it_to_the_first(visited, told):
    with visited.ledger().lease("due:visits"):
        caught = catch_up(visited, now=LATE)
    assert caught.looked_at == ()
    assert caught.why.startswith("somebody else looks: ")
    assert deciding_looks(visited.ledger(), "visits") == []


def test_without_a_champion_there_is_nothing_to_look_at(fresh):
    assert catch_up(fresh, now=LATE).why == "there is no champion yet"


def test_source_that_cannot_be_read_is_looked_at_once_and_the_look_says_so(visited, told):
    (visited.settings.project / "visits.csv").write_bytes(b"\x00\xff\xfe no table\n\x00")
    assert days_with_rows(visited) == ()
    assert catch_up(visited, now=at("05-03")).looked_at == ("2024-04",)
    (look,) = deciding_looks(visited.ledger(), "visits")
    assert look.faults.verdict == "fault"


def test_look_that_fails_leaves_what_was_looked_at_before_and_the_next_tick_goes_on(visited, told, monkeypatch):
    works, failing = monitoring.watch, [None]

    def fails(project, champion, start, end, **given):
        if start == APRIL and failing:
            failing.pop()
            raise OSError("the disk is away")
        return works(project, champion, start, end, **given)

    monkeypatch.setattr(monitoring, "watch", fails)
    with pytest.raises(OSError, match="disk is away"):
        catch_up(visited, now=at("05-03"))
    assert catch_up(visited, now=at("05-03")).looked_at == ("2024-04",)


def test_training_until_now_takes_all_rows_whose_labels_are_due_and_no_empty_days(visited, told):
    assert visited.params.ingest.end == MARCH
    assert until_now(visited, now=at("04-11T12:00")).params.ingest.end == date(2024, 4, 10)
    assert until_now(visited, now=LATE).params.ingest.end == MAY
