"""Files are written whole or not at all, and a reader never sees half of one."""

import threading
from pathlib import Path

import pytest

from evergreen.base.errors import ResourceError
from evergreen.base.files import make_private, write_bytes


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_file_that_does_not_fit_on_the_disk_leaves_the_old_one(tmp_path, limited_disk):
    path = tmp_path / "some.json"
    write_bytes(path, b"old")
    with limited_disk(1_000), pytest.raises(ResourceError, match="RES001"):
        write_bytes(path, b"x" * 100_000)
    assert files_in(tmp_path) == ["some.json"]
    assert path.read_bytes() == b"old"


def test_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "some.json"
    contents = {bytes([letter]) * 200_000 for letter in b"abc"}
    write_bytes(path, b"a" * 200_000)
    done, seen = threading.Event(), set()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=watch)
    reader.start()
    for _ in range(20):
        for content in sorted(contents):
            write_bytes(path, content)
    done.set()
    reader.join()
    assert seen <= contents


def test_folders_that_are_made_are_for_owner_and_group_alone(tmp_path):
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o750, 0o750]
