"""Connections that dribble, idle, flood or do not read: what they cost others, and when they end."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
import released
from servers import SECONDS

from serving.connections import PIPELINED, Limits

BODY = json.dumps({"rows": released.requests(1)}).encode()
POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
HALF_A_HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nX-Slow: "


def connected(client: httpx.Client, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection((client.base_url.host, client.base_url.port), timeout=SECONDS)
    connection.sendall(sent)
    return connection


@contextmanager
def many(client: httpx.Client, n: int, sent: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(connected(client, sent)) for _ in range(n)]


def is_answered(client: httpx.Client) -> bool:
    """Whether somebody who connects anew is answered."""
    response = httpx.post(
        client.base_url.join("/predict"), content=BODY, headers={"Content-Type": "application/json"}, timeout=SECONDS
    )
    return response.status_code == 200


def ended(connection: socket.socket) -> bool:
    """Wait for the other side to hang up, whatever it says before."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, POST % 5_000 + b"{"])
def test_connections_without_a_whole_request_give_way_to_those_with_one(serve, sent):
    with serve(limits=Limits(connections=20, connections_per_peer=20)) as client, many(client, 60, sent) as slow:
        for _ in range(5):
            assert is_answered(client)
        assert all(ended(connection) for connection in slow[:30])
        page = httpx.get(client.base_url.join("/metrics"), timeout=SECONDS).text
    refused = [line for line in page.splitlines() if line.startswith("evergreen_connections_refused_total{")]
    assert sum(float(line.split()[-1]) for line in refused) >= 40


def test_head_that_is_not_whole_in_time_ends_and_so_does_a_connection_that_idles(serve):
    limits = Limits(connections=50, connections_per_peer=50, head_seconds=0.2, idle_seconds=0.2)
    with serve(limits=limits) as client:
        for sent in (HALF_A_HEAD, b"", POST % len(BODY) + BODY):
            with connected(client, sent) as slow:
                assert ended(slow)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\nA: " + b"b" * 40_000, b"431"),
        (b"GET /healthz HTTP/1.1\r\nA: " + b"b" * 40_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"b" * 10_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"\x16\x03\x01 this is TLS", b"400"),
        (b"GET /healthz HTTP/9.9\r\n\r\n", b"400"),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", b"400"),
    ],
)
def test_head_that_is_too_large_or_none_is_refused_at_once_in_the_form_of_every_error(serve, head, status):
    with serve() as client:
        with connected(client, head) as connection:
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        assert answer.split()[1] == status
        block = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert block.keys() == {"code", "what", "where", "next"}
        assert is_answered(client)


def test_header_value_without_end_is_cut_off(serve):
    with serve() as client, connected(client, HALF_A_HEAD) as connection:
        sent = 0
        try:
            while sent < 50_000_000:
                sent += connection.send(b"a" * 65_536)
        except OSError:
            pass
        assert sent < 20_000_000
        assert is_answered(client)


def test_head_in_pieces_and_body_in_one_are_read(serve):
    body = json.dumps({"rows": released.requests(5) * 80}).encode()
    with serve() as client, connected(client) as connection:
        for _ in range(3):
            for piece in (POST[:10], POST[10:40], POST[40:] % len(body)):
                connection.sendall(piece)
            connection.sendall(body)
            assert connection.recv(12) == b"HTTP/1.1 200"
            answer = b""
            while not answer.endswith(b"]}"):
                answer += connection.recv(65536)


def test_requests_in_one_go_are_answered_in_their_order(serve):
    with (
        serve() as client,
        connected(client, b"GET /healthz HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\n" * 3) as many,
    ):
        answer = b""
        while answer.count(b"HTTP/1.1") < 6:
            answer += many.recv(65536)
    assert [part[1:4] for part in answer.split(b"HTTP/1.1")[1:]] == [b"200", b"404"] * 3


def test_of_thousands_of_requests_in_one_go_some_are_answered_and_the_last_of_them_says_so(serve):
    with serve() as client, connected(client, b"GET /healthz HTTP/1.1\r\n\r\n" * 10_000) as many:
        answer = b""
        with suppress(ConnectionResetError):  # because not all that was sent is read
            while chunk := many.recv(65536):
                answer += chunk
        assert is_answered(client)
    answers = answer.split(b"HTTP/1.1")[1:]
    assert len(answers) == PIPELINED + 1
    assert [b"connection: close" in part for part in answers] == [False] * PIPELINED + [True]
    assert {part[1:4] for part in answers} == {b"200"}


def test_answer_that_nobody_reads_ends(serve):
    limits = Limits(connections=50, connections_per_peer=50, answer_seconds=0.2)
    body = json.dumps({"rows": released.requests(1) * 1_000}).encode()
    with serve(limits=limits) as client, socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        greedy.settimeout(SECONDS)
        greedy.connect((client.base_url.host, client.base_url.port))
        request = POST % len(body) + body
        with pytest.raises(OSError):  # noqa: PT011  reset or broken, as the system happens to see it
            greedy.sendall(request * 2_000)
        assert is_answered(client)
