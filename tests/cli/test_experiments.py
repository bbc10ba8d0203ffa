"""What the command line reads of an experiment, and what it shows."""

from pathlib import Path

import pytest
from experimented import BEGUN, design

from cli import experiments
from evergreen.base.errors import ConfigError
from evergreen.decisions.experiments.ratios import Group
from evergreen.decisions.experiments.reading import Reading
from evergreen.decisions.experiments.sample_ratio import sample_ratio
from evergreen.decisions.experiments.verdict import Decision
from evergreen.record.experiments.course import Look, Report
from evergreen.record.experiments.kept import Experiment
from flows.experiments import Looked

GIVEN = {"unit": (), "planned": 100, "alpha": 0.05, "adjust": True, "then": "keep"}


def read(arms=("B=4",), goals=("error=0.02",), guards=(), name="checkout", **changed):
    return experiments.asked(name, arms, goals, guards, **{**GIVEN, **changed})


def refused(**given) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**given)
    assert caught.value.code == "EXP002"
    return caught.value.what


def test_variants_share_evenly_unless_their_share_is_said() -> None:
    assert [(one.name, one.version, one.share) for one in read(arms=("B=4",)).variants] == [("B", 4, 0.5)]
    three = read(arms=("B=4", "C=5")).variants
    assert [one.share for one in three] == pytest.approx([1 / 3, 1 / 3])
    assert read(arms=("B=4:0.1",)).variants[0].share == 0.1


def test_direction_of_a_metric_is_its_own_and_of_a_target_the_sign() -> None:
    found = read(goals=("error=0.02", "target=-0.03"), guards=("latency=5",))
    assert [(one.metric, one.better, one.effect) for one in found.goals] == [
        ("error", "lower", 0.02),
        ("target", "lower", 0.03),
    ]
    assert (found.guards[0].metric, found.guards[0].margin) == ("latency", 5)
    assert read(goals=("absolute_error=2",)).goals[0].metric == "absolute error"


@pytest.mark.parametrize("arm", ["B", "B=x", "=4", "B=4:much", "B=4:1.5", "B=4:0", "champion=4", "4=4"])
def test_variant_that_cannot_be_read_is_refused(arm) -> None:
    assert refused(arms=(arm,))


@pytest.mark.parametrize(
    "goal", ["error", "error=", "eror=0.02", "error=0", "error=-0.02", "error=nan", "absolute error=1"]
)
def test_goal_that_cannot_be_read_or_is_worth_nothing_is_refused(goal) -> None:
    assert refused(goals=(goal,))


def test_shares_that_do_not_add_up_are_refused_with_why() -> None:
    assert "no share" in refused(arms=("B=4:0.5", "C=5:0.5"))
    assert "names of their own" in refused(arms=("B=4:0.2", "B=5:0.2"))


def test_size_needs_a_rate_or_a_deviation() -> None:
    asked = {"alpha": 0.05, "power": 0.8, "rows": 4.0, "alike": 0.2}
    size = experiments.sized(0.1, None, 0.02, **asked)
    assert (size["once"], size["any_time"], size["any_time_units"]) == (6_149, 11_773, 2_944)
    for rate, deviation in ((None, None), (0.1, 2.0)):
        with pytest.raises(ConfigError) as caught:
            experiments.sized(rate, deviation, 0.02, **asked)
        assert caught.value.code == "EXP001"


def test_report_shows_what_follows_and_what_was_left_out(capsys) -> None:
    group = Group(units=90, rows=180, mean=0.2, variance=0.001)
    one = Reading(
        variant="B", metric="target", is_goal=True, champion=group, seen=group, difference=0.01, low=-0.08, high=0.1
    )
    decision = Decision(answer="inconclusive", variant=None, why="not known yet", would_decide=("[red]more[/] units",))
    look = Look(at=BEGUN, units=sample_ratio([90, 90], [0.5, 0.5]), labelled=None, readings=(one,), decision=decision)
    found = Looked(
        experiment=Experiment(design=design(), epoch=1, begun=BEGUN, by="Ada", reason="newer"),
        report=Report(looks=(look,), rows=180, mixed=2, keyless=3, fell_back={"B: slow": 4}),
    )
    experiments.show(found, Path("page.html"))
    said = " ".join(capsys.readouterr().out.split())
    for told in (
        "checkout runs; units: champion 90, B 90",
        "inconclusive: not known yet",
        "would decide: [red]more[/] units",
        "+0.010",
        "-0.080 to +0.100",
        "4 rows: the champion answered for B: slow",
        "2 units met several variants",
        "3 of 180 rows lack the unit's columns",
        "Page: page.html",
    ):
        assert told in said, told
