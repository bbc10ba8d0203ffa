"""Folders that are handed on: whole, sealed, readable by anybody, and never over somebody's own files."""

import os
import stat

import keys
import pytest
import released

from evergreen.adapters.packaging.folders import hand_on
from evergreen.base.errors import ConfigError, IntegrityError, ResourceError
from evergreen.learning.model.package import verify_package

FILES = {"a.txt": b"a", "below/b.txt": b"b"}


def test_folder_is_sealed_and_readable_whatever_the_umask(tmp_path):
    before = os.umask(0o077)
    try:
        digest = hand_on(FILES, tmp_path / "new" / "folder")
    finally:
        os.umask(before)

    verify_package(tmp_path / "new" / "folder", digest)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new" / "folder").rglob("*") if path.is_file()}
    assert modes == {0o644}
    assert stat.S_IMODE((tmp_path / "new" / "folder" / "below").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    "left", ["nothing", "an empty folder", "another one of ours", "a damaged one", "an unsigned one"]
)
def test_what_was_handed_on_before_is_replaced_whole(tmp_path, left):
    target, key = tmp_path / "folder", keys.pair(tmp_path / "team.pem", tmp_path / "trusted.pem")[0]
    if left == "an empty folder":
        target.mkdir()
    elif left != "nothing":
        hand_on({"old.txt": b"old"} if left == "another one of ours" else FILES, target)
    if left == "a damaged one":
        (target / "a.txt").write_bytes(b"x")
        (target / "below" / "b.txt").unlink()

    digest = hand_on(FILES, target, signing_key=key)

    verify_package(target, digest, trusted_keys=tmp_path / "trusted.pem")
    assert {*released.files(target)} == {*FILES, "package.json", "package.sig"}
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "team.pem", "trusted.pem"}


@pytest.mark.parametrize("left", ["foreign", "beside ours", "a file", "a link"])
def test_folder_with_files_of_others_is_left_as_it_is(tmp_path, left):
    target, elsewhere = tmp_path / "folder", tmp_path / "elsewhere"
    if left == "a file":
        target.write_text("mine")
    elif left == "a link":
        hand_on(FILES, elsewhere)
        target.symlink_to(elsewhere)
    else:
        if left == "beside ours":
            hand_on(FILES, target)
        (target / "mine").mkdir(parents=True)
        (target / "mine" / "notes.txt").write_text("mine")
    before = released.files(tmp_path)

    with pytest.raises(ConfigError, match="PKG003") as caught:
        hand_on({"new.txt": b"new"}, target)

    assert caught.value.where == str(target)
    assert released.files(tmp_path) == before


def test_folder_that_cannot_be_written_is_said(read_only_folder):
    with pytest.raises(ResourceError, match="RES002"):
        hand_on(FILES, read_only_folder / "folder")


def test_manifest_lists_what_was_written_and_a_change_is_found(tmp_path):
    digest = hand_on(FILES, tmp_path / "folder")
    (tmp_path / "folder" / "a.txt").write_bytes(b"x")

    with pytest.raises(IntegrityError, match=r"a\.txt"):
        verify_package(tmp_path / "folder", digest)
