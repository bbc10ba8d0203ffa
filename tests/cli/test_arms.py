"""Policies as they are named, and their table as it is shown."""

import io
from datetime import date, timedelta

import pytest
from projects import Small
from rich.console import Console

from cli.arms import cells, chosen, headings, latency, require_months, shown, told
from evergreen.base.errors import ConfigError
from evergreen.decisions.drift.harm.days import Day
from evergreen.decisions.retrain.regret import Arm, Walked, table


def arm(policy, losses, *, trainings=0, cpu_seconds=12.3, uncounted=0):
    days = tuple(Day(day=date(2024, 3, 1) + timedelta(days=n), n=100, loss=loss) for n, loss in enumerate(losses))
    window = Walked(
        start=date(2024, 3, 1), end=date(2024, 4, 1), versions=(1,), days=days, value=0.7123, decision="d",
        triggers=(), outcome="keep",
    )  # fmt: skip
    return Arm(
        policy=policy, walked=(window,), trainings=trainings, repairs=2, refused=1, cpu_seconds=cpu_seconds,
        uncounted=uncounted,
    )  # fmt: skip


ARMS = (arm("every-1", [20.0, 21.0, 19.0], trainings=9), arm("any(harm,probe)", [20.0, 21.0, 19.0], uncounted=3))


@pytest.mark.parametrize(
    ("text", "policies"),
    [
        ("never,every-1", ("never", "every-1")),
        (" every-1 , any( harm, all(probe,every-3) ) ", ("every-1", "any(harm,all(probe,every-3))")),
        ("every-3", ("every-3",)),
        ("any(every-1,harm)", ("never", "any(every-1,harm)")),  # asks for more than the calendar
        ("drift", ("never", "drift")),
    ],
)
def test_policies_are_split_outside_brackets_and_have_something_to_be_compared_with(text, policies):
    assert chosen(text) == policies


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("never,drfit", "Did you mean 'drift'"),
        ("never,any(harm,probe", "is not closed"),
        ("never,,harm", "expected a policy"),
        ("", "expected a policy"),
        ("never,harm)", "is left over"),
        ("harm,never,harm", "there twice: harm"),
        ("any(harm,probe),any(harm, probe)", r"there twice: any\(harm,probe\)"),
    ],
)
def test_policy_that_is_unknown_broken_or_there_twice_is_refused(text, says):
    with pytest.raises(ConfigError, match=says) as caught:
        chosen(text)
    assert caught.value.code == "RPL002"


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "1.5d", "28d", "672h", "1w", "9999999d", "1d1h", "٣d"])
def test_latency_that_is_no_time_or_a_month_is_refused(text):
    with pytest.raises(ConfigError) as caught:
        latency(text)
    assert caught.value.code == "RPL003"


def test_latency_is_hours_or_days():
    assert (latency("0d"), latency(" 27d "), latency("671h")) == (
        timedelta(0),
        timedelta(days=27),
        timedelta(hours=671),
    )


def test_one_month_is_refused_and_two_are_not():
    with pytest.raises(ConfigError) as caught:
        require_months(date(2024, 3, 1), date(2024, 3, 1))
    assert caught.value.code == "RPL004"
    require_months(date(2023, 12, 1), date(2024, 1, 1))
    require_months(date(2023, 3, 1), date(2024, 3, 1))


def test_table_names_what_is_compared_with_and_has_a_line_for_each_policy():
    found = table(ARMS, training_cost=20.0)
    console = Console(file=io.StringIO(), width=200)
    console.print(shown(found, name="visits", metric="AUC"))
    text = console.file.getvalue()
    assert "visits: 2 policies on 1 months, 300 rows" in text
    assert "Compared with every-1: the only every-k." in " ".join(text.split())
    assert [line.split()[0] for line in text.splitlines()[3:5]] == ["every-1", "any(harm,probe)"]


def test_cells_say_what_is_unknown_and_what_is_at_least():
    every, both = (cells(row) for row in table(ARMS, training_cost=20.0).rows)
    assert every == ("every-1", "0.712", "0.2000", "9", "2", "1", "12", "180", "180", "-")
    assert both == ("any(harm,probe)", "0.712", "0.2000", "0", "2", "1", "≥ 12", "0", "0", "-180 [-180, -180]")
    assert len(headings("AUC", "every-1")) == len(every)
    alone = cells(table([arm("never", [])], training_cost=1.0).rows[0])
    assert alone[2:4] == ("0.0000", "0")


def test_difference_without_an_interval_says_so():
    one_day = table([arm("every-1", [20.0]), arm("harm", [10.0])], training_cost=0.0)
    assert cells(one_day.rows[1])[-1] == "-10 [unknown]"


def test_digest_is_of_decisions_and_of_no_clock():
    found = table(ARMS, training_cost=20.0)
    one, other = (
        told(found, [each.model_copy(update={"cpu_seconds": seconds, "uncounted": n}) for each in ARMS], timedelta(1))
        for seconds, n in ((1.0, 0), (2.0, 7))
    )
    assert one["digest"] == other["digest"]
    assert one["decisions"] == other["decisions"]
    changed = [ARMS[0], arm("any(harm,probe)", [20.0, 21.0, 19.1])]
    assert told(found, changed, timedelta(1))["digest"] != one["digest"]
    assert one["latency_hours"] == 24.0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--to", "2013-03", "--policies", "never"), "RPL004", "two months at least"),
        (("--to", "2013-04", "--policies", "never,prob"), "RPL002", "Did you mean 'probe'"),
        (("--to", "2013-04", "--policies", "never", "--latency", "soon"), "RPL003", "--latency 36h"),
        (("--to", "2013-04", "--latency", "1d"), "RPL003", "Add --policies"),
        (("--to", "2013-02", "--policies", "never"), "CFG015", "Exchange"),
    ],
)
def test_replay_of_what_cannot_be_is_refused_before_anything_begins(
    small_project: Small, arguments: tuple[str, ...], code: str, says: str
) -> None:
    block = small_project.refused("replay", "--from", "2013-03", *arguments, code=2)
    assert code in block
    assert says in block
    assert not (small_project.home / "replays").exists()
