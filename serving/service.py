"""The BentoML service: the same application, mounted, with what it measures itself switched off around it."""

import bentoml

from serving.answers import RequestError
from serving.app import from_environment
from serving.mounting import Mounted

APPLICATION = from_environment()


@bentoml.asgi_app(Mounted(APPLICATION))
@bentoml.service(
    tracing={"excluded_urls": ".*"}, logging={"access": {"enabled": False}}, metrics={"enabled": False}, workers=1
)
class Evergreen:
    """Has no endpoint of its own. BentoML answers `/readyz` and `/healthz` itself, the first by what this says."""

    async def __is_ready__(self) -> bool:
        try:
            APPLICATION.service.ready()
        except RequestError:
            return False
        return True
