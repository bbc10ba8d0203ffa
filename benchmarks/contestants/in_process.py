"""What one request of one row costs in the process: the application is called with no socket between.

`python -P in_process.py BODY REQUESTS`, with the environment of the service; prints microseconds, the best of five.
"""

import asyncio
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop

from serving.app import from_environment

SCOPE = {
    "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST",
    "scheme": "http", "path": "/predict", "raw_path": b"/predict", "query_string": b"", "root_path": "",
    "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 3000), "state": {},
}  # fmt: skip


async def ask(app: Any, body: bytes) -> int:
    """Return the status of the answer to one request."""
    status, asked = 0, False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Future()
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    length = str(len(body)).encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"content-length", length)]
    await app({**SCOPE, "headers": headers}, receive, send)
    return status


async def main(body: bytes, requests: int) -> None:
    app: Any = from_environment()
    told: asyncio.Queue[Any] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    await told.put({"type": "lifespan.startup"})
    lifespan = asyncio.create_task(app({"type": "lifespan", "asgi": SCOPE["asgi"], "state": {}}, told.get, said.put))
    assert (await said.get())["type"] == "lifespan.startup.complete"
    seconds = []
    for _ in range(5):
        began = perf_counter()
        for _ in range(requests // 5):
            assert await ask(app, body) == 200
        seconds.append((perf_counter() - began) / (requests // 5))
    await told.put({"type": "lifespan.shutdown"})
    await lifespan
    print(json.dumps({"us": min(seconds) * 1e6}))


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]).read_bytes(), int(sys.argv[2])))
