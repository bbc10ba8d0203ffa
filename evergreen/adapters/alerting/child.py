"""The process that sends: what stands on stdin, and how it went on stdout."""

import html
import json
import logging
import re
import sys
from typing import Any

from evergreen.base import parents

PLAIN = ("mailto", "mailtos", "json", "jsons", "xml", "xmls", "form", "forms")  # what shows text as it is
# What chat programs take for mentions, links and markup is written wide: an escape may be undone on the way.
WIDE = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "<>&@[]*`|"})
STATUS = re.compile(r"error=(\d{3})")
UNCONNECTED = re.compile(r"Errno (111|113|101|-2|-3)\b|NewConnectionError|ConnectTimeout|NameResolutionError")


class Said(logging.Handler):
    """What Apprise says of a failure, without anything of the address: a status, or that nobody was connected to."""

    status: str | None = None
    is_connected = True

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if found := STATUS.search(text):
            self.status = found.group(1)
        if UNCONNECTED.search(text):
            self.is_connected = False

    def told(self) -> dict[str, Any]:
        """Return what `Sent` holds of a message that was not taken."""
        if self.status:
            return {"reached": False, "why": f"it answered {self.status}"}
        if not self.is_connected:
            return {"reached": False, "why": "nobody could be connected to"}
        return {"reached": False, "why": "it did not take the message, or did not say so", "doubtful": True}


def defanged(text: str, scheme: str) -> str:
    """Return text in which a chat program finds no mention, link or markup.

    Examples
    --------
    >>> defanged("<!channel> a < b", "slack"), defanged("a < b", "json")
    ('＜!channel＞ a ＜ b', 'a < b')
    """
    return text if scheme in PLAIN else text.translate(WIDE)


def send(told: dict[str, Any]) -> dict[str, Any]:
    """Send a message by Apprise; return what `Sent` holds."""
    import apprise

    said = Said()
    logger = logging.getLogger("apprise")
    logger.addHandler(said)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        # A message that is redirected is asked for instead of sent, and lost.
        asset = apprise.AppriseAsset(async_mode=False, http_redirects=False)
        server = apprise.Apprise.instantiate(told["url"], asset=asset, suppress_exceptions=True)
        if server is None:
            return {"reached": False, "why": "its address is none that Apprise knows"}
        scheme = told["url"].partition(":")[0].lower()
        body, body_format = defanged(told["body"], scheme), apprise.NotifyFormat.TEXT
        if server.notify_format == apprise.NotifyFormat.HTML:
            body, body_format = html.escape(body).replace("\n", "<br/>\n"), apprise.NotifyFormat.HTML
        routes = apprise.Apprise(asset=asset)
        routes.add(server)
        reached = routes.notify(
            body=body,
            title=told["title"],
            body_format=body_format,
            notify_type=apprise.NotifyType.WARNING if told["is_page"] else apprise.NotifyType.INFO,
        )
    except Exception as error:
        return {"reached": False, "why": f"sending failed: {type(error).__name__}", "doubtful": True}
    return {"reached": True, "why": "sent"} if reached else said.told()


def main(parent: int) -> None:
    """Send what stands on stdin, as long as the process `parent` lives."""
    parents.end_with(parent)
    sys.stdout.write(json.dumps(send(json.load(sys.stdin))))
