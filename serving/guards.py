"""Who may ask, and for what name: the head of a request, looked at before its body is."""

import hmac
import itertools
import os
import re
from collections.abc import Iterable

from evergreen.config.settings import Settings
from serving.answers import RequestError

TOKEN_ROUTES = ("/predict", "/feedback", "/explain/")
ADMIN_ROUTES = "/admin/"
REVIEW_PAGE, REVIEW_ROUTES = "/review", "/review/"
_SANE_ID = re.compile(rb"[\x21-\x7e]{1,64}")
_COUNT, _PREFIX = itertools.count(1), os.urandom(6).hex()


class Head:
    """What the service wants to know of a request's headers."""

    __slots__ = ("authorization", "content_type", "host", "length", "request_id")

    def __init__(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.content_type = self.authorization = self.host = self.request_id = b""
        self.length: int | None = None
        for name, value in headers:
            if name == b"content-type":
                self.content_type = value
            elif name == b"content-length":
                self.length = int(value) if value.isdigit() and len(value) < 20 else None
            elif name == b"host":
                self.host = value
            elif name == b"authorization":
                self.authorization = value
            elif name == b"x-request-id" and _SANE_ID.fullmatch(value):
                self.request_id = value
        if not self.request_id:
            self.request_id = b"%s%08x" % (_PREFIX.encode(), next(_COUNT))


class Guard:
    """Checks the head of every request against what is configured."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = frozenset(name.lower().encode() for name in settings.allowed_hosts)
        self._token = settings.serve_token.get_secret_value().encode() if settings.serve_token else None
        self._admin = settings.admin_token.get_secret_value().encode() if settings.admin_token else None
        self._review = settings.review_token.get_secret_value().encode() if settings.review_token else None
        self.is_open = not self._hosts and self._token is None

    def check(self, path: str, head: Head) -> None:
        """Raise RequestError if a request may not be answered.

        400 for a foreign Host, 401 without the right token, 404 for what needs a token that nobody has set.
        """
        if self._hosts and _name(head.host) not in self._hosts:
            what, next_step = "this service is not asked by that Host", "Set Host to a name of EVERGREEN_ALLOWED_HOSTS."
            raise RequestError(400, "host", "SRV013", what, where="Host", next_step=next_step)
        if path.startswith(ADMIN_ROUTES):
            if self._admin is None:
                raise RequestError(404, "", "SRV008", "Not Found", next_step="Set EVERGREEN_ADMIN_TOKEN to have it.")
            _check_token(head, self._admin)
        elif path == REVIEW_PAGE or path.startswith(REVIEW_ROUTES):
            if self._review is None:
                raise RequestError(404, "", "SRV008", "Not Found", next_step="Set EVERGREEN_REVIEW_TOKEN to have it.")
            if path != REVIEW_PAGE:  # which holds no data: a browser asks for it before anybody can give a token
                _check_token(head, self._review)
        elif self._token is not None and needs_token(path):
            _check_token(head, self._token)


def needs_token(path: str) -> bool:
    """Return whether a path is one of those that `serve_token` is asked for."""
    return path.startswith(TOKEN_ROUTES) or (path.startswith("/v2/") and path.endswith("/infer"))


def _check_token(head: Head, token: bytes) -> None:
    scheme, _, given = head.authorization.partition(b" ")
    if scheme.lower() != b"bearer" or not hmac.compare_digest(given.strip(), token):
        what = "this needs a token" if not head.authorization else "the token is not the right one"
        raise RequestError(
            401,
            "token",
            "SRV014",
            what,
            where="Authorization",
            next_step="Send Authorization: Bearer and the token that the service was started with.",
            headers=[(b"www-authenticate", b"Bearer")],
        )


def _name(host: bytes) -> bytes:
    """Return the name in a Host header, without its port."""
    name = host.lower()
    return name[: name.index(b"]") + 1] if name.startswith(b"[") and b"]" in name else name.partition(b":")[0]
