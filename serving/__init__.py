"""The service: a plain ASGI application, and the BentoML service around it."""
