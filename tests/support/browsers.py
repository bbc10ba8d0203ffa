"""A real browser without a network but this machine's, driven through the pipe that it offers to debuggers."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from projects import wait_for

KEYS = {"Enter": (13, "\r"), "Escape": (27, ""), "Tab": (9, "")}


class Browser:
    """One page. What it says on its console, and what it could not load, is in `faults`."""

    def __init__(self, commands: int, events: int) -> None:
        self._out, self._in = os.fdopen(commands, "wb", buffering=0), os.fdopen(events, "rb", buffering=0)
        self._number, self._left = 0, b""
        self.faults: list[str] = []
        target = self._asked("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = None
        self._session = self._asked("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._asked(f"{domain}.enable")

    def open(self, url: str, *, width: int, height: int = 800) -> None:
        """Show a page in a window of this size: a phone's, with a touch screen, if it is narrow."""
        self._asked(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self._asked("Page.navigate", url=url)
        wait_for(lambda: self.run("document.readyState") == "complete", "the page is there")

    def run(self, script: str) -> Any:
        """Return what an expression is in the page."""
        told = self._asked("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, key: str) -> None:
        code, text = KEYS[key] if key in KEYS else (ord(key.upper()), key)
        about = {"key": key, "windowsVirtualKeyCode": code}
        self._asked("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self._asked("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self._asked("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click in the middle of an element, as somebody who sees it does."""
        box = f"(() => {{const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        x, y = self.run(f"{box} return [b.x + b.width / 2, b.y + b.height / 2]}})()")
        for kind in ("mousePressed", "mouseReleased"):
            self._asked("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def wait(self, script: str) -> None:
        """Wait until an expression is true in the page."""
        wait_for(lambda: bool(self.run(f"Boolean({script})")), f"{script} in the page, which says {self.faults}")

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._asked("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        self._out.close()
        self._in.close()

    def _asked(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        asked: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            asked["sessionId"] = self._session
        self._out.write(json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._number:
                assert "error" not in told, (method, told["error"])
                found: dict[str, Any] = told["result"]
                return found
            self._heard(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            more = self._in.read(1 << 16)
            assert more, "the browser is gone"
            self._left += more
        line, _, self._left = self._left.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        return told

    def _heard(self, told: dict[str, Any]) -> None:
        method, about = told.get("method"), told.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.faults.append(str(about["exceptionDetails"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.faults.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Give a browser, and end it."""
    theirs, commands = os.pipe()
    events, tell = os.pipe()
    line = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"),
        *("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", f"--user-data-dir={profile}"),
    ]

    def placed() -> None:  # where the browser looks for its debugger
        saved = [os.dup(theirs), os.dup(tell)]
        os.dup2(saved[0], 3)
        os.dup2(saved[1], 4)

    process = subprocess.Popen(
        line, preexec_fn=placed, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    os.close(tell)
    try:
        with closing(Browser(commands, events)) as page:
            yield page
    finally:
        process.terminate()
        process.wait(30)
