"""The service: a plain ASGI application, and the BentoML service around it.

Where this code lies in a package, the package is checked first: whoever starts it, no other module of it runs before.
"""

from serving import sealed

sealed.require_unchanged()
