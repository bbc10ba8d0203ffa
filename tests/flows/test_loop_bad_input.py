"""The loop where something is wrong: each has an end that is told, and none trains for ever."""

from datetime import date, timedelta

import looking
import pytest
import walks
from direct import Direct
from looking import APRIL, LATE, MARCH, MAY

from evergreen.base.errors import LostRace
from evergreen.project import Project
from flows import monitoring, retraining
from flows.monitoring import deciding_looks, look_at
from flows.retraining import act_on_window


@pytest.fixture
def alone(monkeypatch):
    """Every flow calls its steps as functions."""
    walks.in_this_process(monkeypatch)


@pytest.fixture
def harmed(visited, alone):
    """The project, in which what tells who returns changes in April: harm that a training learns."""
    looking.bring(visited, looking.stays(looking.source(visited), "04-01"))
    return visited


def stream(tmp_path, monkeypatch, kind: str, *, windows: int, change: int = 1, overrides: tuple[str, ...] = ()):
    root = walks.concept_project(
        tmp_path / "stream", kind, windows=windows, change=change, a_day=30, seed=1, overrides=overrides
    )
    monkeypatch.chdir(root)
    return Project.open()


def test_harm_that_no_training_ends_opens_the_circuit_after_three_and_is_told_once(tmp_path, monkeypatch, alone):
    noise = stream(tmp_path, monkeypatch, "noise", windows=8, overrides=("retrain.cooldown_days=0",))
    walked = list(walks.walk(noise, windows=8))
    harmed = walked[1:]
    assert {look.harm.verdict for look, _ in harmed} == {"broken"}
    trained = [outcome.training is not None for _, outcome in harmed]
    assert sum(trained) == 3
    assert trained == sorted(trained, reverse=True)
    assert [look.decision.circuit_open for look, _ in harmed] == [not one for one in trained]
    told = [page for look, _ in walked for page in look.pages if page.startswith("circuit open")]
    assert len(told) == 1
    assert "somebody has to look" in told[0]


def test_training_that_is_refused_holds_nobody_back_until_it_was_refused_three_times(tmp_path, monkeypatch, alone):
    refusing = stream(tmp_path, monkeypatch, "sudden", windows=7)
    first = next(walks.walk(refusing, windows=1))
    assert first.look.version == 1
    strict = type(refusing).open(overrides=["gate.floor=0.999"])
    ends = [look_and_act(strict, *month) for month in list(walks.months(walks.TRAINED_UNTIL, date(2023, 11, 1)))[1:]]
    assert [outcome.training and outcome.training.verdict for _, outcome in ends] == ["refused"] * 3 + [None] * 3
    assert [look.decision.circuit_open for look, _ in ends] == [False] * 3 + [True] * 3
    assert strict.champion().version == 1


def look_and_act(project, start, end):
    look = look_at(project, start, end, as_of=walks.as_of_end(end, project))
    return look, act_on_window(project, reason=None)


def test_probe_that_fails_is_told_and_stops_neither_the_look_nor_the_training(harmed, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(monitoring, "Recorder", lambda: Direct(probe=fails, fresh=fails))
    look = look_at(harmed, APRIL, MAY, as_of=LATE)
    assert look.harm.verdict == "broken"
    assert look.decision.retrain
    assert any("the disk is full" in reason for reason in look.decision.reasons)
    assert act_on_window(harmed, reason=None).training is not None


def test_without_any_label_nothing_is_trained_and_it_is_said_to_be_unknown(visited, alone):
    visited = looking.asking(visited, "{name: returned, ", "{name: returned, nullable: true, ")
    rows = looking.source(visited)
    looking.bring(visited, rows.assign(returned=rows["returned"].astype(object).mask(looking.since(rows, "03-01"))))
    for start, end in ((MARCH, APRIL), (APRIL, MAY)):
        look = look_at(visited, start, end, as_of=LATE)
        assert (look.labels.verdict, look.harm.verdict) == ("none", "not enough data")
        assert not look.decision.retrain
        assert "label" in " ".join(look.decision.reasons)
        assert act_on_window(visited, reason=None).training is None


def test_windows_that_overlap_after_the_schedule_changed_count_no_label_twice(harmed):
    looking.bring(harmed, looking.flipped(looking.source(harmed), "04-01"))
    look_at(harmed, MARCH, APRIL, as_of=LATE)
    overlapping = [(date(2024, 3, 20) + timedelta(7 * n), date(2024, 3, 27) + timedelta(7 * n)) for n in range(6)]
    for start, end in overlapping:
        last = look_at(harmed, start, end, as_of=LATE)
    assert last.harm.n_labels == 15 * (last.end - MARCH).days
    assert last.decision.retrain
    act_on_window(harmed, reason=None)
    assert act_on_window(harmed, reason=None).already_done
    assert len(harmed.ledger().entries("visits", "retraining")) == 1


def test_scheduler_that_comes_second_while_the_first_one_trains_is_told_so(harmed):
    look_at(harmed, APRIL, MAY, as_of=LATE)
    with harmed.ledger().lease("training:visits"), pytest.raises(LostRace):
        act_on_window(harmed, reason=None)
    assert act_on_window(harmed, reason=None).training is not None
    assert act_on_window(harmed, reason=None).already_done


def test_scheduler_that_comes_between_a_decision_and_its_training_is_told_so(harmed, monkeypatch):
    look_at(harmed, APRIL, MAY, as_of=LATE)
    refused = []
    reach = retraining.failpoints.reach

    def overtaken(point: str) -> None:
        if point == "retraining.begun" and not refused:
            with pytest.raises(LostRace) as raised:
                act_on_window(harmed, reason=None)
            refused.append(raised.value.code)
        reach(point)

    monkeypatch.setattr(retraining.failpoints, "reach", overtaken)
    assert act_on_window(harmed, reason=None).training is not None
    kinds = [entry.kind for entry in harmed.ledger().entries("visits")]
    assert (refused, kinds.count("retraining"), kinds.count("gate"), kinds.count("judgement")) == (["RACE002"], 1, 2, 2)


def test_two_schedulers_at_one_ledger_look_once_and_train_once(harmed, forks):
    root = harmed.settings.project
    window = {"window": "2024-04-01", "until": "2024-05-01", "as_of": "2024-06-01T00:00+00:00"}
    both = [forks.start(root, **window) for _ in range(2)]
    codes = [wait() for wait in both]
    assert 0 in codes
    assert forks.run(root, **window) == 0
    kinds = [entry.kind for entry in harmed.ledger().entries("visits")]
    assert (kinds.count("look"), kinds.count("retraining"), kinds.count("gate")) == (1, 1, 2)
    assert len(deciding_looks(harmed.ledger(), "visits")) == 1
