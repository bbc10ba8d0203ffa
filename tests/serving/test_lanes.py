"""A lane: what a variant does with its rows, in time or not, is told once, and never by holding the loop up."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from evergreen.learning.evaluation.estimates import Estimates
from serving.lanes import Ask, Lane


class Variant:
    """Answers what it is asked, twice as much; waits to be let go on where it is told to, and fails on -1."""

    release = type("Release", (), {"version": 2})

    def __init__(self) -> None:
        self.go_on, self.began = threading.Event(), threading.Event()
        self.go_on.set()
        self.batches: list[int] = []

    def estimate(self, rows):
        self.began.set()
        assert self.go_on.wait(20)
        self.batches.append(len(rows))
        if [-1] in rows:
            raise ValueError("-1")
        if [-2] in rows:
            return Estimates("regression", np.zeros(len(rows) + 1))
        return Estimates("regression", np.array([2.0 * row[0] for row in rows]))


class Told:
    """What came of asks, in the order in which it was told, and when somebody waits for it."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.all = lane, []

    def ask(self, *numbers: int, seconds: float = 20) -> asyncio.Future:
        answer: asyncio.Future = asyncio.get_running_loop().create_future()

        def told(said) -> None:
            self.all.append(said if isinstance(said, str) else said.values.tolist())
            answer.set_result(self.all[-1])

        self.lane.ask(Ask([[number] for number in numbers], told), seconds)
        return answer


def run(asking: Callable, variant: Variant) -> tuple[list, list[float]]:
    """Return what was told, and the seconds of each batch."""
    took: list[float] = []

    async def asked() -> list:
        lane = Lane(variant, asyncio.get_running_loop(), took.append)
        told = Told(lane)
        await asking(told)
        variant.go_on.set()
        lane.close()
        await asyncio.to_thread(lane._thread.join)
        await asyncio.sleep(0)
        return told.all

    return asyncio.run(asked()), took


def test_what_waits_together_is_asked_together_and_told_apart():
    variant = Variant()
    variant.go_on.clear()

    async def asking(told: Told) -> None:
        first = told.ask(1)
        await asyncio.to_thread(variant.began.wait)
        others = [told.ask(2, 3), told.ask(4)]
        variant.go_on.set()
        await asyncio.gather(first, *others)

    told, took = run(asking, variant)

    assert (told, variant.batches, len(took)) == ([[2], [4, 6], [8]], [1, 3], 2)


@pytest.mark.parametrize("wrong", [-1, -2])
def test_rows_that_fail_together_are_asked_again_each_request_alone(wrong):
    variant = Variant()
    variant.go_on.clear()

    async def asking(told: Told) -> None:
        first = told.ask(1)
        await asyncio.to_thread(variant.began.wait)
        others = [told.ask(2), told.ask(wrong, 3), told.ask(4)]
        variant.go_on.set()
        await asyncio.gather(first, *others)

    assert run(asking, variant)[0] == [[2], [4], "error", [8]]


def test_a_variant_that_hangs_costs_one_wait_and_is_heard_again_once_it_is_back():
    variant = Variant()
    variant.go_on.clear()

    async def asking(told: Told) -> None:
        loop = asyncio.get_running_loop()
        first = told.ask(1, seconds=0.05)
        await asyncio.to_thread(variant.began.wait)
        began = loop.time()
        assert await first == "slow"
        assert loop.time() - began < 5
        for number in range(100):
            assert await told.ask(number, seconds=60) == "slow"  # at once
        variant.go_on.set()
        while (await told.ask(7)) == "slow":
            await asyncio.sleep(0.01)

    told, took = run(asking, variant)

    assert told[-1] == [14]
    assert len(took) == 2  # the first, though nobody heard it, and the last


def test_what_nobody_waits_for_any_more_is_not_asked():
    variant = Variant()
    variant.go_on.clear()

    async def asking(told: Told) -> None:
        first = told.ask(1)
        await asyncio.to_thread(variant.began.wait)
        assert await told.ask(2, seconds=0.01) == "slow"
        third = told.ask(3)
        variant.go_on.set()
        await asyncio.gather(first, third)

    told, _ = run(asking, variant)

    assert (told, variant.batches) == (["slow", [2], [6]], [1, 1])


def test_the_loop_goes_on_while_a_variant_answers():
    variant = Variant()
    variant.go_on.clear()
    turns = 0

    async def asking(told: Told) -> None:
        nonlocal turns
        answer = told.ask(1)
        await asyncio.to_thread(variant.began.wait)
        for _ in range(1_000):
            turns += 1
            await asyncio.sleep(0)
        variant.go_on.set()
        await answer

    assert run(asking, variant)[0] == [[2]]
    assert turns == 1_000
