"""What changes by itself is looked at while a block runs, whatever one look says."""

import asyncio

import pytest

from serving.observing import observing


def test_sample_is_taken_at_once_again_and_at_the_end():
    async def run() -> tuple[int, int]:
        taken = asyncio.Queue()
        async with observing(lambda: taken.put_nowait(1), seconds=0.001):
            for _ in range(3):
                await taken.get()
            before = taken.qsize()
        return before, taken.qsize()

    before, after = asyncio.run(run())
    assert after == before + 1


def test_sample_that_fails_is_told_of_and_the_next_one_comes():
    async def run() -> tuple[list[str], int]:
        told: list[str] = []
        count, done = 0, asyncio.Event()

        def sample() -> None:
            nonlocal count
            count += 1
            if count == 1:
                raise OSError("once")
            done.set()

        asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(str(said["exception"])))
        async with observing(sample, seconds=0.001):
            await done.wait()
        return told, count

    told, count = asyncio.run(run())
    assert told == ["once"]
    assert count >= 3


def test_block_that_fails_ends_it():
    taken = []

    async def run() -> None:
        async with observing(lambda: taken.append(1), seconds=0.001):
            raise ValueError("in the block")

    with pytest.raises(ValueError, match="in the block"):
        asyncio.run(run())
    assert taken == [1]
