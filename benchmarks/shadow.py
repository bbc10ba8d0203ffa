"""What a shadow costs those who are answered by the champion, in one run: `python benchmarks/shadow.py`.

One service of one worker, one row a request, 16 callers on loopback who ask all the time, while the shadow is taken up
and left through the ledger, as a rollout does it. The shadow is the champion's own version, so that it is as large. A
turn without it and the turn with it that follows, or goes before, are a pair, because the machine is as fast for both;
of what the pairs show stand the median and its 95 % interval. `--none` never takes the shadow up: what it prints is
what this measures where there is nothing to measure.
"""

import argparse
import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
from contestants import parcels, project, servers
from rich.progress import track
from scipy.stats import bootstrap

from evergreen.config.settings import Settings
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.ledger import Ledger

CONNECTIONS = 16
TAKEN_UP_SECONDS = 60
TAKEN_SECONDS = 0.5
LEFT_SECONDS = 3.0  # a shadow that was left is asked for two seconds about what waited for it
SHADOWED, LOGGED = "evergreen_variant_rows_total", "evergreen_predictions_total"
FloatArray = npt.NDArray[np.float64]


async def asked(port: int, body: bytes, connections: int, pause: float) -> FloatArray:
    """Return when each answer came and after how many seconds, to callers who ask until standard input ends."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request, answers, is_over = head.encode() + body, array("d"), asyncio.Event()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not is_over.is_set():
            began = time.perf_counter()
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            fields = dict(line.split(b": ", 1) for line in answer.lower().split(b"\r\n")[1:] if line)
            await reader.readexactly(int(fields[b"content-length"]))
            ended = time.perf_counter()
            answers.extend((ended, ended - began))
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    asyncio.get_running_loop().add_reader(sys.stdin, is_over.set)
    await asyncio.gather(*(caller() for _ in range(connections)))
    return np.array(answers)


@contextmanager
def asking(port: int, body: str, pause: float) -> Iterator[list[tuple[FloatArray, FloatArray]]]:
    """Have another process ask all the time; at the end the list holds when each answer came, and its seconds."""
    argv = [sys.executable, __file__, "--ask", str(port), str(pause)]
    answers: list[tuple[FloatArray, FloatArray]] = []
    before = counted(port, LOGGED)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(body.encode() + b"\n")
        process.stdin.flush()
        while counted(port, LOGGED) == before:
            time.sleep(0.1)
        try:
            yield answers
        finally:
            process.stdin.close()
            both = np.frombuffer(process.stdout.read()).reshape(-1, 2)
        answers.append((both[:, 0], both[:, 1]))
    if process.returncode:
        sys.exit("the process that asks has failed")


def ready(port: int) -> dict[str, Any]:
    """Return what the service says of itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/readyz")
    told: dict[str, Any] = json.loads(connection.getresponse().read())
    return told


def change(settings: Settings, port: int, pid: int, *, shadow: bool) -> None:
    """Have the service take a shadow up, or leave it, and wait until it has and goes on evenly."""
    ledger, model = Ledger.open(settings), ready(port)["model"]
    champion = ledger.champion(model)
    assert champion is not None
    number, owner = len(ledger.entries(model, traffic.TRAFFIC)) + 1, "rollout-shadow"
    arm = Arm(name="challenger", version=champion.version, share=1.0)
    about = {"kind": "rollout", "rule": f"{owner}.{number}", "owner": owner, "epoch": champion.epoch, "salt": owner}
    wanted = Traffic.model_validate({**about, "mode": "shadow", "arms": (arm,)}) if shadow else None
    because = {"by": "benchmark"}
    traffic.change(ledger, model, wanted, owner=owner, expected_epoch=champion.epoch, because=because)
    os.kill(pid, signal.SIGHUP)
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while ("traffic" in ready(port)) != shadow:
        if time.monotonic() > deadline:
            sys.exit("the service does not take the rule up")
        time.sleep(0.05)
    time.sleep(TAKEN_SECONDS if shadow else LEFT_SECONDS)


def counted(port: int, name: str) -> float:
    """Return what a metric of the service adds up to."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def turn(port: int, pid: int, seconds: float) -> dict[str, float]:
    """Return when a turn began and ended, and what the service did meanwhile."""
    process = psutil.Process(pid)
    cpu, rows, began = process.cpu_times(), counted(port, SHADOWED), time.perf_counter()
    time.sleep(seconds)
    spent, ended = process.cpu_times(), time.perf_counter()
    cpu_seconds = spent.user + spent.system - cpu.user - cpu.system
    return {"began": began, "ended": ended, "cpu": cpu_seconds, "shadowed": counted(port, SHADOWED) - rows}


def figures(turns: list[dict[str, float]], ends: FloatArray, taken: FloatArray) -> list[dict[str, float]]:
    """Return requests a second, p50 and p95 in ms, CPU in us and shadowed rows for each request, of each turn."""
    found = []
    for each in turns:
        inside = taken[(ends >= each["began"]) & (ends < each["ended"])] * 1e3
        n = len(inside)
        rate, at = n / (each["ended"] - each["began"]), np.percentile(inside, [50, 95])
        told = {"per_second": rate, "p50": at[0], "p95": at[1], "cpu": each["cpu"] / n * 1e6}
        found.append({**told, "shadowed": each["shadowed"] / n})
    return found


def told(off: list[dict[str, float]], on: list[dict[str, float]]) -> str:
    """Return the medians of the turns, and of what the shadow adds in each pair with its interval."""

    def middle(turns: list[dict[str, float]], what: str) -> float:
        return median(each[what] for each in turns)

    def with_interval(pairs: list[float], form: str) -> str:
        low, high = bootstrap((pairs,), np.median, rng=np.random.default_rng(7)).confidence_interval
        return f"{median(pairs):{form}} ({low:{form}} to {high:{form}})"

    lines = [
        f"{name:8}{middle(turns, 'per_second'):7,.0f} requests/s, p50 {middle(turns, 'p50'):.2f} ms, "
        f"p95 {middle(turns, 'p95'):.2f} ms, {middle(turns, 'cpu'):.0f} us of CPU a request, "
        f"{middle(turns, 'shadowed'):.0%} shadowed"
        for name, turns in (("without", off), ("with", on))
    ]
    pairs = list(zip(off, on, strict=True))
    slower = with_interval([1 - b["per_second"] / a["per_second"] for a, b in pairs], "+.1%")
    dearer = with_interval([b["cpu"] / a["cpu"] - 1 for a, b in pairs], "+.1%")
    later = with_interval([b["p95"] - a["p95"] for a, b in pairs], "+.2f")
    return "\n".join([*lines, f"lost: {slower} of throughput; added: {dearer} CPU, {later} ms at p95"])


def main() -> None:
    """Measure, and print the figures."""
    if sys.argv[1:2] == ["--ask"]:
        port, pause = int(sys.argv[2]), float(sys.argv[3])
        asyncio.run(asked(port, sys.stdin.buffer.readline(), CONNECTIONS, pause)).tofile(sys.stdout.buffer)
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    parser.add_argument("--pause", type=float, default=0, help="seconds that a caller waits before it asks again")
    parser.add_argument("--none", action="store_true", help="take no shadow up, in no turn")
    parser.add_argument("--project", type=Path, help="keep the project there; the service's code is kept with it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = arguments.project or folder / "project"
        if not (root / "params.yaml").exists():
            project.make(root)
        body = {"rows": parcels.requests(1)}
        ours = servers.Contestant(
            servers.OURS, (*project.COMMAND, "serve", "--port", "PORT"), "/predict", body, project.environment(root)
        )
        settings = Settings(home=root / ".evergreen")
        (folder / "run").mkdir()
        turns: dict[bool, list[dict[str, float]]] = {False: [], True: []}
        with servers.started(ours, folder / "run") as (port, _, process):
            change(settings, port, process.pid, shadow=False)
            stands = False
            with asking(port, json.dumps(body), arguments.pause) as answers:
                for number in track(range(arguments.pairs), "pairs"):
                    for shadow in (True, False) if number % 2 else (False, True):
                        if stands != (shadow and not arguments.none):
                            change(settings, port, process.pid, shadow=(stands := not stands))
                        turns[shadow].append(turn(port, process.pid, arguments.seconds))
            change(settings, port, process.pid, shadow=False)
        ends, taken = answers[0]
        print(told(figures(turns[False], ends, taken), figures(turns[True], ends, taken)))


if __name__ == "__main__":
    main()
