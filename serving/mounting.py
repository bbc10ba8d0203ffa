"""The application as BentoML mounts one: it starts and ends those of Starlette alone."""

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from serving.app import Application


class Mounted(Starlette):
    """An application whose start and end are Starlette's, and whose requests are its own."""

    def __init__(self, application: Application) -> None:
        every_path = Mount("/", app=application)  # BentoML passes on what a route matches
        super().__init__(routes=[every_path], lifespan=application.service.lifespan)
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await self._application(scope, receive, send)
