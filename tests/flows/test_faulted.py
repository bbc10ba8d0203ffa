"""The windows that faults are put into: which, how they are looked at, and what is new with a fault."""

from datetime import UTC, date, datetime

import looking
import pytest
from looking import APRIL, LATE, MARCH, MAY

from evergreen.base.errors import ConfigError
from flows.drill import drill
from flows.faulted import Faulted, Plain, said_of
from flows.scratch import scratch_of


def test_windows_whose_promise_is_broken_without_a_fault_are_not_taken(shop):
    looking.bring(shop, looking.flipped(looking.source(shop), "04-01"))
    found = drill(shop, faults=["concept-flip"])
    assert (found.start, found.end) == (date(2024, 3, 1), APRIL)
    assert [said.partition(":")[0] for said in found.skipped] == ["2024-04"]
    assert found.faults[0].by == ("harm",)


def test_labels_that_are_not_due_yet_are_not_drilled(shop):
    found = drill(shop, faults=["dead-feature"], now=datetime(2024, 4, 20, tzinfo=UTC))
    assert (found.start, found.end) == (APRIL, date(2024, 4, 19))


def test_drill_without_rows_after_the_champions_says_so_and_what_to_do(shop):
    rows = looking.source(shop)
    looking.bring(shop, rows[rows["at"] < looking.at("03-04")])
    with pytest.raises(ConfigError) as caught:
        drill(shop)
    assert caught.value.code == "DRL001"
    assert "2024-03-01, where the data of version 1 ends, and 2024-03-04" in caught.value.what
    assert "--set ingest.end=2024-01-30" in caught.value.next_step
    assert not (shop.settings.home / "drill").exists()


def test_window_without_rows_or_that_the_champion_has_seen_is_refused(shop):
    with pytest.raises(ConfigError) as caught:
        drill(shop, (date(2024, 6, 1), date(2024, 7, 1)))
    assert caught.value.code == "DRL001"
    with pytest.raises(ConfigError) as caught:
        drill(shop, (date(2024, 2, 1), date(2024, 3, 1)))
    assert caught.value.code == "MON001"


@pytest.fixture
def faulted(request):
    """Return a drill's windows of a project, as of a time."""

    def begin(project, now=LATE):
        folder = scratch_of(project, "drill")
        entered = folder.__enter__()
        request.addfinalizer(lambda: folder.__exit__(None, None, None))
        return Faulted(project, entered, now)

    return begin


def test_windows_are_the_months_after_the_champions_data_whose_labels_are_due(visited, faulted):
    assert faulted(visited).windows() == [(MARCH, APRIL), (APRIL, MAY)]


@pytest.mark.parametrize(
    ("now", "windows"),
    [
        ("04-20", [(MARCH, APRIL), (APRIL, date(2024, 4, 19))]),  # labels take a day
        ("04-08", [(MARCH, APRIL)]),  # six days are no window
        ("04-09", [(MARCH, APRIL), (APRIL, date(2024, 4, 8))]),
    ],
)
def test_part_of_a_month_is_a_window_if_it_is_a_week(visited, faulted, now, windows):
    assert faulted(visited, looking.at(now)).windows() == windows


def test_window_that_is_named_is_taken_alone(visited, faulted):
    assert faulted(visited).choose((MARCH, APRIL)) == ([(MARCH, APRIL)], [])


def test_look_without_a_fault_is_made_once(visited, faulted):
    drill = faulted(visited)
    look = drill.unfaulted((MARCH, APRIL))
    assert drill.unfaulted((MARCH, APRIL)) is look
    assert (look.rows, look.start, look.end) == (31 * 15, MARCH, APRIL)
    assert said_of(look) == frozenset()


def test_fault_is_put_into_one_window_and_nothing_is_left_of_its_rows(visited, faulted):
    drill = faulted(visited)
    came = drill.put("dead-feature", [(MARCH, APRIL), (APRIL, MAY)])
    assert (came.caught, came.windows, came.columns) == (True, 1, ("pages",))
    assert "faults: pages, constant" in came.alarms
    assert came.told == "page"
    assert came.after_rows == 2 * 15  # of two days: one alone has too few rows to call a column constant
    assert not any((visited.settings.home / "drill" / "faulted").iterdir())


def test_fault_that_no_column_can_have_is_nothing(visited, faulted):
    assert faulted(visited).put("renamed-category", [(APRIL, MAY)]) is None


def test_steps_are_called_as_functions_and_counted():
    do = Plain()
    step = type("Step", (), {"name": "doubled", "fn": staticmethod(lambda n: 2 * n)})
    assert do(step, 3) == 6
    assert [(run.name, run.cached) for run in do.steps] == [("doubled", False)]
