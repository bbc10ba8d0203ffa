"""What a container is built from: linted, the same everywhere, and run here as a container would be, but for docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import keys
import pytest
import released
from projects import SECONDS

from evergreen.adapters.packaging import Origin, containers
from evergreen.base.errors import ConfigError
from evergreen.learning.model.package import seal_package, verify_package

BIN = Path(sys.executable).parent
ORIGIN = Origin(commit="0123456789abcdef0123456789abcdef01234567", changed=False, python="3.11.7")


@pytest.fixture(scope="module")
def context(bento, source, tmp_path_factory) -> containers.Context:
    return containers.write(bento, source[1], ORIGIN, tmp_path_factory.mktemp("handed-on") / "context")


def test_folder_holds_the_bento_as_it_was_sealed_its_lock_and_nothing_else(context, bento, project):
    written = released.files(context.path)

    of_bento = {name.removeprefix("bento/"): held for name, held in written.items() if name.startswith("bento/")}
    assert of_bento == released.files(bento.path)
    assert {name.partition("/")[0] for name in written} == {
        *("bento", "Dockerfile", ".dockerignore", "requirements.lock", "package.json"),
    }
    assert written["requirements.lock"] == of_bento["src/requirements.lock"]
    verify_package(context.path, context.digest)
    verify_package(context.path / "bento", bento.digest)
    assert context.image == "parcels:v3-0123456"


@pytest.mark.parametrize(
    ("origin", "tag"),
    [
        (ORIGIN.model_copy(update={"changed": True}), "v3-0123456-changed"),
        (Origin(commit="unknown", changed=False, python="3.11.7"), "v3-unknown"),
    ],
)
def test_tag_says_when_the_commit_is_not_all_of_it(source, origin, tag):
    assert containers.image_of(source[1], origin) == f"parcels:{tag}"


def test_same_version_gives_the_same_bytes_and_is_not_written_twice(context, bento, source, tmp_path):
    again = containers.write(bento, source[1], ORIGIN, tmp_path / "elsewhere")
    before = {path: path.stat().st_mtime_ns for path in again.path.rglob("*")}
    containers.write(bento, source[1], ORIGIN, tmp_path / "elsewhere")

    assert again.digest == context.digest
    assert released.files(again.path) == released.files(context.path)
    assert {path: path.stat().st_mtime_ns for path in again.path.rglob("*")} == before


def test_signed_folder_is_signed_around_the_signed_bento(bento, source, tmp_path):
    key, trusted = keys.pair(tmp_path / "team.pem", tmp_path / "trusted.pem")

    context = containers.write(bento, source[1], ORIGIN, tmp_path / "context", signing_key=key)

    verify_package(context.path, context.digest, trusted_keys=trusted)


def test_package_without_its_lock_is_refused(bento, source, copied, tmp_path):
    _, folder = copied
    (folder / "src" / "requirements.lock").unlink()
    old = bento.model_copy(update={"path": folder, "digest": seal_package(folder)})

    with pytest.raises(ConfigError, match="PKG004"):
        containers.write(old, source[1], ORIGIN, tmp_path / "context")


def lint(path: Path) -> str:
    done = subprocess.run([BIN / "hadolint", str(path)], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_dockerfile_is_clean_to_hadolint_which_sees_what_is_not(context, tmp_path):
    careless = tmp_path / "Dockerfile"
    careless.write_text((context.path / "Dockerfile").read_text() + "RUN sudo apt-get install nginx\nUSER root\n")

    assert lint(containers.DOCKERFILE) == ""
    assert lint(context.path / "Dockerfile") == ""
    assert {"DL3002", "DL3004"} <= set(re.findall(r"DL\d+", lint(careless)))


def instructions(context: Path) -> dict[str, list[str]]:
    """Return what the last stage of a Dockerfile says, by instruction."""
    text = re.sub(r"\\\n", " ", (context / "Dockerfile").read_text()).rpartition("\nFROM ")[2]
    found: dict[str, list[str]] = {}
    for line in text.splitlines()[1:]:
        name, _, rest = line.strip().partition(" ")
        found.setdefault(name, []).append(rest.strip())
    return found


def variables(context: Path) -> dict[str, str]:
    """Return the environment of the container, its arguments filled in."""
    said = instructions(context)
    arguments = dict(argument.split("=", 1) for argument in said["ARG"])
    (line,) = said["ENV"]
    pairs = dict(word.split("=", 1) for word in shlex.split(line))
    return {name: arguments[value[2:-1]] if value.startswith("${") else value for name, value in pairs.items()}


def test_image_is_not_root_runs_our_server_of_this_package_and_writes_no_bytecode(context, bento):
    said, environment = instructions(context.path), variables(context.path)

    assert said["USER"] == ["10001:10001"]
    assert said["EXPOSE"] == [environment["EVERGREEN_SERVE_PORT"]]
    assert environment["EVERGREEN_PACKAGE_DIGEST"] == bento.digest
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert json.loads(said["CMD"][0]) == ["/opt/venv/bin/python", "-P", "-m", "serving"]
    assert json.loads(said["VOLUME"][0]) == [environment["EVERGREEN_HOME"]]
    assert 'org.opencontainers.image.revision="${COMMIT}"' in said["LABEL"][0]
    assert f"COMMIT={ORIGIN.commit}" in said["ARG"]
    text = (context.path / "Dockerfile").read_text()
    assert "ARG BASE=docker.io/library/python:3.11.7-slim-bookworm\n" in text
    assert "--require-hashes" in text
    assert not re.search(r"\b(curl|wget|apt-get|gcc|build-essential)\b", text)


INSIDE = """
set -eu
root=$1
mount -t tmpfs tmpfs "$root"
mkdir -p "$root"/{proc,dev,tmp,opt,var/lib/evergreen}
for folder in usr lib lib64 bin etc "${2#/}"; do
  test ! -e "/$folder" || { mkdir -p "$root/$folder" && mount --rbind "/$folder" "$root/$folder"; }
done
for name in venv bento; do mkdir "$root/opt/$name" && mount --bind "$3/$name" "$root/opt/$name"; done
mount --bind "$3/state" "$root/var/lib/evergreen"
mount -t proc proc "$root/proc"
for device in null urandom; do touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"; done
mount --make-rprivate /
for mounted in $(awk -v r="$root" '$5 ~ "^" r {print $5}' /proc/self/mountinfo | sort -u); do
  case $mounted in
    "$root/var/lib/evergreen"|"$root/proc"|"$root"/dev/*) ;;
    *) mount -o remount,bind,ro "$mounted" ;;
  esac
done
ip link set lo up
cd "$root/var/lib/evergreen"
exec chroot --userspec=10001:10001 "$root" /usr/bin/env -i PATH=/usr/bin:/bin @ENV@ \\
  /opt/venv/bin/python -I -c "$4" "$5" "$6"
"""
DRIVER = """
import json, os, subprocess, sys, time, urllib.request
told, rows = json.loads(sys.argv[1]), sys.argv[2]
os.chdir(told["workdir"])
answers = {"uid": os.getuid(), "writes": []}
for folder in ("/", "/opt/bento/src", "/opt/venv", "/tmp"):
    try:
        open(os.path.join(folder, "written"), "w").close()
        answers["writes"].append(folder)
    except OSError:
        pass
service = subprocess.Popen(told["cmd"])
deadline = time.monotonic() + 120
def healthy():
    return subprocess.run(told["health"], stderr=subprocess.DEVNULL).returncode == 0
answers["before"] = healthy()
while not healthy():
    assert service.poll() is None and time.monotonic() < deadline, service.poll()
    time.sleep(0.1)
asked = urllib.request.Request("http://127.0.0.1:3000/predict", rows.encode(), {"Content-Type": "application/json"})
answers["predicted"] = json.load(urllib.request.urlopen(asked, timeout=60))
service.terminate()
answers["ended"] = service.wait(60)
answers["logged"] = [name for _, _, names in os.walk(".") for name in names]
print(json.dumps(answers))
"""


@pytest.mark.long
def test_container_answers_without_root_network_or_a_root_file_system_that_can_be_written(context, expected, tmp_path):
    assert os.getuid() == 0, "run it as root: it makes namespaces and a root file system of its own"
    layout = tmp_path / "layout"
    for name in ("state", "root"):
        (layout / name).mkdir(parents=True)
    shutil.copytree(context.path / "bento", layout / "bento")
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, layout / "venv"], check=True)
    install = [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--compile-bytecode"]
    subprocess.run(
        [*install, "--python", layout / "venv" / "bin" / "python", "-r", context.path / "requirements.lock"], check=True
    )
    os.chown(layout / "state", 10001, 10001)
    said = instructions(context.path)
    told = {
        "cmd": json.loads(said["CMD"][0]),
        "health": json.loads(said["HEALTHCHECK"][0].partition("CMD ")[2]),
        "workdir": said["WORKDIR"][0],
    }
    environment = " ".join(shlex.quote(f"{name}={value}") for name, value in variables(context.path).items())
    rows = json.dumps({"rows": released.requests(25)})

    done = subprocess.run(
        [
            *("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--", "bash", "-c"),
            INSIDE.replace("@ENV@", environment),
            *("inside", str(layout / "root"), sys.base_prefix, str(layout), DRIVER, json.dumps(told), rows),
        ],
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
    )

    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert (answers["uid"], answers["writes"], answers["before"]) == (10001, [], False)
    assert answers["ended"] in (0, -15)  # uvicorn passes the signal on once it is done
    assert [each["probability"] for each in answers["predicted"]["predictions"]] == pytest.approx(expected, abs=1e-9)
    assert answers["logged"]
