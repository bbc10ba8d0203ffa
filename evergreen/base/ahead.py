"""An iterator that works while its consumer does."""

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
MOST_AHEAD = 2


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the same items, made by a thread that stays at most `MOST_AHEAD` of them ahead of the consumer."""
    queue: Queue[tuple[tuple[T, ...], BaseException | None]] = Queue(MOST_AHEAD)
    stopped = Event()

    def put(item: tuple[T, ...], error: BaseException | None = None) -> None:
        while not stopped.is_set():
            try:
                queue.put((item, error), timeout=0.1)
            except Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put((item,))
                if stopped.is_set():
                    return
            put(())
        except BaseException as error:  # noqa: BLE001, RUF100  raised again in the consumer's thread
            put((), error)

    thread = Thread(target=make, name="evergreen-ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error = queue.get()
            if error is not None:
                raise error
            if not item:
                return
            yield item[0]
    finally:
        stopped.set()
        thread.join()
