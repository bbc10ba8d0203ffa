"""The package manifest: whatever is not as it was packaged is refused, by name, and nothing of it runs before."""

import errno
import hashlib
import json
import os
import pickle
import shutil
import socket
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import joblib
import keys
import pytest
import released
from audited import audited

from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.learning.model import package as packages
from evergreen.learning.model.package import PACKAGE_FILE, SIGNATURE_FILE, seal_package, verify_package

Attack = Callable[[Path], object]


@pytest.fixture(scope="module")
def sealed(project, tmp_path_factory) -> tuple[Path, str]:
    """A real package, model and code, and its digest."""
    folder = tmp_path_factory.mktemp("sealed") / "package"
    (folder / "src").mkdir(parents=True)
    released.bundle(folder / "src")
    digest = released.pack(folder / "src", project)
    assert [*verify_package(folder, digest).files]
    return folder, digest


@pytest.fixture
def package(sealed, tmp_path) -> Path:
    return Path(shutil.copytree(sealed[0], tmp_path / "package"))


def refused(folder: Path, digest: str | None, **given: object) -> str:
    """Return why a package is refused; nothing was run, imported or unpickled until then."""
    with audited() as events, pytest.raises(IntegrityError) as caught:
        verify_package(folder, digest, **given)
    assert events == []
    assert (caught.value.code, caught.value.exit_code) == ("INT018", 7)
    assert caught.value.where.startswith(str(folder))
    assert caught.value.next_step
    return caught.value.what


def test_manifest_lists_every_file_with_its_size_and_digest(sealed):
    folder, digest = sealed
    content = (folder / PACKAGE_FILE).read_bytes()
    listed = {each["path"]: (each["size"], each["sha256"]) for each in json.loads(content)["files"]}

    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    del there[PACKAGE_FILE]
    assert listed == {
        name: (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in there.items()
    }
    assert {"src/release.json", "src/model/model.skops", "src/serving/app.py"} <= listed.keys()
    assert hashlib.sha256(content).hexdigest() == digest


def test_one_flipped_bit_in_any_file_is_refused_and_the_file_is_named(package, sealed):
    paths = [path for path in sorted(package.rglob("*")) if path.is_file() and path.stat().st_size]
    assert len(paths) > 150
    for number, path in enumerate(paths):
        content = path.read_bytes()
        changed = bytearray(content)
        changed[(number * 7919) % len(content)] ^= 1 << number % 8
        path.write_bytes(changed)
        why = refused(package, sealed[1])
        assert path.name in why or path.name == PACKAGE_FILE, why
        path.write_bytes(content)
    verify_package(package, sealed[1])


@pytest.mark.parametrize("change", ["truncated", "longer", "emptied", "removed", "in a folder's place"])
def test_file_that_is_not_whole_is_refused_and_named(package, sealed, change):
    for path in sorted(package.rglob("*")):
        content = path.read_bytes() if path.is_file() and path.name != PACKAGE_FILE else b""
        if not content or (path.suffix == ".py" and path.parent.name != "serving"):
            continue
        path.unlink()
        if change == "in a folder's place":
            path.mkdir()
            (path / "file").touch()
        elif change != "removed":
            path.write_bytes({"truncated": content[:-1], "longer": content + b"\n", "emptied": b""}[change])
        assert path.name in refused(package, sealed[1])
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.write_bytes(content)
    verify_package(package, sealed[1])


EXTRA = (
    *("src/sitecustomize.py", "src/usercustomize.py", "src/a.pth", "src/json.py", "src/encodings/__init__.py"),
    *("src/serving/__pycache__/app.cpython-311.pyc", "src/evergreen/__pycache__/__init__.cpython-311.pyc"),
    *("src/model/model.pkl", "src/model/model.joblib", "src/model/model.skops.bak", "src/evergreen/own/more.py"),
    *("src/package.json", "src/package.sig", ".hidden", "src/.env", "package.json.bak", "PACKAGE.JSON", "src/app.so"),
    *(
        "env/docker/Dockerfile",
        "src/evergreen/base/errors.PY",
        "src/\u202eyp.txt",
        "a\nb",
        "package.json ",
        "src/serving/ ",
    ),
)


@pytest.mark.parametrize("name", EXTRA, ids=ascii)
def test_file_that_was_not_packaged_is_refused(package, sealed, name):
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_bytes(pickle.dumps(print))

    assert "does not belong to the package" in refused(package, sealed[1])
    assert "does not belong to the package" in refused(package, None)


def linked(path: Path, target: object) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(target)


def listening(path: Path) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as listens:
        listens.bind(path.name)


UNUSUAL: dict[str, Attack] = {
    "file is a link to its copy": lambda p: linked(
        p / "src/release.json", shutil.copy(p / "src/release.json", p.parent)
    ),
    "folder is a link to its copy": lambda p: linked(
        p / "src/serving", shutil.copytree(p / "src/serving", p.parent / "serving")
    ),
    "manifest is a link to its copy": lambda p: linked(p / PACKAGE_FILE, shutil.copy(p / PACKAGE_FILE, p.parent)),
    "link that was added": lambda p: (p / "src/added").symlink_to("release.json"),
    "link out of the package": lambda p: (p / "src/added").symlink_to("/etc/passwd"),
    "link to nothing": lambda p: (p / "src/added").symlink_to("nothing"),
    "link to itself": lambda p: linked(p / "src/release.json", "release.json"),
    "link to the folder above": lambda p: (p / "src/up").symlink_to(".."),
    "pipe in a file's place": lambda p: ((p / "src/release.json").unlink(), os.mkfifo(p / "src/release.json")),
    "pipe in the manifest's place": lambda p: ((p / PACKAGE_FILE).unlink(), os.mkfifo(p / PACKAGE_FILE)),
    "pipe that was added": lambda p: os.mkfifo(p / "added"),
    "socket": lambda p: listening(p / "added"),
    "folder that was added": lambda p: (p / "src/evergreen/added").mkdir(),
    "no manifest": lambda p: (p / PACKAGE_FILE).unlink(),
    "folder in the manifest's place": lambda p: ((p / PACKAGE_FILE).unlink(), (p / PACKAGE_FILE).mkdir()),
    "empty package": lambda p: (shutil.rmtree(p), p.mkdir()),
    "no package": shutil.rmtree,
    "file in the package's place": lambda p: (shutil.rmtree(p), p.touch()),
    "package is a link": lambda p: (p.rename(p.parent / "real"), p.symlink_to(p.parent / "real")),
    "files of the model swapped": lambda p: swap(p / "src/model/contract.json", p / "src/model/features.json"),
    "code swapped": lambda p: swap(p / "src/serving/app.py", p / "src/serving/answers.py"),
    "threshold and version": lambda p: (p / "src/release.json").write_text(
        (p / "src/release.json").read_text().replace("0.5", "0.01").replace(":3,", ":99,")
    ),
    "line of code": lambda p: (p / "src/serving/app.py").write_text(
        (p / "src/serving/app.py").read_text() + "import os; os.system('true')\n"
    ),
    "pickle as the model": lambda p: (p / "src/model/model.skops").write_bytes(pickle.dumps(print)),
    "joblib as the model": lambda p: joblib.dump(print, p / "src/model/model.skops"),
    "pickle as the manifest": lambda p: (p / PACKAGE_FILE).write_bytes(pickle.dumps(print)),
}


def swap(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("attack", UNUSUAL)
def test_what_is_no_file_of_the_package_in_its_place_is_refused(package, sealed, attack, pinned):
    UNUSUAL[attack](package)

    refused(package, sealed[1] if pinned else None)


def doctored(change: Callable[[dict], object]) -> Callable[[bytes], bytes]:
    """Return what rewrites a manifest in its own way of writing."""

    def rewritten(content: bytes) -> bytes:
        manifest = json.loads(content)
        manifest = change(manifest) or manifest
        return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()

    return rewritten


def with_first(**fields: object) -> Callable[[bytes], bytes]:
    return doctored(lambda manifest: manifest["files"][0].update(fields))


def with_path(path: str) -> Callable[[bytes], bytes]:
    def change(manifest: dict) -> None:
        manifest["files"].append({"path": path, "sha256": "0" * 64, "size": 0})
        manifest["files"].sort(key=lambda each: each["path"])

    return doctored(change)


MANIFESTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "not a package manifest"),
    "not JSON": (lambda content: b"{", "not a package manifest"),
    "not UTF-8": (lambda content: b'{"\xff": 1}', "not a package manifest"),
    "deep": (lambda content: b"[" * 200_000 + b"]" * 200_000, "not a package manifest"),
    "deep objects": (lambda content: b'{"a":' * 200_000, "not a package manifest"),
    "number of many digits": (lambda content: b"9" * 100_000, "not a package manifest"),
    "too large": (lambda content: content + b" " * packages.MAX_MANIFEST_BYTES, "more than 10000000 bytes"),
    "pickle": (lambda content: pickle.dumps({"files": []}), "not a package manifest"),
    "list": (doctored(lambda manifest: [manifest]), "not a package manifest"),
    "null": (lambda content: b"null\n", "not a package manifest"),
    "another kind": (doctored(lambda manifest: manifest.update(kind="bundle")), "not a package manifest"),
    "no kind": (doctored(lambda manifest: manifest.pop("kind") and None), "not a package manifest"),
    "no files": (doctored(lambda manifest: manifest.pop("files") and None), "not a package manifest"),
    "files are null": (doctored(lambda manifest: manifest.update(files=None)), "not a package manifest"),
    "unknown key": (doctored(lambda manifest: manifest.update(more=1)), "not a package manifest"),
    "unknown key of a file": (with_first(mode=0o777), "not a package manifest"),
    "size below 0": (with_first(size=-1), "not a package manifest"),
    "size beyond all": (with_first(size=2**70), "not a package manifest"),
    "size as text": (with_first(size="399"), "not a package manifest"),
    "size as fraction": (with_first(size=399.0), "not a package manifest"),
    "size as truth": (with_first(size=True), "not a package manifest"),
    "size that is not a number": (with_first(size=float("nan")), "not a package manifest"),
    "size of more than there is": (with_first(size=10_000_000), "is not the one that was packaged"),
    "digest of something else": (with_first(sha256="a" * 64), "is not the one that was packaged"),
    "digest in capitals": (with_first(sha256="A" * 64), "not a package manifest"),
    "digest too short": (with_first(sha256="a" * 63), "not a package manifest"),
    "path as number": (with_first(path=7), "not a package manifest"),
    "path is empty": (with_first(path=""), "not a package manifest"),
    "path beyond all": (with_path("a/" * 600 + "a"), "not a package manifest"),
    "spaces behind": (lambda content: content + b" ", "not written as one is"),
    "one line": (lambda content: json.dumps(json.loads(content)).encode(), "not written as one is"),
    "byte order mark": (lambda content: b"\xef\xbb\xbf" + content, "not a package manifest"),
    "key twice": (lambda content: content.replace(b"{", b'{\n "kind": "package",', 1), "not written as one is"),
    "out of order": (doctored(lambda manifest: manifest["files"].reverse()), "not written as one is"),
    "file twice": (doctored(lambda m: m["files"].insert(0, m["files"][0])), "not written as one is"),
    "file that is not there": (with_path("src/zzz.py"), "is missing"),
    "file left out": (doctored(lambda manifest: manifest["files"].pop(0) and None), "does not belong"),
    **{
        f"path {path!a}": (with_path(path), "leads out of the package")
        for path in (
            *("../outside", "src/../../outside", "/etc/passwd", "//server/share", "C:/windows", "C:outside", "."),
            *("..", "./src", "src//a", "src/", "src\\..\\..\\outside", "\\\\server\\share", "a\0b", "a\nb", "\u202eyp"),
            *(PACKAGE_FILE, SIGNATURE_FILE, "src/./a", "a:stream"),
        )
    },
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifest_that_was_doctored_is_refused_unparsed_by_its_digest_and_by_itself(package, sealed, name, monkeypatch):
    change, why = MANIFESTS[name]
    path = package / PACKAGE_FILE
    path.write_bytes(change(path.read_bytes()))

    assert why in refused(package, None)
    monkeypatch.setattr(packages, "_parse", lambda *_: pytest.fail("it was parsed"))
    assert "is not the one of digest" in refused(package, sealed[1]) or name == "too large"


def test_manifest_that_was_made_anew_for_changed_files_is_told_by_its_digest_alone(package, sealed):
    (package / "src" / "release.json").write_text("{}")
    other = seal_package(package)

    assert verify_package(package, None) == verify_package(package, other)  # nothing else could tell
    assert "is not the one of digest" in refused(package, sealed[1])


def test_what_a_running_service_may_find_beside_itself_is_passed_over_where_it_is_asked_to(package, sealed):
    compiled = package / "src" / "serving" / "__pycache__"
    compiled.mkdir()
    (compiled / "app.cpython-311.pyc").write_bytes(b"")
    (package / "models").mkdir()

    verify_package(package, sealed[1], below="src", bytecode=True)
    assert "'src/serving/__pycache__/app.cpython-311.pyc' does not belong" in refused(package, sealed[1], below="src")
    assert "'models' does not belong" in refused(package, sealed[1], bytecode=True)
    (package / "src" / "serving" / "more.py").write_text("")
    assert "more.py' does not belong" in refused(package, sealed[1], below="src", bytecode=True)
    (package / "src" / "serving" / "more.py").rename(package / "src" / "serving" / "app.py")
    assert "app.py' is not the one" in refused(package, sealed[1], below="src", bytecode=True)
    (package / "src" / "serving" / "app.py").unlink()
    assert "app.py' of the package is missing" in refused(package, sealed[1], below="src", bytecode=True)


def test_file_that_may_not_be_read_is_refused(package, sealed, monkeypatch):
    opened = os.open

    def refusing(path, *given):
        if Path(path).name == "release.json":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # root would read it
        return opened(path, *given)

    monkeypatch.setattr(os, "open", refusing)
    assert "cannot be read" in refused(package, sealed[1])


def test_folder_with_a_link_is_not_sealed(package):
    (package / "src" / "link").symlink_to("/etc/passwd")
    with pytest.raises(IntegrityError, match="neither a file nor a folder"):
        seal_package(package)


def test_signature_of_a_trusted_key_is_asked_for_where_keys_are_trusted(package, sealed, tmp_path):
    folders = {name: tmp_path / name for name in ("team", "strangers")}
    for name, folder in folders.items():
        folder.mkdir()
        keys.pair(tmp_path / f"{name}.pem", folder / "public.pem")
    with pytest.raises(IntegrityError, match="INT017: it is not signed"):
        verify_package(package, sealed[1], trusted_keys=folders["team"])

    digest = seal_package(package, signing_key=tmp_path / "team.pem")

    assert digest == sealed[1]  # a signature lies beside the manifest and not in it
    verify_package(package, digest, trusted_keys=folders["team"])
    verify_package(package, digest)
    with pytest.raises(IntegrityError, match="INT017: the signature is of none"):
        verify_package(package, digest, trusted_keys=folders["strangers"])
    with pytest.raises(ConfigError, match="CFG060"):
        verify_package(package, digest, trusted_keys=tmp_path / "nowhere")
    (package / SIGNATURE_FILE).write_bytes(b"\0" * 100)
    with pytest.raises(IntegrityError, match=r"INT018: 'package\.sig' has more than 64 bytes"):
        verify_package(package, digest, trusted_keys=folders["team"])
    linked(package / SIGNATURE_FILE, "/etc/passwd")
    with pytest.raises(IntegrityError, match=r"INT018: 'package\.sig' cannot be read"):
        verify_package(package, digest, trusted_keys=folders["team"])
