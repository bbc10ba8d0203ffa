"""The service's log as its collector reads it: whole lines of JSON, few of them, and nothing that callers sent."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import released
from observed import service

ROOT = Path(__file__).parents[2]
BEGIN = "import logging\nfrom serving import logs\nlogs.configure()\nlog = logging.getLogger('serving.x')\n"


def said(code: str) -> list[dict[str, Any]]:
    """Return what a process of its own logs, each line as a reader that splits at newlines parses it."""
    done = subprocess.run([sys.executable, "-c", BEGIN + code], cwd=ROOT, capture_output=True, check=False)
    assert done.stdout == b""
    lines = done.stderr.split(b"\n")
    assert lines.pop() == b""
    return [json.loads(line) for line in lines]


def test_line_has_time_level_event_and_what_is_known_beside():
    (line,) = said("log.warning('seen %d', 3, extra={'request_id': 'r1', 'prediction_id': 'p1', 'version': 7})")
    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") > 0
    assert line == {
        "level": "warning",
        "logger": "serving.x",
        "event": "seen 3",
        "request_id": "r1",
        "prediction_id": "p1",
        "version": 7,
    }


@pytest.mark.parametrize(
    "text", ['x\n{"level": "error"}', "\r\n\r\n", "\x1b[31m", "\u2028\u2029\x85", '"}', "\udc80", "é" * 9_000]
)
def test_text_of_a_caller_forges_no_line_and_stays_within_one(text):
    (line,) = said(f"log.warning('path %s', {text!r}, extra={{'request_id': {text!r}}})")
    assert line["level"] == "warning"
    assert line["request_id"] == text[:200]
    assert line["event"].endswith(text[-100:])


def test_lines_of_any_size_are_written_as_a_whole_by_several_processes_at_once(tmp_path):
    code = (
        BEGIN
        + "logs.LINES_A_SECOND = 10**6\nfor n in range(500): log.warning('é' * (n % 700), extra={'where': str(n)})"
    )
    read, write = os.pipe()
    writers = [subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=write) for _ in range(3)]
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        lines = [json.loads(line) for line in pipe]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    left_out = sum(line.get("not_shown", 0) for line in lines)
    assert len([line for line in lines if "where" in line]) + left_out == 1_500


ERRORS = """
from evergreen.base.errors import ResourceError
try:
    try:
        float("Jane Doe")
    except ValueError as error:
        raise {raised} from error
except Exception:
    log.exception("not answered", extra={{"request_id": "r1"}})
"""


def test_error_of_ours_is_its_block():
    raised = "ResourceError('RES001', 'no room', where='/log', next_step='Make room.')"
    (line,) = said(ERRORS.format(raised=raised))
    assert line["error"] == {"code": "RES001", "what": "no room", "where": "/log", "next": "Make room."}
    assert "traceback" not in line


def test_any_other_error_is_a_traceback_without_the_values_in_its_message():
    (line,) = said(
        ERRORS.format(raised="RuntimeError('Jane')").replace("float(", "name = 'Ja' + 'ne Doe'; float(name or ")
    )
    assert line["event"] == "not answered"
    assert line["error"] == {"what": "builtins.RuntimeError"}
    assert line["traceback"].startswith('  File "<string>", line')
    assert "builtins.ValueError" in line["traceback"]
    assert "Jane" not in json.dumps(line)


def test_failure_of_a_disk_is_told_with_its_reason_and_file():
    (line,) = said("try: open('/no/such')\nexcept OSError: log.exception('x')")
    assert line["error"] == {"what": "FileNotFoundError: No such file or directory: /no/such"}


def test_what_nobody_caught_is_a_line_too():
    lines = said(
        "import threading\ndef fails(): raise KeyError('Jane')\n"
        "thread = threading.Thread(target=fails); thread.start(); thread.join()\nfails()"
    )
    assert [(line["level"], line["event"]) for line in lines] == [("critical", "ended by an error")] * 2
    assert "Jane" not in json.dumps(lines).replace("raise KeyError('Jane')", "")


def test_warnings_say_where_and_not_what():
    (line,) = said("import warnings\nwarnings.warn('Jane')")
    assert (line["event"], line["where"].rpartition(":")[2]) == ("UserWarning", "6")


def test_loggers_of_uvicorn_and_asyncio_go_the_same_way_and_show_no_objects():
    lines = said(
        "import asyncio, uvicorn\n"
        "uvicorn.Config(None, log_config=None).configure_logging()\n"
        "logging.getLogger('uvicorn.error').warning('Invalid HTTP request received.')\n"
        "logging.getLogger('uvicorn.access').info('GET /?name=Jane')\n"
        "async def fails(): raise ValueError('Jane')\n"
        "async def forget():\n"
        "    task = asyncio.create_task(fails()); await asyncio.sleep(0); del task\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(forget())\n"
    )
    assert [(line["logger"], line["event"]) for line in lines] == [
        ("uvicorn.error", "Invalid HTTP request received."),
        ("asyncio", "Task exception was never retrieved"),
    ]
    assert "Jane" not in json.dumps(lines).replace("raise ValueError('Jane')", "")


def test_answers_are_told_from_400_on_and_few_of_each_kind():
    lines = said(
        "for n in range(1_000):\n"
        "    logs.answered('POST', '/predict', 200, 0.001)\n"
        "    logs.answered('POST', '/predict', 422, 0.001, code='SRV004', request_id=f'r{n}')\n"
        "    logs.answered('POST', '/predict', 503, 0.001, code='SRV005')\n"
    )
    of_422 = [line for line in lines if line.get("status") == 422]
    assert of_422[0] | {"time": "", "pid": 0} == {
        "time": "",
        "level": "info",
        "logger": "serving.access",
        "pid": 0,
        "event": "answered",
        "request_id": "r0",
        "method": "POST",
        "route": "/predict",
        "status": 422,
        "seconds": 0.001,
        "code": "SRV004",
    }
    shown = {status: sum(line.get("status") == status for line in lines) for status in (200, 422, 503)}
    assert shown[200] == 0
    assert 20 <= shown[422] <= 60  # 20 in each second that the loop ran through
    assert 20 <= shown[503] <= 60
    assert sum(line.get("not_shown", 0) for line in lines) == 2_000 - shown[422] - shown[503]


def test_debug_level_tells_of_every_answer():
    (line,) = said("logs.configure(logging.DEBUG)\nlogs.answered('GET', '/healthz', 200, 0.001)")
    assert (line["level"], line["status"]) == ("debug", 200)


def test_reader_that_stops_reading_stops_nobody_and_learns_how_much_it_missed():
    code = BEGIN + (
        "logs.LINES_A_SECOND = 10**6\n"
        "for n in range(2_000): log.warning('x' * 500)\n"
        "print('done', flush=True); input(); log.warning('read again')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"done\n"  # with nobody reading what it logs
        read = b""
        while len(read) < 4_096 * 10:
            read += os.read(process.stderr.fileno(), 65_536)
        process.stdin.write(b"\n")
        process.stdin.close()
        lines = [json.loads(line) for line in (read + process.stderr.read()).splitlines()]
    assert (
        len([line for line in lines if line["event"].startswith("x")]) + sum(line.get("not_shown", 0) for line in lines)
        == 2_000
    )
    assert [line["event"] for line in lines[-2:]] == ["read again", "lines were left out"]


def test_service_goes_on_when_its_log_is_closed():
    code = BEGIN + "import os\nos.close(2)\nlog.warning('x')\nprint('on')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"on\n"


MARK = "Jane-Doe-4711"


def test_running_service_logs_refusals_as_lines_of_json_and_nothing_that_was_sent(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("EVERGREEN_SERVE_TOKEN", "token-4711")
    row = released.requests(1)[0]
    with service(bundle.parent, tmp_path) as client:
        client.headers["Authorization"] = "Bearer token-4711"
        assert client.post("/predict", json={"rows": [{**row, "carrier": MARK}]}).status_code == 200
        for change in ({"weight": MARK}, {MARK: 1}, {"size": MARK}, {"copy": [MARK]}):
            assert client.post("/predict", json={"rows": [{**row, **change}]}).status_code == 422
        assert client.get(f"/{MARK}?name={MARK}", headers={"X-Name": MARK}).status_code == 404
        wrong = httpx.post(
            f"{client.base_url}/predict", json={"rows": [row]}, headers={"Authorization": f"Bearer {MARK}"}
        )
        assert wrong.status_code == 401
        forged = {"X-Request-Id": 'x", "level": "critical'}
        assert client.post("/predict", content=MARK, headers=forged).status_code == 415
    (printed,) = tmp_path.glob("*.log")
    text = printed.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert MARK not in text
    assert "token-4711" not in text
    answered = [(line["route"], line["status"]) for line in lines if line["event"] == "answered"]
    assert answered == [*[("/predict", 422)] * 4, ("other", 404), ("/predict", 401), ("/predict", 415)]
    assert all(line["request_id"] for line in lines if line["event"] == "answered")
    assert "critical" not in {line["level"] for line in lines}
