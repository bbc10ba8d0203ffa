"""What changes by itself is looked at every second, so that the page of any worker shows that of all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


@asynccontextmanager
async def observing(sample: Callable[[], object], *, seconds: float = 1.0) -> AsyncIterator[None]:
    """Call `sample` in the event loop, now, every so many seconds while the block runs, and once more at its end."""
    loop = asyncio.get_running_loop()
    timer: asyncio.Handle

    def again() -> None:
        nonlocal timer
        timer = loop.call_later(seconds, again)  # first: one that fails is told of, and the next one comes
        sample()

    timer = loop.call_soon(again)
    try:
        yield
    finally:
        timer.cancel()
        sample()
