"""A release: a bundle gives its release and its model, or is refused."""

import pytest
import released

from evergreen.base.errors import IntegrityError
from evergreen.learning.model.release import Release, load_release


def test_bundle_gives_its_release_and_model(tmp_path):
    release = released.bundle(tmp_path, threshold=0.3)

    found, model = load_release(tmp_path)

    assert found == release
    assert model.digest == release.model_digest


@pytest.mark.parametrize(
    "content",
    [None, "", "{}", '{"model": "parcels", "version": 0, "model_digest": "ab", "threshold": 0.5}', '{"model": "par'],
)
def test_broken_release_file_is_refused(content, tmp_path):
    released.bundle(tmp_path)
    if content is None:
        (tmp_path / "release.json").unlink()
    else:
        (tmp_path / "release.json").write_text(content)

    with pytest.raises(IntegrityError) as caught:
        load_release(tmp_path)

    assert caught.value.code == "INT008"


def test_release_of_another_model_is_refused(tmp_path):
    release = released.bundle(tmp_path)
    other = Release(**{**release.model_dump(), "model_digest": "0" * 64})
    (tmp_path / "release.json").write_text(other.model_dump_json())

    with pytest.raises(IntegrityError):
        load_release(tmp_path)
