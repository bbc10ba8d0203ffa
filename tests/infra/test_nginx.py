"""nginx in front of the service, as `infra/nginx/evergreen.conf` sets it up: a real one, from Debian."""

import datetime
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import released
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import SECONDS, free_port, running

from evergreen.adapters import packaging
from evergreen.config.settings import Settings

pytestmark = pytest.mark.long
NAME = "predictions.example.com"


class Proxied(NamedTuple):
    """A service behind nginx: clients of both, and how to reach the proxy by hand."""

    proxy: httpx.Client
    service: httpx.Client
    port: int
    certificate: Path


def certify(folder: Path) -> None:
    """Write a certificate of the proxy's name, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "evergreen.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    kind = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "evergreen.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *kind))


def configure(project: Path, folder: Path, *, port: int, service: int) -> Path:
    """Write a whole configuration around the committed one, which differs from it by places alone."""
    text = (project / "infra" / "nginx" / "evergreen.conf").read_text()
    places = {"listen 443 ssl": f"listen 127.0.0.1:{port} ssl", "127.0.0.1:3000": f"127.0.0.1:{service}"}
    for before, after in {**places, "/etc/nginx/tls": str(folder)}.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "evergreen.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;\n"
        f"{'user root;' if os.getuid() == 0 else ''}\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log {folder}/access.log; {temporary} include {folder}/evergreen.conf; }}\n"
    )
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def proxied(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        pytest.fail("there is no nginx: apt-get install nginx-light")
    folder = tmp_path_factory.mktemp("nginx")
    bundle = tmp_path_factory.mktemp("bento") / "src"
    bundle.mkdir()
    released.bundle(bundle)
    released.pack(bundle, project)
    settings = Settings(home=folder / "home", serve_port=free_port())
    argv, env = packaging.command(bundle.parent, settings)
    certify(folder)
    port = free_port()
    configuration = configure(project, folder, port=port, service=settings.serve_port)
    with running(argv, env, folder, settings.serve_port) as (_, service):
        process = subprocess.Popen([nginx, "-c", configuration, "-e", folder / "error.log"], cwd=folder)
        try:
            wait_until_it_listens(process, port, folder)
            transport = httpx.HTTPTransport(verify=trust(folder / "evergreen.pem"))
            base, headers = f"https://127.0.0.1:{port}", {"Host": NAME}
            with httpx.Client(base_url=base, headers=headers, transport=transport, timeout=SECONDS) as proxy:
                yield Proxied(Named(proxy), service, port, folder / "evergreen.pem")
        finally:
            process.terminate()
            process.wait(SECONDS)


def trust(certificate: Path, *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificate))
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class Named:
    """A client that asks for the certificate of the proxy's name, wherever the proxy listens."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def request(self, method: str, path: str, **asked: object) -> httpx.Response:
        return self._client.request(method, path, extensions={"sni_hostname": NAME}, **asked)


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "error.log").read_text()
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    pytest.fail("nginx does not listen")


def test_rows_are_answered_through_tls_as_the_service_answers_them(proxied):
    rows = {"rows": released.requests(5)}

    answer = proxied.proxy.request("POST", "/predict", json=rows)
    direct = proxied.service.post("/predict", json=rows)

    assert answer.status_code == 200
    assert [each["probability"] for each in answer.json()["predictions"]] == [
        each["probability"] for each in direct.json()["predictions"]
    ]
    assert answer.headers["server"] == "nginx"
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_both_protocols_are_offered(proxied, protocol):
    context = trust(proxied.certificate, protocol)
    with (
        socket.create_connection(("127.0.0.1", proxied.port), timeout=SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=NAME) as connection,
    ):
        assert connection.selected_alpn_protocol() == protocol


def asked(service: httpx.Client) -> float:
    """Return how many requests the service has answered, but those for its metrics."""
    counts = re.findall(
        r'^evergreen_requests_total\{route="(?!/metrics).*\} (\S+)$', service.get("/metrics").text, re.M
    )
    return sum(map(float, counts))


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/admin/reload",
        "/admin",
        "/openapi.json",
        "/schema",
        "/",
        "/predict/",
        "/v2",
        "/explain",
        "//metrics",
    ],
)
def test_what_is_not_for_callers_never_reaches_the_service(proxied, path):
    before = asked(proxied.service)

    answers = [proxied.proxy.request(method, path) for method in ("GET", "POST")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert "nginx/" not in answers[0].text
    assert asked(proxied.service) == before


@pytest.mark.parametrize("path", ["/predict/../metrics", "/%6detrics", "/explain/../metrics", "/v2/../admin/reload"])
def test_path_that_is_spelled_another_way_does_not_lead_there_either(proxied, path):
    text = raw(proxied, f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())

    assert text.startswith(b"HTTP/1.1 404 ")
    assert b"evergreen_requests_total" not in text


def raw(proxied: Proxied, request: bytes) -> bytes:
    """Send bytes through TLS and return everything that comes until the proxy closes."""
    with (
        socket.create_connection(("127.0.0.1", proxied.port), timeout=SECONDS) as plain,
        trust(proxied.certificate).wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        connection.sendall(request)
        received = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(1 << 16):
                received += part
        return received


def test_body_that_the_service_would_not_take_is_refused_before_it_is_sent_on(proxied):
    before = asked(proxied.service)

    answer = proxied.proxy.request("POST", "/predict", content=b" " * 1_000_001)

    assert answer.status_code == 413
    assert asked(proxied.service) == before


@pytest.mark.parametrize(
    ("sent", "kept"), [("order-17.a_b", True), ("no\x7fid", False), ("x" * 65, False), ("", False)]
)
def test_every_answer_has_one_request_id_which_is_the_callers_where_it_is_a_plain_one(proxied, sent, kept):
    for path in ("/predict", "/metrics"):
        answer = proxied.proxy.request(
            "POST", path, json={"rows": released.requests(1)}, headers={"X-Request-Id": sent}
        )

        (given,) = answer.headers.get_list("x-request-id")
        assert (given == sent) == kept
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given)


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /predict HTTP/1.1\r\nHost: predictions.example.com\r\nX-Slow: ",
        b"POST /predict HTTP/1.1\r\nHost: predictions.example.com\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["header", "body"],
)
def test_caller_that_does_not_finish_is_let_go_and_the_service_hears_nothing_of_it(proxied, begun):
    before = asked(proxied.service)

    received = raw(proxied, begun)

    assert not received or received.startswith(b"HTTP/1.1 408 ")
    assert asked(proxied.service) == before


def test_headers_beyond_the_limit_are_refused(proxied):
    answer = proxied.proxy.request("POST", "/predict", headers={"X-Long": "x" * 9_000})
    assert answer.status_code == 400


def test_plain_http_on_the_port_of_tls_is_refused(proxied):
    answer = httpx.get(f"http://127.0.0.1:{proxied.port}/healthz", timeout=SECONDS)
    assert answer.status_code == 400


def test_address_that_a_caller_claims_is_not_passed_on(project):
    text = (project / "infra" / "nginx" / "evergreen.conf").read_text()
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in text
    assert "$proxy_add_x_forwarded_for" not in text
