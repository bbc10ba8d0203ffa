"""All traffic goes to another version and back while it is asked 200 times a second: nobody fails, back is quick."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import divided
import promoted
import pytest
import released
from projects import wait_for

CONNECTIONS = 8


@dataclass
class Asked:
    """What became of requests that were sent at a steady pace: when each answer came, and the version that gave it."""

    answers: list[tuple[float, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def versions_since(self, began: float) -> set[int]:
        return {version for at, version in self.answers if at >= began}

    def switched_to(self, version: int, since: float) -> float | None:
        """Return in how many seconds the last answer of another version came; None while no later one is of this."""
        later = [(at, given) for at, given in self.answers if at >= since]
        if not later or later[-1][1] != version:
            return None
        return max((at for at, given in later if given != version), default=since) - since


async def ask(asked: Asked, port: int, per_second: float) -> None:
    body = json.dumps({"rows": released.requests(1)}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    began, apart = time.monotonic(), CONNECTIONS / per_second

    async def caller(number: int) -> None:
        due = began + number * apart / CONNECTIONS
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not asked.is_over.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due += apart
            try:
                writer.write(head.encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(b": ", 1) for line in answer.lower().split(b"\r\n")[1:] if line)
                told = json.loads(await reader.readexactly(int(fields[b"content-length"])))
                if not answer.startswith(b"HTTP/1.1 200"):
                    asked.failed.append(str(told))
                    continue
                (found,) = told["predictions"]
                asked.answers.append((time.monotonic(), found.get("version", told["version"])))
            except (OSError, asyncio.IncompleteReadError) as error:
                asked.failed.append(repr(error))
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()

    await asyncio.gather(*map(caller, range(CONNECTIONS)))


@contextmanager
def asking(port: int, per_second: float) -> Iterator[Asked]:
    asked = Asked()
    thread = threading.Thread(target=asyncio.run, args=(ask(asked, port, per_second),))
    thread.start()
    try:
        yield asked
    finally:
        asked.is_over.set()
        thread.join(30)


def switches(home: Path, project: Path, *, workers: int, per_second: float, rounds: int) -> tuple[Asked, list[float]]:
    """Send all traffic to version 2 and back, so many times; return the answers, and how long each way back took."""
    with promoted.running(home, project, serve_workers=workers) as run:
        divided.register(run.settings, promoted.package(home, 2, project))
        port = int(run.url.rstrip("/").rpartition(":")[2])
        backs = []
        with asking(port, per_second) as asked:
            wait_for(lambda: len(asked.answers) > per_second / 4, "callers are answered")
            for _ in range(rounds):
                began = time.monotonic()
                divided.change(run.settings, divided.rule(run.settings, 2, 1.0))
                wait_for(lambda began=began: settled(asked, 2, began), "all are answered by the other version")
                began = time.monotonic()
                divided.change(run.settings, None)
                wait_for(lambda began=began: settled(asked, 1, began), "all are answered by the champion again")
                backs.append(asked.switched_to(1, began) or 0.0)
        return asked, backs


def settled(asked: Asked, version: int, since: float) -> bool:
    """Return whether nothing but a version has answered for a second and a half."""
    recent = asked.versions_since(time.monotonic() - 1.5)
    return asked.switched_to(version, since) is not None and recent == {version}


def test_switch_and_way_back_fail_nobody(tmp_path: Path, project: Path):
    asked, (back,) = switches(tmp_path / "home", project, workers=1, per_second=50, rounds=1)

    assert asked.failed == []
    assert {version for _, version in asked.answers} == {1, 2}
    assert back < 5


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 2])
def test_switches_under_200_requests_a_second_fail_nobody_and_are_back_within_five_seconds(tmp_path, project, workers):
    asked, backs = switches(tmp_path / "home", project, workers=workers, per_second=200, rounds=4)

    seconds = asked.answers[-1][0] - asked.answers[0][0]
    assert asked.failed == []
    assert len(asked.answers) / seconds > 180
    assert max(backs) < 5, backs
    print(f"{len(asked.answers)} answers, none failed; back in {', '.join(f'{back:.1f}' for back in backs)} s")
