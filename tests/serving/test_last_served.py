"""What was served last is kept whole, and what is not legible is not taken for it."""

import pytest

from evergreen.base.errors import ResourceError
from evergreen.learning.model.release import Release
from serving import last_served

RELEASE = Release(model="parcels", version=3, model_digest="a" * 64, threshold=0.5)


def test_what_was_served_last_is_read_as_it_was_written(tmp_path):
    assert last_served.read(tmp_path, "parcels") is None

    last_served.write(tmp_path, RELEASE, "b" * 64)
    last_served.write(tmp_path, RELEASE.model_copy(update={"version": 4}), "c" * 64)

    kept = last_served.read(tmp_path, "parcels")
    assert kept is not None
    assert (kept.release.version, kept.digest) == (4, "c" * 64)
    assert last_served.read(tmp_path, "flights") is None


def test_same_release_is_not_written_again(tmp_path):
    last_served.write(tmp_path, RELEASE, "b" * 64)
    written = last_served.place(tmp_path, "parcels").stat().st_ino

    last_served.write(tmp_path, RELEASE, "b" * 64)

    assert last_served.place(tmp_path, "parcels").stat().st_ino == written


@pytest.mark.parametrize("content", ["", "{}", '{"kind": "last served", "release": {}, "digest": "x"}', "[" * 10_000])
def test_file_that_is_not_legible_names_nothing(tmp_path, caplog, content):
    path = last_served.place(tmp_path, "parcels")
    path.parent.mkdir()
    path.write_text(content)

    assert last_served.read(tmp_path, "parcels") is None
    assert str(path) in caplog.text


def test_file_of_another_model_names_nothing(tmp_path):
    last_served.write(tmp_path, RELEASE, "b" * 64)
    last_served.place(tmp_path, "parcels").rename(last_served.place(tmp_path, "flights"))

    assert last_served.read(tmp_path, "flights") is None


def test_home_that_cannot_be_written_is_an_error_of_ours(tmp_path):
    (tmp_path / "serving").write_text("a file")

    with pytest.raises(ResourceError):
        last_served.write(tmp_path, RELEASE, "b" * 64)
