"""Messages reach real servers as they were written, and nothing of an address comes back, whatever a server does."""

import logging
import threading

import pytest
import sinks
from pydantic import SecretStr

from evergreen.adapters import alerting
from evergreen.adapters.alerting import Address
from evergreen.config.settings import Settings
from evergreen.decisions.alerts.message import Message

HOSTILE = '<!channel> [pay](http://evil) & <script>alert(1)</script> "*bold*" @everyone'
MESSAGE = Message(title="[visits] page: the promise is broken", body=f"PAGE: harm\n  {HOSTILE}\n\nend", is_page=True)
SECRET = "s3cr3tpassw0rd"


@pytest.fixture
def address(tmp_path):
    return lambda url: Address(url=SecretStr(url), home=tmp_path)


def test_webhook_gets_the_message_as_it_is(address):
    with sinks.http() as sink:
        sent = alerting.send(address(f"json://ops:{SECRET}@127.0.0.1:{sink.port}/hook"), MESSAGE)
    assert (sent.reached, sent.doubtful) == (True, False)
    (came,) = sink.came
    assert (came["title"], came["message"], came["type"]) == (MESSAGE.title, MESSAGE.body, "warning")


def test_mail_shows_the_text_and_no_markup_of_the_data(address):
    with sinks.smtp() as sink:
        people = "from=evergreen@example.org&to=ops@example.org"
        url = f"mailto://127.0.0.1:{sink.port}?{people}&mode=insecure"
        sent = alerting.send(address(url), MESSAGE)
    assert sent.reached, sent
    (mail,) = sink.came
    assert mail["Subject"] == MESSAGE.title
    page, plain = (mail.get_body((kind,)).get_content() for kind in ("html", "plain"))
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE in plain


@pytest.mark.parametrize("status", [500, 503, 404, 301])
def test_route_that_refuses_is_told_with_its_status_alone(address, status):
    with sinks.http(status) as sink:
        sent = alerting.send(address(f"json://ops:{SECRET}@127.0.0.1:{sink.port}/hook"), MESSAGE)
    assert (sent.reached, sent.why, sent.doubtful) == (False, f"it answered {status}", False)
    assert len(sink.came) == 1


@pytest.mark.parametrize("scheme", ["json", "mailto"])
def test_route_that_nobody_listens_at_was_not_reached_for_certain(address, scheme, closed_port):
    sent = alerting.send(address(f"{scheme}://ops:{SECRET}@127.0.0.1:{closed_port}?from=a@example.org"), MESSAGE)
    assert (sent.reached, sent.why, sent.doubtful) == (False, "nobody could be connected to", False)


def test_route_that_does_not_answer_is_given_up_in_time_and_may_have_been_reached(address):
    with sinks.http() as sink:
        sink.held = threading.Event()
        sent = alerting.send(address(f"json://127.0.0.1:{sink.port}/"), MESSAGE, seconds=2)
    assert (sent.reached, sent.why, sent.doubtful) == (False, "no answer within 2 s", True)


@pytest.mark.parametrize(
    "url",
    [
        f"json://ops:{SECRET}@127.0.0.1:{{port}}/{SECRET}?token={SECRET}",
        f"mailto://ops:{SECRET}@127.0.0.1:{{port}}?from=a@example.org&mode=insecure",
        f"nonsense://{SECRET}",
        SECRET,
        f"slack://{SECRET}",
        "",
        f"file:///dev/null/{SECRET}",
    ],
)
def test_nothing_of_an_address_is_said_when_it_does_not_work(address, url, closed_port, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    one = address(url.format(port=closed_port))
    sent = alerting.send(one, MESSAGE)
    said = "".join([sent.model_dump_json(), repr(one), str(one), caplog.text, *capfd.readouterr()])
    assert not sent.reached
    assert SECRET not in said


def test_file_is_added_to_and_only_its_owner_reads_it(address, tmp_path):
    for _ in range(2):
        assert alerting.send(address("file://kept/alerts.log"), MESSAGE).reached
    path = tmp_path / "kept" / "alerts.log"
    assert path.read_text().count(MESSAGE.title) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert alerting.send(address("file:///dev/null"), MESSAGE).why == "what is there is no file"


def test_without_routes_there_is_the_log_alone(tmp_path):
    (only,) = alerting.routes(Settings(home=tmp_path)).items()
    assert only == ("log", Address(url=SecretStr("file://alerts.log"), home=tmp_path))
    given = alerting.routes(Settings(home=tmp_path, alert_routes={"ops": SecretStr("json://host")}))
    assert list(given) == ["ops"]
