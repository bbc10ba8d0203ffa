"""Calling steps: what each took, beside each other and in turn."""

import threading
import time
from types import SimpleNamespace

import pytest

from flows.recorder import Recorder


def step(work, name="step", state="Completed"):
    """Return what is called as a task is: with `return_state`, to a state that holds the answer."""

    def called(*args, return_state, **kwargs):
        assert return_state
        answer = work(*args, **kwargs)
        return SimpleNamespace(name=state, result=lambda: answer)

    called.name = name
    return called


def burn(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_step_is_called_with_what_it_is_given_and_its_answer_returned():
    do = Recorder()
    assert do(step(lambda a, *, b: a - b), 7, b=2) == 5
    assert do(step(lambda: "kept", name="known", state="Cached")) == "kept"
    assert [(each.name, each.cached) for each in do.steps] == [("step", False), ("known", True)]
    assert all(each.seconds >= 0 and each.rss_mb > 0 for each in do.steps)


def test_cpu_of_a_step_is_what_it_burnt_and_not_what_ran_beside_it():
    do, go = Recorder(), threading.Event()
    beside = do.beside(step(lambda: (go.wait(10), burn(0.4)), name="beside"))
    do(step(lambda: (go.set(), burn(0.1), beside.result(10)), name="main"))
    burnt = {each.name: each.cpu_seconds for each in do.steps}
    assert burnt["beside"] == pytest.approx(0.4, abs=0.1)
    assert 0.08 < burnt["main"] < 0.3


def test_step_beside_answers_its_future_on_another_thread_and_is_recorded_when_it_ends():
    do = Recorder()
    answer = do.beside(step(threading.get_ident, name="aside"))
    assert answer.result(10) != threading.get_ident()
    assert [(each.name, each.rss_mb) for each in do.steps] == [("aside", None)]


def test_step_beside_that_fails_says_so_to_who_waits_and_is_not_recorded():
    do = Recorder()

    def fails():
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        do.beside(step(fails)).result(10)
    assert do.steps == []


def test_failure_of_the_answer_is_the_callers_although_the_step_is_recorded():
    def failed():
        raise ValueError("the step failed")

    def called(*, return_state):
        return SimpleNamespace(name="Failed", result=failed)

    called.name = "step"
    do = Recorder()
    with pytest.raises(ValueError, match="the step failed"):
        do(called)
    assert [each.name for each in do.steps] == ["step"]
