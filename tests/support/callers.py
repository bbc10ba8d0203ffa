"""Callers who ask a service for as long as a block runs, and remember every answer."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx
import released
from servers import SECONDS

ROWS = 20


class Answer(NamedTuple):
    """An answer to one row of the table; `header`: the version that its headers name."""

    row: int
    version: int
    header: str
    probability: float
    prediction_id: str


@dataclass
class Callers:
    """What callers were answered. `refused`: every status but 200; `broken`: connections that ended without one."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def ask(self, seed: int) -> None:
        rows, drawn = released.requests(ROWS), random.Random(seed)
        while not self.is_over.is_set():
            with httpx.Client(base_url=self.url, timeout=SECONDS) as client:
                try:
                    while not self.is_over.is_set():
                        self._ask_once(client, rows, drawn.randrange(ROWS))
                except httpx.TransportError as error:
                    self.broken.append(repr(error))

    def _ask_once(self, client: httpx.Client, rows: list[dict[str, object]], row: int) -> None:
        response = client.post("/predict", json={"rows": [rows[row]]})
        if response.status_code != 200:
            self.refused.append((response.status_code, response.text))
            return
        body = response.json()
        (found,) = body["predictions"]
        header = response.headers["x-model-version"]
        self.answers.append(Answer(row, body["version"], header, found["probability"], found["prediction_id"]))


@contextmanager
def asking(url: str, *, n: int = 4) -> Iterator[Callers]:
    """Let `n` callers ask a service, one row at a time, until the block ends."""
    callers = Callers(url)
    threads = [threading.Thread(target=callers.ask, args=(seed,)) for seed in range(n)]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        callers.is_over.set()
        for thread in threads:
            thread.join(SECONDS)
