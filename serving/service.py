"""The BentoML service: the same application, mounted, with what it measures itself switched off around it."""

import bentoml

from serving.app import from_environment


@bentoml.asgi_app(from_environment())
@bentoml.service(
    tracing={"excluded_urls": ".*"}, logging={"access": {"enabled": False}}, metrics={"enabled": False}, workers=1
)
class Evergreen:
    """Has no endpoint of its own."""
