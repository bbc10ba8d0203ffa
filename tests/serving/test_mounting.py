"""The application as BentoML mounts one: its model is loaded with the server's start, and let go with its end."""

import asyncio

import httpx
import released

from evergreen.config.settings import Settings
from serving.app import create_app
from serving.mounting import Mounted


def test_start_and_end_are_starlettes_and_requests_are_its_own(bundle, tmp_path):
    application = create_app(bundle, Settings(home=tmp_path))
    mounted = Mounted(application)

    async def ask() -> tuple[int, int, int]:
        transport = httpx.ASGITransport(app=mounted)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            before = await client.get("/readyz")
            async with mounted.router.lifespan_context(mounted):
                ready = await client.get("/readyz")
                answer = await client.post("/predict", json={"rows": released.requests(2)})
            return before.status_code, ready.status_code, len(answer.json()["predictions"])

    assert asyncio.run(ask()) == (503, 200, 2)
    assert application.service.served is None
