"""Policies on the same months: who answers which day, what is shared, and that nothing of the user's is touched."""

import shutil
from datetime import date, timedelta

import direct
import looking
import pytest
from looking import at
from recorded import records

from evergreen.base.errors import GateRefused
from evergreen.base.values import digest_of
from evergreen.project import Project
from evergreen.record.outcomes import champion_facts
from evergreen.record.predictions import reading
from flows import arms
from flows.monitoring import deciding_looks
from flows.rehearsal import Costs

MARCH, APRIL, MAY = (date(2024, month, 1) for month in (3, 4, 5))
MONTHS = ((MARCH, APRIL), (APRIL, MAY))
DAY = timedelta(days=1)


def walk(project, *policies, latency=DAY, periods=MONTHS):
    """Return the arms, in this process."""
    course = arms.course(project, periods, latency)
    *events, walked = arms.replay_arms(project, policies, course, workers=1)
    assert events == [policy for policy in policies for _ in periods]
    return {arm.policy: arm for arm in walked}


def snapshot(folder):
    """Return the files of a folder with their contents' digests."""
    return {path.name: digest_of(path.read_bytes().hex()) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def kept(monkeypatch):
    return records(monkeypatch)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A project that walks change nothing of but its replays, and the records of its steps, for as many as like."""
    root = direct.visits(tmp_path_factory.mktemp("shared") / "visits")
    (root / ".evergreen").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        kept = records(patch)
        yield Project.open(), kept


def test_never_trains_nothing_and_every_1_after_each_month_but_the_last(shared):
    walked = walk(shared[0], "never", "every-1")
    never, monthly = walked["never"], walked["every-1"]
    assert (never.trainings, never.refused, monthly.trainings) == (0, 0, 1)
    assert [window.outcome for window in never.walked] == ["keep", "keep"]
    assert (monthly.walked[0].outcome, monthly.walked[0].rung) == ("promoted", "search")
    assert monthly.walked[1].outcome == "not done"  # nobody would see what it gained
    assert [window.start for window in monthly.walked] == [MARCH, APRIL]


def test_new_model_answers_from_the_decision_and_the_latency_on(shared):
    soon, late = (walk(shared[0], "never", "every-1", latency=n * DAY) for n in (1, 10))
    assert [window.versions for window in soon["every-1"].walked] == [(1,), (1, 2)]
    losses = {
        name: {day.day: day.loss for window in arm.walked for day in window.days}
        for name, arm in (("never", soon["never"]), ("soon", soon["every-1"]), ("late", late["every-1"]))
    }
    for day in (date(2024, 4, number) for number in range(1, 31)):
        assert (losses["soon"][day] == losses["never"][day]) == (day < date(2024, 4, 2))
        assert (losses["late"][day] == losses["never"][day]) == (day < date(2024, 4, 11))
        assert day < date(2024, 4, 11) or losses["late"][day] == losses["soon"][day]
    assert losses["soon"].keys() == losses["never"].keys()
    assert len(losses["never"]) == 61  # also the days whose labels came after the decision


def test_answers_at_once_without_latency(shared):
    assert [window.versions for window in walk(shared[0], "every-1", latency=0 * DAY)["every-1"].walked] == [(1,), (2,)]


def test_window_is_scored_as_the_look_that_judged_it_did(shared):
    project = shared[0]
    never = walk(project, "never")["never"]
    course = arms.course(project, MONTHS, DAY)
    arm = arms.rehearsed(project, "never", course.folder)
    looks = deciding_looks(arm.ledger(), "visits")
    for window, look in zip(never.walked, looks, strict=True):
        known = {day.day: day for day in window.days}
        assert all(known[day.day] == day for day in look.days)
        assert len(known) > len(look.days)  # the look knew nothing of the last day


def test_arms_leave_ledger_champion_registry_predictions_and_mlflow_alone(visited, kept):
    rows = looking.source(visited)
    april = rows[looking.since(rows, "04-01")]
    looking.serve(visited, april, [0.5] * len(april))
    home = visited.settings.home
    before = snapshot(home / "predictions"), (home / "ledger.db").read_bytes()
    entries, champion = visited.ledger().entries("visits"), champion_facts(visited.ledger(), "visits")
    walked = walk(visited, "never", "every-1")
    assert visited.ledger().entries("visits") == entries
    assert champion_facts(visited.ledger(), "visits") == champion
    assert (snapshot(home / "predictions"), (home / "ledger.db").read_bytes()) == before
    assert not {"track", "register", "package", "describe", "mirror", "attach", "analyse"} & set(kept.ran)
    assert not list(home.glob("mlflow*"))
    assert not list(home.glob("bentoml*"))
    assert {"served", "compare", "prove", "reference", "promote"} <= set(kept.ran)
    assert {window.versions[0] for window in walked["never"].walked} == {1}
    assert list(reading.batches(home / "predictions", until=at("12-31")))


def test_months_that_the_champion_has_seen_may_be_replayed_because_arms_have_a_first_model_of_their_own(visited, kept):
    assert visited.champion().data_end == MARCH
    february = date(2024, 2, 1)
    walked = walk(visited, "never", periods=((february, MARCH), (MARCH, APRIL)))["never"]
    course = arms.course(visited, ((february, MARCH), (MARCH, APRIL)), DAY)
    arm = arms.rehearsed(visited, "never", course.folder)
    assert champion_facts(arm.ledger(), "visits").data_end < february
    assert len(walked.walked[0].days) == 29


def test_arms_share_what_is_recorded(shared):
    project, kept = shared
    walk(project, "never")
    n = len(kept.ran)
    walk(project, "never", "every-3")  # which trains after no month of two
    more = kept.ran[n:]
    assert not {"tune", "train", "evaluate", "score", "drift", "performance", "estimate", "answering"} & set(more)
    assert {"compare", "promote"} <= set(more)  # an arm asks the gate itself


def test_shared_steps_count_for_every_arm_that_needs_them(shared):
    walked = walk(shared[0], "never", "every-3")
    never, third = walked["never"], walked["every-3"]
    assert (never.uncounted, third.uncounted) == (0, 0)
    assert never.cpu_seconds > 0
    assert third.cpu_seconds == pytest.approx(never.cpu_seconds, rel=0.5)


def test_steps_that_were_recorded_before_anybody_counted_are_told(fresh, kept):
    walk(fresh, "never")
    home = fresh.settings.home / "replays"
    (home / "costs.txt").unlink()
    assert walk(fresh, "every-3")["every-3"].uncounted > 0


def test_decisions_are_the_same_on_a_rerun_and_nothing_is_done_twice(shared):
    project, kept = shared
    once = walk(project, "never", "every-1")
    n = len(kept.ran)
    again = walk(project, "never", "every-1")
    assert again == once
    assert not {"tune", "drift", "promote", "prove", "compare"} & set(kept.ran[n:])


def test_walk_that_was_interrupted_goes_on_where_it_was(shared, monkeypatch):
    project = shared[0]
    expected = walk(project, "every-1")["every-1"]
    clocks = {"cpu_seconds", "uncounted"}
    for name in ("act_on_window", "lived"):
        with monkeypatch.context() as patch:
            patch.setattr(arms, name, _killed)
            with pytest.raises(KeyboardInterrupt):
                walk(project, "every-1", latency=2 * DAY if name == "lived" else 3 * DAY)
    for latency in (2, 3):
        arm = walk(project, "every-1", latency=latency * DAY)["every-1"]
        assert [w.model for w in arm.walked] == [w.model for w in expected.walked]
        assert arm.model_dump(exclude={*clocks, "walked"}) == expected.model_dump(exclude={*clocks, "walked"})


def _killed(*_, **__):
    raise KeyboardInterrupt


def test_replays_may_be_deleted(shared):
    project = shared[0]
    once = walk(project, "never", latency=7 * DAY)["never"]
    shutil.rmtree(project.settings.home / "replays")
    again = walk(project, "never", latency=7 * DAY)["never"]
    assert again.walked == once.walked


def test_first_candidate_that_is_refused_ends_the_replay(fresh, kept):
    hopeless = type(fresh).open(overrides=["gate.floor=0.999"])
    with pytest.raises(GateRefused, match="the first candidate was refused"):
        walk(hopeless, "never")


def test_nobody_has_to_approve_what_is_rehearsed(fresh, kept):
    asking = type(fresh).open(overrides=["approval.required=[first,refresh]"])
    assert walk(asking, "never")["never"].walked[0].versions == (1,)


def test_window_whose_rows_cannot_be_read_has_no_days_and_no_metric(fresh, kept):
    rows = looking.source(fresh)
    looking.bring(fresh, rows[~looking.since(rows, "04-01")])
    empty = walk(fresh, "never")["never"].walked[1]
    assert (empty.days, empty.value, empty.outcome) == ((), None, "keep")


def test_other_data_parameters_period_or_latency_is_another_replay(fresh):
    course = arms.course(fresh, MONTHS, DAY).folder
    assert arms.course(fresh, MONTHS, DAY).folder == course
    assert arms.course(fresh, MONTHS[:1], DAY).folder != course
    assert arms.course(fresh, MONTHS, 2 * DAY).folder != course
    assert arms.course(type(fresh).open(overrides=["drift.alpha=0.02"]), MONTHS, DAY).folder != course
    assert arms.course(type(fresh).open(overrides=["retrain.policy=drift"]), MONTHS, DAY).folder == course
    rows = looking.source(fresh)
    looking.bring(fresh, rows.iloc[:-1])
    assert arms.course(type(fresh).open(), MONTHS, DAY).folder != course


def test_costs_that_were_written_half_are_left_out(tmp_path):
    costs = Costs(tmp_path / "costs.txt")
    assert costs.known() == {}
    costs.keep("score-1", 1.25)
    with (tmp_path / "costs.txt").open("a") as file:
        file.write("tune-2 3.x\ntune-3")
    assert costs.known() == {"score-1": 1.25}


def test_probe_is_spared_where_no_decision_hangs_on_it(shared):
    project, kept = shared
    n = len(kept.ran)
    walk(project, "never", "drift", "every-2", latency=4 * DAY)
    assert "probe" not in kept.ran[n:]
    probed = walk(project, "probe", latency=4 * DAY)["probe"]
    assert "probe" in kept.ran[n:]
    assert "probe" in "".join(window.decision for window in probed.walked) or probed.trainings == 0


def test_sparing_the_probe_changes_no_decision(shared, monkeypatch):
    project = shared[0]
    policies = ("never", "every-1", "any(drift,harm)")
    spared = walk(project, *policies, latency=5 * DAY)
    monkeypatch.setattr("flows.watching.hangs_on_probe", lambda *_: True)
    probed = walk(project, *policies, latency=6 * DAY)
    for policy in policies:
        for one, other in zip(spared[policy].walked, probed[policy].walked, strict=True):
            told = [
                each.model_dump(include={"decision", "triggers", "outcome", "rung", "model"}) for each in (one, other)
            ]
            assert told[0] == told[1]
