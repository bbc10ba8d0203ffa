"""Objects from a real S3 server and a real web server: fetched once, whole, and never from an inner address."""

import http.server
import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import servers

from evergreen.base.errors import ConfigError, DataError, EvergreenError, Unavailable
from evergreen.config.contract.sources import UrlSource
from evergreen.data.ingest import addresses, remote


@pytest.fixture
def storage(object_store):
    return {"s3": {"endpoint_url": object_store.endpoint}}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sources"


@pytest.fixture
def fetches(monkeypatch):
    """Count what is really fetched."""
    import s3fs

    seen, get = [], s3fs.S3FileSystem._get_file

    async def counted(self, path, *args, **options):
        seen.append(path)
        return await get(self, path, *args, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", counted)
    return seen


def find(url, folder, storage, **options):
    return remote.find(UrlSource(kind="url", url=url, **options), folder=folder, storage=storage)


def refusal(url, folder, storage, **options) -> EvergreenError:
    with pytest.raises(EvergreenError) as caught:
        find(url, folder, storage, **options)
    return caught.value


def content(item):
    return Path(item.uri).read_bytes()


def test_object_is_fetched_once_and_again_when_it_is_replaced(object_store, storage, folder, fetches):
    object_store.put("once", "a.csv", b"a\n1\n")
    (item,) = find("s3://once/a.csv", folder, storage)
    assert (item.name, item.format, content(item)) == ("s3://once/a.csv", "csv", b"a\n1\n")
    assert find("s3://once/a.csv", folder, storage) == (item,)
    assert fetches == ["once/a.csv"]
    object_store.put("once", "a.csv", b"a\n2\n")
    (again,) = find("s3://once/a.csv", folder, storage)
    assert content(again) == b"a\n2\n"
    assert fetches == ["once/a.csv", "once/a.csv"]
    assert not [path for path in (folder / "objects").iterdir() if path.name.startswith(".")]


def test_glob_and_prefix_find_objects_by_name(object_store, storage, folder):
    for key in ("t/2.csv", "t/1.csv", "t/deep/3.csv", "t/_SUCCESS", "t/x.parquet"):
        object_store.put("many", key, f"a\n{key}\n".encode())
    assert [i.name for i in find("s3://many/t/*.csv", folder, storage)] == ["s3://many/t/1.csv", "s3://many/t/2.csv"]
    assert [i.name for i in find("s3://many/t", folder, storage)] == [
        "s3://many/t/1.csv",
        "s3://many/t/2.csv",
        "s3://many/t/deep/3.csv",
        "s3://many/t/x.parquet",
    ]


def test_documents_and_objects_without_a_byte_are_left_out_and_folders_say_values(object_store, storage, folder):
    for key, text in (("zone=n/1.csv", "a\n1\n"), ("zone=s/1.csv", "a\n2\n"), ("zone=s/2.csv", ""), ("README.md", "x")):
        object_store.put("hive", key, text.encode())
    found = {item.name: item.values for item in find("s3://hive", folder, storage)}
    assert found == {"s3://hive/zone=n/1.csv": {"zone": "n"}, "s3://hive/zone=s/1.csv": {"zone": "s"}}


@pytest.mark.parametrize("damage", ["note", "object", "gone"])
def test_damaged_cache_is_not_believed(object_store, storage, folder, fetches, damage):
    object_store.put("damaged", "a.csv", b"a\n1\n")
    (item,) = find("s3://damaged/a.csv", folder, storage)
    if damage == "note":
        next((folder / "seen").iterdir()).write_text("{")
    elif damage == "gone":
        (folder / "objects" / item.sha256).unlink()
    else:
        (folder / "objects" / item.sha256).write_bytes(b"a\n9\n")
        assert refusal("s3://damaged/a.csv", folder, storage).code == "DQ028"
    assert content(find("s3://damaged/a.csv", folder, storage)[0]) == b"a\n1\n"


@pytest.mark.parametrize("times", [1, 2])
def test_object_replaced_while_it_is_read_is_read_again_once(object_store, storage, folder, monkeypatch, times):
    import s3fs

    object_store.put("racing", "a.csv", b"a\n1\n")
    get, left = s3fs.S3FileSystem._get_file, list(range(times))

    async def raced(self, path, *args, **options):
        await get(self, path, *args, **options)
        if left:
            object_store.put("racing", "a.csv", f"a\n{left.pop()}{time.time()}\n".encode())

    monkeypatch.setattr(s3fs.S3FileSystem, "_get_file", raced)
    if times == 1:
        assert content(find("s3://racing/a.csv", folder, storage)[0]).startswith(b"a\n0")
    else:
        error = refusal("s3://racing/a.csv", folder, storage)
        assert (error.code, error.where) == ("DQ028", "s3://racing/a.csv")
    assert not [path for path in (folder / "objects").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("url", ["s3://once-upon/a.csv", "s3://ready/nothing.csv", "s3://ready/none/*.csv"])
def test_missing_bucket_or_object_is_said(object_store, storage, folder, url):
    error = refusal(url, folder, storage)
    assert (type(error), error.code, error.what) == (DataError, "DQ000", "the source object does not exist")
    assert error.where == url


def test_wrong_secret_is_said_and_never_shown(object_store, storage, folder, monkeypatch):
    object_store.put("locked", "a.csv", b"a\n1\n")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "an-open-secret")
    error = refusal("s3://locked/a.csv", folder, storage)
    assert (error.code, error.what) == ("DQ000", "the source object may not be read")
    assert "secret" not in error.block().lower().replace("aws_access_key_id", "")


def test_no_credentials_at_all_is_said_in_seconds(object_store, storage, folder, monkeypatch, tmp_path):
    for name in servers.ACCESS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert refusal("s3://ready/yes", folder, storage, format="csv").what == "the source object may not be read"


def test_store_that_is_not_there_is_unavailable_within_seconds(object_store, folder, closed_port):
    begun = time.monotonic()
    error = refusal("s3://b/a.csv", folder, {"s3": {"endpoint_url": f"http://127.0.0.1:{closed_port}"}})
    assert (type(error), error.code, error.where) == (Unavailable, "DEP007", "s3://b/a.csv")
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(("status", "kind"), [(500, Unavailable), (503, Unavailable), (403, DataError)])
def test_s3_server_with_an_error_is_told_apart(object_store, folder, status, kind):
    with web({}, status=status) as endpoint:
        error = refusal("s3://b/a.csv", folder, {"s3": {"endpoint_url": endpoint}})
    assert isinstance(error, kind)


@contextmanager
def web(pages, *, status=200, location=""):
    """Serve pages over HTTP on this machine; yields the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path.partition("?")[0])
            code = status if status != 200 else 404 if body is None else 200
            self.send_response(302 if location else code)
            self.send_header("Content-Length", str(len(body or b"")))
            self.send_header("ETag", json.dumps(str(hash(body))))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_web_page_is_read_where_the_settings_name_its_server(folder):
    with web({"/a.csv": b"a\n1\n"}) as endpoint:
        storage = {"http": {"endpoint_url": endpoint}}
        (item,) = find(f"{endpoint}/a.csv?signature=abc", folder, storage)
        assert (item.name, content(item)) == (f"{endpoint}/a.csv", b"a\n1\n")
        assert refusal(f"{endpoint}/b.csv", folder, storage).what == "the source object does not exist"
    assert refusal(f"{endpoint}/a.csv", folder, storage).code == "DEP007"


def test_name_that_leads_to_an_inner_address_later_is_not_connected_to(folder, monkeypatch):
    with web({"/a.csv": b"a\n1\n"}) as endpoint:
        port = endpoint.rpartition(":")[2]
        # The name is public when it is looked up first, and this machine when it is connected to.
        answers = iter([True, True])  # of IPv6 and IPv4
        monkeypatch.setattr(addresses, "is_public", lambda address: next(answers, False))
        error = refusal(f"http://localhost:{port}/a.csv", folder, {})
    assert error.what == "the source's address leads to this machine or its network"


def test_store_whose_package_is_missing_is_a_matter_of_configuration(folder):
    error = refusal("gs://b/a.csv", folder, {})
    assert (type(error), error.code) == (ConfigError, "CFG030")


def test_full_disk_is_no_fault_of_the_store(object_store, storage, folder, limited_disk):
    object_store.put("large", "a.csv", b"a\n" + b"1\n" * 500_000)
    with limited_disk(100_000):
        error = refusal("s3://large/a.csv", folder, storage)
    assert error.code == "RES001"
    assert not [path for path in (folder / "objects").iterdir() if path.name.startswith(".")]
