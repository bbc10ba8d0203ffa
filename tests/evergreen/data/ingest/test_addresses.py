"""Which addresses a source may name."""

import socket

import pytest

from evergreen.base.errors import EvergreenError
from evergreen.config.contract.sources import UrlSource
from evergreen.data.ingest import addresses, remote


@pytest.fixture
def storage(object_store):
    return {"s3": {"endpoint_url": object_store.endpoint}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sources"


def find(url, folder, storage, **options):
    return remote.find(UrlSource(kind="url", url=url, **options), folder=folder, storage=storage)


def refusal(url, folder, storage, **options) -> EvergreenError:
    with pytest.raises(EvergreenError) as caught:
        find(url, folder, storage, **options)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "local:///etc/passwd",
        "memory://x.csv",
        "zip://a.csv::s3://b/a.zip",
        "s3://key:secret@b/a.csv",
        "https://ann:pw@example.org/a.csv",
        "http://127.0.0.1/a.csv",
        "http://localhost/a.csv",
        "http://[::1]/a.csv",
        "http://0.0.0.0/a.csv",
        "http://2130706433/a.csv",
        "http://169.254.169.254/latest/meta-data",
        "http://10.1.2.3/a.csv",
        "http://192.168.1.1/a.csv",
        "http://172.16.0.1/a.csv",
        "http://[fd00::1]/a.csv",
        "http://[::ffff:127.0.0.1]/a.csv",
        "https://127.0.0.1:99999/a.csv",
        "ftp://127.0.0.1/a.csv",
        "sftp://127.0.0.1/a.csv",
    ],
)
def test_address_that_no_source_may_name_is_refused(folder, url):
    error = refusal(url, folder, {})
    assert error.code == "DQ027"
    assert "secret" not in error.block()
    assert "pw" not in error.block().replace("/etc/passwd", "")


def test_host_that_cannot_be_found_is_unavailable(folder, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", unknown)
    error = refusal("https://data.example.org/a.csv?token=abc", folder, {})
    assert (error.code, error.where) == ("DEP007", "https://data.example.org/a.csv")
