"""More requests than the service can answer, and callers that are slow: nobody else is harmed, and it ends soon."""

import httpx
import loads
import pytest
import released
from servers import SECONDS

from serving.answers import to_json

pytestmark = pytest.mark.long
ROWS = 50  # so that one core of the sender offers ten times what one core of the service answers
BODY = to_json({"rows": released.requests(ROWS)}).decode()
ONE = to_json({"rows": released.requests(1)}).decode()
HELD = 500
MEMORY = 1.5
STALL_MS, LONGEST_MS = 50, 1_000  # in the best second, and in any
UNHARMED = {"reader": 0.5}  # they ask for 25,000 rows a second, which is half of what one core answers
OVERLOAD_SECONDS = 60
ASKED = {"path": "/predict", "body": BODY}


def per_second(host: str, port: int, *, body: str = BODY, seconds: float = 5) -> float:
    """Return how many requests a second are answered to 16 callers who wait for their answers."""
    with loads.started("closed_loop", host, port, path="/predict", body=body, seconds=seconds, connections=16) as load:
        told = load.outcome()
    assert told.sent - told.ok <= 16
    return float(told.ok / seconds)


def test_ten_times_what_it_can_answer_for_a_minute_costs_a_tenth_at_most_and_is_over_in_five_seconds(start):
    process, client = start()
    where = client.base_url.host, client.base_url.port
    per_second(*where)
    capacity = per_second(*where)
    about = {**ASKED, "per_second": 10 * capacity, "seconds": OVERLOAD_SECONDS, "connections": 1_000}

    with (
        loads.sampled(process.pid) as memory,
        loads.started("open_loop", *where, **about) as load,
        loads.started("probe", *where, path="/healthz", every_ms=20, seconds=OVERLOAD_SECONDS) as prober,
    ):
        told = load.outcome()
        seen = prober.outcome()
    with loads.started("closed_loop", *where, **ASKED, seconds=6, connections=16) as load:
        after = load.outcome()

    assert process.poll() is None
    assert told.sent + told.unsent == pytest.approx(10 * capacity * OVERLOAD_SECONDS, rel=0.05)
    assert set(told.by_status) <= {"200", "429", "503"}
    assert told.hopeless == 0
    assert told.ok >= 0.9 * capacity * OVERLOAD_SECONDS
    assert seen.failed == 0
    assert seen.stall_ms <= STALL_MS
    assert max(seen.longest_in_second_ms) <= LONGEST_MS
    assert memory.peak <= MEMORY * memory.first
    assert max(after.ok_in_second[:6]) >= 0.9 * capacity


@pytest.mark.parametrize("kind", loads.SLOW_KINDS)
def test_five_hundred_slow_connections_leave_honest_callers_and_the_loop_alone(start, kind):
    process, client = start()
    where = client.base_url.host, client.base_url.port
    before = per_second(*where, body=ONE)
    held = {"path": "/predict", "body": BODY, "kind": kind, "connections": HELD, "seconds": 20}

    with (
        loads.sampled(process.pid) as memory,
        loads.started("slow", *where, **held) as slow,
        loads.started("probe", *where, path="/healthz", every_ms=20, seconds=15) as prober,
    ):
        during = per_second(*where, body=ONE, seconds=10)
        seen = prober.outcome()
        told = slow.outcome()
    after = per_second(*where, body=ONE)

    assert told.opened >= HELD
    assert seen.failed == 0
    assert seen.stall_ms <= STALL_MS
    assert max(seen.longest_in_second_ms) <= LONGEST_MS
    assert during >= UNHARMED.get(kind, 0.8) * min(before, after)
    assert memory.peak <= MEMORY * memory.first
    assert httpx.get(f"{client.base_url}/readyz", timeout=SECONDS).status_code == 200


def test_who_finds_every_place_taken_is_told_when_to_come_again(start):
    process, client = start(max_requests_at_once=32)
    where = client.base_url.host, client.base_url.port

    with (
        loads.sampled(process.pid) as memory,
        loads.started("open_loop", *where, **ASKED, per_second=4_000, seconds=5, connections=900) as load,
    ):
        told = load.outcome()

    assert told.ok > 0
    assert told.broken == 0
    assert set(told.by_status) == {"200", "503"}
    assert told.hopeless == 0
    assert memory.peak <= MEMORY * memory.first
