"""What a shadow costs those who are answered by the champion, in one run: `python benchmarks/shadow.py`.

One service of one worker, one row a request, 16 connections on loopback. The shadow is the champion's own version, so
that it is as large; it is taken up and left in turns through the ledger, as a rollout does it. Each turn gives requests
a second, their p95, and the service's seconds of CPU for each request, which say more where others use the machine.
"""

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from contestants import parcels, project, servers

from evergreen.config.settings import Settings
from evergreen.decisions.rollout.traffic import Arm, Traffic
from evergreen.record import traffic
from evergreen.record.ledger.ledger import Ledger

CONNECTIONS = 16
TAKEN_UP_SECONDS = 60


async def asked(port: int, body: bytes, connections: int, seconds: float, pause: float) -> list[float]:
    """Return the seconds of every answer to callers who ask again once they are answered, and have paused."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    request, taken = head.encode() + body, []
    end = time.perf_counter() + seconds

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.perf_counter()) < end:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            fields = dict(line.split(b": ", 1) for line in answer.lower().split(b"\r\n")[1:] if line)
            await reader.readexactly(int(fields[b"content-length"]))
            taken.append(time.perf_counter() - began)
            if pause:
                await asyncio.sleep(pause)
        writer.close()

    await asyncio.gather(*(caller() for _ in range(connections)))
    return taken


def load(port: int, body: bytes, *, seconds: float, pause: float) -> dict[str, float]:
    """Return the figures of some seconds of requests that another process sends."""
    argv = [sys.executable, __file__, "--ask", str(port), str(seconds), str(pause)]
    done = subprocess.run(argv, input=body, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode())
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def ready(port: int) -> dict[str, Any]:
    """Return what the service says of itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/readyz")
    told: dict[str, Any] = json.loads(connection.getresponse().read())
    return told


def change(settings: Settings, port: int, model: str, *, shadow: bool) -> None:
    """Have the service take a shadow up, or leave it, and wait until it has."""
    ledger = Ledger.open(settings)
    champion = ledger.champion(model)
    assert champion is not None
    number, owner = len(ledger.entries(model, traffic.TRAFFIC)) + 1, "rollout-shadow"
    arm = Arm(name="challenger", version=champion.version, share=1.0)
    about = {"kind": "rollout", "rule": f"{owner}.{number}", "owner": owner, "epoch": champion.epoch, "salt": owner}
    wanted = Traffic.model_validate({**about, "mode": "shadow", "arms": (arm,)}) if shadow else None
    because = {"by": "benchmark"}
    traffic.change(ledger, model, wanted, owner=owner, expected_epoch=champion.epoch, because=because)
    deadline = time.monotonic() + TAKEN_UP_SECONDS
    while ("traffic" in ready(port)) != shadow:
        if time.monotonic() > deadline:
            sys.exit("the service does not take the rule up")
        time.sleep(0.1)


def counted(port: int, name: str) -> float:
    """Return what a metric of the service adds up to."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def turns(
    port: int, pid: int, body: bytes, changed: Callable[[bool], None], *, rounds: int, seconds: float, pause: float
) -> dict[str, list[dict[str, float]]]:
    """Return the figures of each turn without the shadow and with it; the first of the two changes each round."""
    process, figures = psutil.Process(pid), dict[str, list[dict[str, float]]](off=[], on=[])
    load(port, body, seconds=1, pause=pause)
    for number in range(rounds):
        for name in ("off", "on") if number % 2 else ("on", "off"):
            changed(name == "on")
            cpu, rows = process.cpu_times(), counted(port, "evergreen_variant_rows_total")
            turn = load(port, body, seconds=seconds, pause=pause)
            spent = process.cpu_times()
            turn["cpu_us"] = (spent.user + spent.system - cpu.user - cpu.system) / turn["requests"] * 1e6
            turn["shadowed"] = (counted(port, "evergreen_variant_rows_total") - rows) / turn["requests"]
            figures[name].append(turn)
        changed(False)
    return figures


def told(figures: dict[str, list[dict[str, float]]]) -> str:
    """Return the medians of the turns, and of what the shadow adds in each round."""

    def middle(name: str, what: str) -> float:
        return median(turn[what] for turn in figures[name])

    pairs = list(zip(figures["off"], figures["on"], strict=True))
    lines = [
        f"{name:4}{middle(name, 'per_second'):9,.0f} requests/s, p50 {middle(name, 'p50_ms'):.2f} ms, "
        f"p95 {middle(name, 'p95_ms'):.2f} ms, {middle(name, 'cpu_us'):.0f} us of CPU a request, "
        f"{middle(name, 'shadowed'):.0%} shadowed"
        for name in ("off", "on")
    ]
    slower = median(1 - on["per_second"] / off["per_second"] for off, on in pairs)
    dearer = median(on["cpu_us"] / off["cpu_us"] - 1 for off, on in pairs)
    later = median(on["p95_ms"] - off["p95_ms"] for off, on in pairs)
    return "\n".join([*lines, f"with it: {slower:+.1%} of throughput lost, {dearer:+.1%} CPU, {later:+.2f} ms at p95"])


def main() -> None:
    """Measure, and print the figures."""
    if sys.argv[1:2] == ["--ask"]:
        port, seconds, pause = int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
        taken = sorted(asyncio.run(asked(port, sys.stdin.buffer.read(), CONNECTIONS, seconds, pause)))
        at = {f"p{p}_ms": taken[int(len(taken) * p / 100)] * 1e3 for p in (50, 95, 99)}
        print(json.dumps({"requests": len(taken), "per_second": len(taken) / seconds, **at}))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3, help="of each turn")
    parser.add_argument("--pause", type=float, default=0, help="seconds that a caller waits before it asks again")
    parser.add_argument("--project", type=Path, help="a project that an earlier run kept, or where to keep it")
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
        with servers.started(ours, folder / "run") as (port, _, process):
            model = ready(port)["model"]
            figures = turns(
                port,
                process.pid,
                json.dumps(body).encode(),
                lambda shadow: change(settings, port, model, shadow=shadow),
                rounds=arguments.rounds,
                seconds=arguments.seconds,
                pause=arguments.pause,
            )
    print(told(figures))


if __name__ == "__main__":
    main()
