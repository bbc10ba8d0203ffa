"""Pieces of work in processes side by side, which end with the one that started them."""

import logging
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.queues import Queue
from queue import Empty
from typing import Any, TypeVar

from evergreen.base import parents
from evergreen.base.errors import EvergreenError, ResourceError

R = TypeVar("R")
Piece = Callable[[Callable[[], None]], R]  # is given what it calls whenever a part of it is done
LOOKS_AFTER_SECONDS = 1.0


def side_by_side(pieces: Sequence[Piece[R]], *, workers: int) -> Iterator[tuple[int, R | None]]:
    """Do pieces of work, and yield the place of each as a part of it is done, and with its result as it ends.

    One worker works in this process, piece after piece. Where one fails, or the caller stops, the others are ended.

    Parameters
    ----------
    pieces : each must be picklable.

    Raises
    ------
    ResourceError if a process is ended from outside; whatever a piece raises, what is not ours as a RuntimeError.
    """
    if workers == 1 or len(pieces) == 1:
        yield from _one_by_one(pieces)
        return
    spawn = multiprocessing.get_context("spawn")
    waiting, told = spawn.Queue(), spawn.Queue()
    for place, piece in enumerate(pieces):
        waiting.put((place, piece))
    crew = [
        spawn.Process(target=_work, args=(os.getpid(), waiting, told), daemon=False)
        for _ in range(min(workers, len(pieces)))
    ]
    for _ in crew:
        waiting.put(None)
    for worker in crew:
        worker.start()
    left = len(pieces)
    try:
        while left:
            place, result, error = _next(told, crew)
            if error is not None:
                raise error
            left -= result is not None
            yield place, result
        for worker in crew:
            worker.join()
    finally:
        for worker in crew:
            worker.terminate()
            worker.join()


def _one_by_one(pieces: Sequence[Piece[R]]) -> Iterator[tuple[int, R | None]]:
    for place, piece in enumerate(pieces):
        parts: list[None] = []
        result = piece(lambda parts=parts: parts.append(None))  # type: ignore[misc]
        yield from ((place, None) for _ in parts)
        yield place, result


def _next(told: "Queue[Any]", crew: Sequence[Any]) -> tuple[int, Any, BaseException | None]:
    while True:
        try:
            message: tuple[int, Any, BaseException | None] = told.get(timeout=LOOKS_AFTER_SECONDS)
            return message
        except Empty:
            ends = [worker.exitcode for worker in crew]
            if any(ends) or None not in ends:
                raise ResourceError(
                    "RES006",
                    "a process of the replay was ended from outside, most likely because memory was short",
                    where="evergreen replay",
                    next_step="Free memory, then run the same command again: what is done is kept.",
                ) from None


def _work(parent: int, waiting: "Queue[Any]", told: "Queue[Any]") -> None:
    """Do one piece after the other, until there is none."""
    parents.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    logging.disable(logging.WARNING)  # and what is on the terminal is the parent's to show
    while (item := waiting.get()) is not None:
        place, piece = item
        try:
            told.put((place, piece(lambda place=place: told.put((place, None, None))), None))
        except EvergreenError as error:
            told.put((place, None, error))
            return
        except Exception:  # whatever it is, the parent raises it; it may hold what no other process can read
            told.put((place, None, RuntimeError(traceback.format_exc())))
            return
