"""What a bundle says of its model: read as it was written, and nothing else."""

import pytest

from evergreen.base.errors import IntegrityError
from serving.edge.about import ABOUT, About


def test_bundle_says_its_release_its_columns_and_what_is_missing(made):
    about = About.from_bytes((made.bundle.path / ABOUT).read_bytes())

    release = made.release
    assert (about.model, about.version, about.threshold) == (release.model, release.version, release.threshold)
    assert about.model_digest == release.model_digest
    asked = [column.name for column in made.model.contract.request_columns]
    assert [column.name for column in about.columns.features] == asked
    assert about.missing == made.model.contract.missing


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"model":1}', b"\xff", b"[" * 100_000])
def test_what_is_not_written_so_is_refused(content):
    with pytest.raises(IntegrityError, match="PKG008"):
        About.from_bytes(content)
