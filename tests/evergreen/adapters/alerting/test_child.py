"""The process that sends: what a chat gets to see, what is said of a failure, and that it ends with its parent."""

import json
import logging
import os
import subprocess
import sys

import pytest
import sinks

from evergreen.adapters.alerting import CHILD, HERE
from evergreen.adapters.alerting.child import PLAIN, Said, defanged, send

SECRET = "s3cr3tpassw0rd"
HOSTILE = '<!channel> [pay](http://evil) & <script>alert(1)</script> "*bold*" @everyone'
TOLD = {"title": "[visits] page: the promise is broken", "body": f"PAGE: harm\n  {HOSTILE}\n\nend", "is_page": True}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise


@pytest.fixture(autouse=True)
def _logger():
    """What `send` sets in a process of its own, set back."""
    logger = logging.getLogger("apprise")
    before = logger.level, logger.propagate, list(logger.handlers)
    yield
    logger.level, logger.propagate, logger.handlers = before


def run(told, *, parent):
    asked = [sys.executable, "-P", "-c", CHILD, HERE, f"{parent}"]
    return subprocess.run(asked, input=json.dumps(told).encode(), capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("mode", ["", "?blocks=yes"])
def test_chat_finds_neither_mention_nor_link_nor_markup_in_the_data(mode, monkeypatch):
    import requests

    posted = []

    def answer(_session, request, **_):
        posted.append(request.body if isinstance(request.body, str) else request.body.decode())
        response = requests.Response()
        response.status_code, response._content = 200, b"ok"
        return response

    monkeypatch.setattr(requests.Session, "send", answer)
    sent = send({"url": f"slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops{mode}", **TOLD})
    assert sent["reached"], sent
    (data,) = posted
    acted_on = ("<!channel", "&lt;!channel", "<http", "](http", "@everyone", "*bold*", "<script")
    assert [sign for sign in acted_on if sign in data] == []
    assert "channel" in data


def test_text_is_written_wide_for_a_chat_and_stays_as_it_is_where_it_is_shown_so():
    wide = defanged(HOSTILE, "slack")
    assert not set(wide) & set("<>&@[]*`|")
    assert len(wide) == len(HOSTILE)
    assert {defanged(HOSTILE, scheme) for scheme in PLAIN} == {HOSTILE}


@pytest.mark.parametrize(
    ("lines", "why", "is_doubtful"),
    [
        (["Failed to send to {secret}: error=503."], "it answered 503", False),
        (["ConnectionError: [Errno 111] Connection refused {secret}"], "nobody could be connected to", False),
        (["[Errno -2] Name or service not known", "error=404"], "it answered 404", False),
        (["Read timed out. {secret}"], "it did not take the message, or did not say so", True),
        ([], "it did not take the message, or did not say so", True),
    ],
)
def test_failure_is_told_by_its_status_or_that_nobody_was_there_and_else_is_doubtful(lines, why, is_doubtful):
    said = Said()
    for line in lines:
        said.handle(logging.makeLogRecord({"msg": line.format(secret=SECRET)}))
    told = said.told()
    assert (told["reached"], told["why"], told.get("doubtful", False)) == (False, why, is_doubtful)


def test_address_that_nobody_knows_is_said_so_without_it():
    assert send({"url": f"nonsense://{SECRET}", **TOLD}) == {
        "reached": False,
        "why": "its address is none that Apprise knows",
    }


@pytest.mark.parametrize(("is_page", "kind"), [(True, "warning"), (False, "info")])
def test_page_is_a_warning_and_a_note_is_none(is_page, kind):
    with sinks.http() as sink:
        assert send({"url": f"json://127.0.0.1:{sink.port}", **TOLD, "is_page": is_page})["reached"]
    assert [came["type"] for came in sink.came] == [kind]


def test_process_says_how_it_went_as_json_alone():
    with sinks.http() as sink:
        done = run({"url": f"json://ops:{SECRET}@127.0.0.1:{sink.port}", **TOLD}, parent=os.getpid())
    assert json.loads(done.stdout) == {"reached": True, "why": "sent"}
    assert [came["message"] for came in sink.came] == [TOLD["body"]]


def test_process_whose_parent_is_gone_sends_nothing():
    with sinks.http() as sink:
        done = run({"url": f"json://127.0.0.1:{sink.port}", **TOLD}, parent=os.getpid() + 1)
    assert (done.returncode, done.stdout, sink.came) == (1, b"", [])
